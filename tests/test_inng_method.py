"""What a trained INNg can do beside drawing from noise: judge pictures, and draw them in its texture."""

import hashlib
import math
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from record_builder import make_record, make_texture
from torch import Tensor

from inng_bench.cli import main
from inng_bench.contract import Execution, Progress, density_of
from inng_bench.errors import ExitStatus, InputError
from inng_bench.harness.density import spread
from inng_bench.harness.memory import free_gib
from inng_bench.inng import algorithm
from inng_bench.inng.frozen import picture_logits
from inng_bench.inng.method import INNg
from inng_bench.inng.state import Stage
from inng_bench.metrics.typicality import TypicalWindows, parts_of
from inng_bench.pixels import Palette
from inng_bench.records import store
from inng_bench.records.schema import Window
from inng_bench.textures import to_pixels, to_tensor

# Stripes are random phase noise of their own spectrum, so that p0 and the steps must know less of them here.
SETTINGS = {
    "first_negatives": "matched",
    "directions": "principal-colours",
    "filters": 8,
    "canvases": 2,
    "canvas_side": 64,
    "classifier_steps": 30,
    "max_steps": 10,
    "max_stages": 4,
}


def stripes(height: int = 96, width: int = 96, shift: int = 0) -> Tensor:
    return ((torch.arange(width) + shift) % 12 < 6).float().mul(1.6).sub(0.8).expand(3, height, width).contiguous()


@pytest.fixture(scope="module")
def heard() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def trained(heard: list[Progress]) -> INNg:
    method = INNg(SETTINGS, Execution())
    method.train(stripes(), seed=0, budget=math.inf, events=heard.append)
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


def test_a_picture_below_one_window_has_no_density(trained: INNg) -> None:
    for read in (trained.log_ratio, trained.log_prior):
        with pytest.raises(InputError, match=r"60x70 px is smaller than a window of 62 px"):
            read(torch.zeros((1, 3, 70, 60)))


def test_the_log_prior_holds_noise_of_p0_for_likelier_than_a_texture_of_other_contrast(trained: INNg) -> None:
    noise = trained.prior.draw(2, (96, 96), torch.Generator().manual_seed(1))
    prior = trained.log_prior(noise)
    assert prior.shape == trained.log_ratio(noise).shape
    assert float(prior.min()) > float(trained.log_prior(1.5 * noise).max())


def test_a_picture_goes_on_from_its_stage_and_keeps_its_size(trained: INNg) -> None:
    picture = torch.rand((1, 3, 64, 80), generator=torch.Generator().manual_seed(0)) * 2 - 1
    last = len(trained.stages)
    drawn = trained.continue_from(picture, stage=last, generator=torch.Generator().manual_seed(1))
    state = trained.state()
    start = Palette(state["palette.mean"], state["palette.factor"]).within(picture).clamp(-1, 1)
    alone = algorithm.climb_stage(trained.stages[-1], start, trained.sampler, torch.Generator().manual_seed(1))
    assert torch.equal(drawn, alone.canvases)
    odd = trained.continue_from(picture[:, :, :, :75], stage=1, generator=torch.Generator().manual_seed(1))
    assert odd.shape == (1, 3, 64, 75)


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
        (["--init", "{small}"], "90x50 px, which inng cannot draw; give a picture of another size, such as 64x64"),
        (["--init", "{small}", "--size", "64x64"], "--size does not go with --init"),
        (["--stage", "2"], "--stage goes with --init"),
        (["--size", "200x20"], "inng cannot draw 200x20 px; name another --size, such as 64x64"),
        (["--init", "{small}", "--stage", "-9"], "there is no stage -9; this model has the stages 1 to 4"),
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


def save(folder: Path, name: str, picture: Tensor) -> Path:
    path = folder / name
    Image.fromarray(to_pixels(picture)[0]).save(path)
    return path


