"""What a trained INNg can do beside drawing from noise: judge pictures, and draw them in its texture."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from inng_bench.cli import main
from inng_bench.contract import Execution
from inng_bench.errors import ExitStatus, InputError
from inng_bench.inng.cascade import climb
from inng_bench.inng.frozen import picture_logits
from inng_bench.inng.method import INNg
from inng_bench.inng.prior import Palette

SETTINGS = {"filters": 8, "canvases": 2, "canvas_side": 64, "classifier_steps": 30, "max_steps": 10, "max_stages": 4}


def stripes(height: int = 96, width: int = 96, shift: int = 0) -> Tensor:
    return ((torch.arange(width) + shift) % 12 < 6).float().mul(1.6).sub(0.8).expand(3, height, width).contiguous()


@pytest.fixture(scope="module")
def trained() -> INNg:
    method = INNg(SETTINGS, Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    return method


def test_the_log_ratio_is_the_sum_of_all_stages_logits_for_each_window(trained: INNg) -> None:
    picture = torch.rand((1, 3, 78, 94), generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = trained.log_ratio(picture)
    assert found.shape == (1, 2, 3)
    window = picture[:, :, 16 : 16 + 62, 32 : 32 + 62]
    expected = sum(float(picture_logits(stage.classifier, window)) for stage in trained.stages)
    assert float(found[0, 1, 2]) == pytest.approx(expected, rel=1e-4)


def test_the_log_ratio_of_unseen_texture_is_above_that_of_noise_and_of_its_own_defect(trained: INNg) -> None:
    real = stripes(width=160, shift=5)[None]
    noise = trained.prior.draw(1, (96, 160), torch.Generator().manual_seed(1))
    assert float(trained.log_ratio(real).min()) > float(trained.log_ratio(noise).max())
    defect = real.clone()
    defect[:, :, 40:56, 120:136] = noise[:, :, :16, :16]
    change = trained.log_ratio(defect) - trained.log_ratio(real)
    left = torch.arange(0, 160 - 62 + 1, 16)
    holds, touches = (left <= 120) & (left + 62 >= 136), (left < 136) & (left + 62 > 120)
    assert bool((change[0][:, holds] < 0).all())
    assert bool((change[0][:, ~touches] == 0).all())


def test_a_picture_below_one_window_has_no_log_ratio(trained: INNg) -> None:
    with pytest.raises(InputError, match=r"60x70 px is smaller than a window of 62 px"):
        trained.log_ratio(torch.zeros((1, 3, 70, 60)))


def test_a_picture_goes_on_from_its_stage_and_keeps_its_size(trained: INNg) -> None:
    picture = torch.rand((1, 3, 64, 80), generator=torch.Generator().manual_seed(0)) * 2 - 1
    last = len(trained.stages)
    drawn = trained.continue_from(picture, stage=last, generator=torch.Generator().manual_seed(1))
    state = trained.state()
    start = Palette(state["palette.mean"], state["palette.factor"]).within(picture).clamp(-1, 1)
    alone = climb(
        trained.stages[-1:], start, state["colours"], trained.config, trained.prior, torch.Generator().manual_seed(1)
    )
    assert torch.equal(drawn, alone.canvases)
    odd = trained.continue_from(picture[:, :, :, :75], stage=1, generator=torch.Generator().manual_seed(1))
    assert odd.shape == (1, 3, 64, 75)


def test_padded_classifiers_have_no_dense_log_ratio() -> None:
    settings = {"preset": "authors", "scale": 0.01, "filters": 4, "canvas_side": 64, "max_stages": 1, "max_steps": 2}
    method = INNg(settings, Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    with pytest.raises(InputError, match="needs unpadded classifiers"):
        method.log_ratio(stripes()[None])


@pytest.mark.parametrize("stage", [0, 5, -1])
def test_a_stage_that_is_not_there_is_refused_with_those_that_are(trained: INNg, stage: int) -> None:
    with pytest.raises(InputError, match="the stages 1 to 4"):
        trained.continue_from(torch.zeros((1, 3, 64, 64)), stage=stage, generator=torch.Generator())


@pytest.fixture
def stored(trained: INNg, tmp_path: Path) -> Path:
    folder = tmp_path / "stripes" / "inng" / "seed-0"
    folder.mkdir(parents=True)
    trained.save(folder)
    return folder


def picture_file(folder: Path, height: int, width: int) -> Path:
    path = folder / "portrait.png"
    pixels = np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_the_command_draws_a_picture_in_the_texture(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = picture_file(tmp_path, 70, 90)
    command = ["sample", str(stored), "--init", str(path), "--stage", "-2", "--out", str(tmp_path / "out")]
    assert main([*command, "--precision", "float32"]) == ExitStatus.OK
    (written,) = (tmp_path / "out").iterdir()
    assert written.name == "portrait-from-stage-3-seed-0-0.png"
    assert str(written) in capsys.readouterr().out
    with Image.open(written) as drawn:
        assert drawn.size == (90, 70)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--init", "absent.png"], "absent.png"),
        (["--init", "{small}"], "90x50 px; give a picture of 64 to 8192 px a side"),
        (["--init", "{small}", "--size", "64x64"], "--size does not go with --init"),
        (["--stage", "2"], "--stage belongs to --init"),
        (["--init", "{small}", "--stage", "-9"], "there is no stage -9; this cascade has the stages 1 to 4"),
    ],
)
def test_a_wrong_start_is_one_sentence(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    small = str(picture_file(tmp_path, 70 if "-9" in arguments else 50, 90))
    filled = [argument.format(small=small) for argument in arguments]
    assert main(["sample", str(stored), *filled, "--out", str(tmp_path / "out")]) == ExitStatus.BAD_INPUT
    complaint = capsys.readouterr().err
    assert message in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "out").exists()