def test_the_density_command_marks_a_planted_defect(
    trained: INNg, stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = stripes(160, 240, shift=5)[None]
    defect = real.clone()
    defect[:, :, 80:144, 128:192] = trained.prior.draw(1, (64, 64), torch.Generator().manual_seed(1))
    pictures = [str(save(tmp_path, name, one)) for name, one in (("good.png", real), ("bad.png", defect))]
    command = ["density", str(stored), "--out", str(tmp_path / "out"), "--precision", "float32"]
    command += ["--picture", pictures[0], "--picture", pictures[1]]  # or both after one
    assert main(command) == ExitStatus.OK
    good, bad = capsys.readouterr().out.splitlines()
    assert float(good.split("log ratio ")[1].split()[0]) > float(bad.split("log ratio ")[1].split()[0])
    assert bad.endswith(f"least {bad.split('least ')[1].split()[0]} at x 128, y 80: {tmp_path}/out/bad-log-ratio-1.png")
    with Image.open(tmp_path / "out" / "bad-log-ratio-1.png") as written:
        pixels = np.asarray(written).astype(float)
    assert pixels.shape == (160, 480, 3)
    assert np.array_equal(pixels[:, :240], to_pixels(defect)[0])
    shown = pixels[:, 240:, 0]
    inside = shown[80:144, 128:192]
    assert inside.mean() < np.delete(shown, np.s_[48:], axis=1).mean() - 30  # no window there touches the defect
    assert inside.min() == shown.min() == 0  # black is the least of both pictures


def test_the_density_command_adds_ln_p0_when_asked_for_the_whole(
    trained: INNg, stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = stripes(96, 112)[None]
    picture = save(tmp_path, "good.png", real)
    command = ["density", str(stored), "--picture", str(picture), "--out", str(tmp_path / "out"), "--of", "density"]
    assert main([*command, "--precision", "float32"]) == ExitStatus.OK
    told = capsys.readouterr().out
    assert f"{tmp_path}/out/good-log-density-0.png" in told
    whole = trained.log_ratio(real) + trained.log_prior(real)
    assert float(told.split("log density ")[1].split()[0]) == pytest.approx(float(whole.mean()), rel=0.01)


def test_the_density_command_finds_untypical_what_is_too_likely(
    trained: INNg, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, varied = tmp_path / "runs" / "stripes" / "inng" / "seed-0", stripes(112, 128)
    varied[:, :, 64:] *= 0.9
    trained.save(run)
    (tmp_path / "textures" / "stripes").mkdir(parents=True)
    save(tmp_path / "textures" / "stripes", "train.png", varied[None])
    flat = torch.full((1, 3, 80, 80), 0.1)
    pictures = [str(save(tmp_path, name, one)) for name, one in (("good.png", stripes()[None]), ("flat.png", flat))]
    command = ["density", str(run), "--picture", *pictures, "--out", str(tmp_path / "out"), "--precision", "float32"]
    assert main([*command, "--of", "typicality"]) == ExitStatus.BAD_INPUT
    assert "seed-0 is not a run in a results folder: typicality needs the train window" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    pixels = to_pixels(varied[None])[0]
    window = Window(top=0, left=0, height=112, width=128, sha256=hashlib.sha256(pixels.tobytes()).hexdigest())
    texture = make_texture("stripes", has_held_out=False).model_copy(update={"train": window})
    store.write_record(tmp_path, make_record("inng", texture=texture))
    assert main([*command, "--of", "typicality"]) == ExitStatus.OK
    found = [float(line.split("log typicality ")[1].split()[0]) for line in capsys.readouterr().out.splitlines()]
    parts = [parts_of(trained, as_stored(one)) for one in (varied, stripes(), flat[0])]
    typical = TypicalWindows.of(parts[0])
    assert found == pytest.approx([float(typical.log_typicality(one).mean()) for one in parts[1:]], rel=0.01)
    assert float(parts[2][1].min()) > float(parts[1][1].max())  # nothing is likelier by ln p0 than what is flat
    assert found[1] < found[0] - 10
    (tmp_path / "textures" / "stripes" / "train.png").unlink()
    assert main([*command, "--of", "typicality"]) == ExitStatus.BAD_INPUT
    assert "train.png cannot be read (FileNotFoundError); run the suite again" in capsys.readouterr().err


def as_stored(picture: Tensor) -> Tensor:
    return to_tensor(to_pixels(picture[None])[0])


def test_a_part_of_a_density_is_none_and_says_what_is_missing(trained: INNg) -> None:
    class Forgetful(INNg):
        log_prior = None  # type: ignore[assignment]

    assert density_of(trained) is trained
    with pytest.raises(InputError, match="inng has log_ratio but not log_prior, so it is not a density"):
        density_of(Forgetful(SETTINGS, Execution()))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ("absent.png", "absent.png"),
        ("small.png", "90x50 px; give a picture with 62 to 8192 px on each side"),
    ],
)
def test_a_picture_that_cannot_be_judged_is_one_sentence(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], picture: str, message: str
) -> None:
    save(tmp_path, "small.png", stripes(50, 90)[None])
    command = ["density", str(stored), "--picture", str(tmp_path / picture), "--out", str(tmp_path / "out")]
    assert main(command) == ExitStatus.BAD_INPUT
    complaint = capsys.readouterr().err
    assert message in complaint
    assert complaint.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_picture_that_the_memory_does_not_hold_is_refused_before_it_is_drawn(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("inng_bench.harness.sample.free_gib", lambda: 2.5)
    arguments = ["sample", str(stored), "--out", str(tmp_path / "out"), "--device", "cpu", "--precision", "float32"]
    assert main([*arguments, "--size", "8192x8192"]) == ExitStatus.BAD_INPUT
    assert "8192x8192 px needs about 14.0 GiB of memory, but only 2.5 GiB are free" in capsys.readouterr().err
    Image.new("RGB", (4096, 4096)).save(tmp_path / "start.png")
    assert main([*arguments, "--init", str(tmp_path / "start.png")]) == ExitStatus.BAD_INPUT
    assert "4096x4096 px needs about 3.5 GiB" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "--size", "64x64"]) == ExitStatus.OK


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_drawing_takes_the_memory_that_it_says_and_no_more(tmp_path: Path) -> None:
    shorter = {"max_stages": 1, "max_steps": 1, "threshold": 50.0, "first_negatives": "random-phase", "filters": 32}
    method = INNg({**SETTINGS, **shorter, "directions": "spectrum"}, Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    method.save(tmp_path)
    script = f"""
        from pathlib import Path
        import torch
        from inng_bench.contract import Execution
        from inng_bench.harness.memory import peak_memory_mib
        from inng_bench.inng.method import INNg
        method = INNg.load(Path({str(tmp_path)!r}), Execution())
        method.sample(1, (256, 256), generator=torch.Generator().manual_seed(0))
        before = peak_memory_mib()
        method.sample(1, (1536, 1536), generator=torch.Generator().manual_seed(0))
        print((peak_memory_mib() - before) * 2**20 / method.drawing_bytes((1536, 1536)))
    """
    if free_gib() < 2:
        pytest.skip("less than 2 GiB of memory are free")
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert 0.5 < float(done.stdout) <= 1.1


def test_a_map_has_at_each_pixel_the_mean_of_the_windows_that_cover_it() -> None:
    ratio = torch.rand((3, 4), generator=torch.Generator().manual_seed(0))
    found = spread(ratio, (16, 21), 6, 4)
    assert found.shape == (16, 21)
    for row, column in ((0, 0), (5, 5), (4, 11), (13, 17)):
        covering = [
            ratio[i, j] for i in range(3) for j in range(4) if 4 * i <= row < 4 * i + 6 and 4 * j <= column < 4 * j + 6
        ]
        assert float(found[row, column]) == pytest.approx(float(torch.stack(covering).mean()))
    assert bool((found[14:] == found[13]).all())
    assert bool((found[:, 18:] == found[:, 17:18]).all())


def test_the_density_of_a_large_picture_is_that_of_its_strips(trained: INNg, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = torch.rand((2, 3, 150, 100), generator=torch.Generator().manual_seed(0)) * 2 - 1
    whole = trained.log_ratio(picture), trained.log_prior(picture)
    monkeypatch.setattr("inng_bench.inng.method.STRIP_AREA", 2 * 100 * 16 * 2)
    torch.testing.assert_close((trained.log_ratio(picture), trained.log_prior(picture)), whole)
    assert whole[0].shape == whole[1].shape == (2, 6, 3)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("96x80", "tile: opposite borders meet"),
        ("100x80", "do not tile"),
        ("512x512", "tile: opposite borders meet"),
        ("300x700", "do not tile"),
    ],
)
def test_sample_says_whether_a_size_tiles(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str, said: str
) -> None:
    assert main(["sample", str(stored), "--size", size, "--out", str(tmp_path / "out")]) == ExitStatus.OK
    assert f"{size} px {said}" in capsys.readouterr().err
    (written,) = (tmp_path / "out").iterdir()
    with Image.open(written) as picture:
        assert picture.size == tuple(map(int, size.split("x")))


def test_a_picture_of_a_size_that_tiles_has_no_seam(trained: INNg) -> None:
    drawn = trained.sample(2, (96, 96), generator=torch.Generator().manual_seed(0))
    inside = drawn.diff(dim=3).square().mean()
    across = (drawn[:, :, :, 0] - drawn[:, :, :, -1]).square().mean()
    assert trained.tiles((96, 96))
    assert float(across) < 4 * float(inside)


def test_a_picture_of_a_size_between_the_grid_steps_is_the_crop_of_the_next_torus(trained: INNg) -> None:
    odd = trained.sample(1, (70, 90), generator=torch.Generator().manual_seed(5))
    whole = trained.sample(1, (80, 96), generator=torch.Generator().manual_seed(5))
    assert torch.equal(odd, whole[:, :, :70, :90])


def test_pictures_move_a_bounded_number_at_a_time_and_are_all_there(
    trained: INNg, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []

    def watched(stages: Sequence[Stage], canvases: Tensor, *others: Any) -> Tensor:
        together.append(len(canvases))
        return synthesise(stages, canvases, *others)

    synthesise = algorithm.synthesise
    monkeypatch.setattr(algorithm, "synthesise", watched)
    monkeypatch.setattr("inng_bench.inng.method.TOGETHER", 2)
    drawn = trained.sample(5, (64, 64), generator=torch.Generator().manual_seed(0))
    assert together == [2, 2, 1]
    assert len(drawn.flatten(1).unique(dim=0)) == 5  # type: ignore[no-untyped-call]


def test_an_untrained_cascade_says_so() -> None:
    with pytest.raises(RuntimeError, match="has to be trained or restored"):
        INNg({}, Execution()).sample(1, (64, 64), generator=torch.Generator())


@pytest.mark.usefixtures("trained")
def test_events_report_losses_steps_and_canvases_of_each_stage(heard: list[Progress]) -> None:
    assert [progress.step for progress in heard] == [1, 2, 3, 4]
    expected = {"loss_first", "loss_last", "classifier_steps", "energy_gap", "sampler_steps", "logit", "missed"}
    assert expected == set(heard[0].values)
    assert heard[0].pictures is not None
    assert heard[0].pictures.shape == (2, 3, 64, 64)


HOPELESS = {"threshold": 50.0, "max_steps": 1, "classifier_steps": 3}
"""No image can reach a logit of 50 in one step."""


def test_stages_without_progress_end_a_training_that_says_so_and_names_the_setting() -> None:
    method = INNg({**SETTINGS, **HOPELESS, "no_progress_stages": 2}, Execution())
    outcome = method.train(stripes(), seed=0, budget=1e15)
    assert len(method.stages) == 2
    assert any("the last 2 stages made no progress" in warning for warning in outcome.warnings)
    assert any("ended after 2 stages (no_progress_stages is 2)" in warning for warning in outcome.warnings)
    assert method.sample(1, (64, 64), generator=torch.Generator().manual_seed(0)).isfinite().all()


def test_stages_without_progress_end_no_other_training_and_are_named() -> None:
    endless = INNg({**SETTINGS, **HOPELESS}, Execution())
    told = endless.train(stripes(), seed=0, budget=math.inf).warnings
    assert len(endless.stages) == 4
    assert told[0] == "stages 1, 2, 3, 4 of 4 ended before all images met the stop rule."
    assert "the last 4 stages made no progress" in told[1]


def test_margins_of_canvases_that_do_not_wrap_are_cut_off_again() -> None:
    patches = {"windows": "patches", "patches": 2, "crop_side": 62, "max_stages": 1, "classifier_steps": 3}
    method, heard = INNg({**SETTINGS, **patches}, Execution()), list[Progress]()
    method.train(stripes(), seed=0, budget=math.inf, events=heard.append)
    assert heard[0].pictures is not None
    assert heard[0].pictures.shape == (2, 3, 64, 64)
    at_once = INNg({**SETTINGS, **patches, "threshold": -1e9}, Execution())  # every image stops at once
    at_once.restore(method.state())
    picture = stripes()[None, :, :64, :75]
    drawn = at_once.continue_from(picture, stage=1, generator=torch.Generator())
    torch.testing.assert_close(drawn, picture, atol=1e-5, rtol=0)  # but for the projection onto the colours


@pytest.mark.parametrize("missing", ["stage.0002.bias.3", "stage.0004", "max_steps", "prior.mean", "palette.factor"])
def test_a_cascade_with_a_part_missing_is_refused_by_its_name(trained: INNg, missing: str) -> None:
    state = {name: tensor for name, tensor in trained.state().items() if not name.startswith(missing)}
    with pytest.raises(InputError, match=f"has no '{missing}"):
        INNg(SETTINGS, Execution()).restore(state)


def test_a_cascade_with_weights_of_another_shape_is_refused(trained: INNg) -> None:
    with pytest.raises(InputError, match=r"'stage\.0001\.weight\.0' of another shape"):
        INNg({**SETTINGS, "filters": 5}, Execution()).restore(trained.state())


def test_a_stored_cascade_draws_the_same(trained: INNg) -> None:
    again = INNg(SETTINGS, Execution())
    again.restore(trained.state())
    drawn, same = (one.sample(2, (64, 80), generator=torch.Generator().manual_seed(1)) for one in (trained, again))
    assert torch.equal(drawn, same)


def test_a_cascade_without_classifiers_or_steps_is_refused(trained: INNg) -> None:
    state, count = trained.state(), len(trained.stages)
    for steps in (torch.tensor([], dtype=torch.int64), torch.tensor([0] * count), torch.tensor([2.5] * count)):
        with pytest.raises(InputError, match="has no classifier or no steps"):
            INNg(SETTINGS, Execution()).restore({**state, "max_steps": steps})


def test_a_cascade_with_more_classifiers_than_steps_is_refused_not_shortened(trained: INNg) -> None:
    state = trained.state()
    with pytest.raises(InputError, match="has 4 classifiers and steps of 3"):
        INNg(SETTINGS, Execution()).restore(state | {name: state[name][:-1] for name in ("max_steps", "step_sizes")})
