"""Several photographs of one material as one texture: what is read, what each method learns, what is measured."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from inng_bench.baselines.reference_rows import RandomPhase
from inng_bench.cli import main
from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.harness import session
from inng_bench.harness.learning import ONE_OF_SEVERAL, learn
from inng_bench.harness.measure import measure_again, run_of_record
from inng_bench.harness.methods import load_method_class
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import make_plan
from inng_bench.harness.run import execute
from inng_bench.harness.suite import Suite, own_picture_suite, parse_suite
from inng_bench.inng.preconditioner import band_amplitudes
from inng_bench.metrics import copying
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.people.stored import find_contests
from inng_bench.pixels import colour_statistics, random_crops
from inng_bench.random_phase import texton_of
from inng_bench.records import store
from inng_bench.records.verify import verify
from inng_bench.report import build_report
from inng_bench.seeds import torch_generator
from inng_bench.textures import folders, load_photographs
from inng_bench.textures import photographs as photographs_module
from inng_bench.textures.decoding import decode_picture
from inng_bench.tiles import of_strip

Pixels = NDArray[np.uint8]

SIZES = ((200, 420), (300, 280), (256, 256), (210, 400), (230, 230))
"""Height and width of the photographs."""


def photograph(seed: int, height: int, width: int) -> Pixels:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(height, width, 3)), (2, 2, 0))
    return np.asarray(np.clip(128 + 300 * noise, 0, 255).astype(np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "My Stones"
    place.mkdir()
    for seed, size in enumerate(SIZES):
        Image.fromarray(photograph(seed, *size)).save(place / f"{seed}.png", compress_level=0)
    return place


def known(windows: Iterable[Pixels]) -> set[bytes]:
    return {window.tobytes() for window in windows}


def test_photographs_of_several_sizes_become_windows_of_one(folder: Path) -> None:
    texture = load_photographs(folder)
    assert (texture.name, texture.kind, texture.scale, texture.is_set) == ("my-stones", "photographs", 1.0, False)
    assert texture.train_windows.shape[1:] == (200, 200, 3)
    assert {window.shape for window in texture.held_out} == {(200, 200, 3)}
    assert not known(texture.train_windows) & known(texture.held_out)
    train, held_out = len(texture.train_windows), len(texture.held_out)
    # Two of the photographs hold two windows each.
    assert train + held_out == 7
    assert texture.source.startswith("My Stones: ")
    assert f"{train} windows of 200 px" in texture.source
    facts = texture.facts()
    assert (facts.is_strip, facts.train.height, facts.train.width) == (True, train * 200, 200)


def test_one_factor_scales_all_photographs_and_the_largest_becomes_512_px(tmp_path: Path) -> None:
    for seed, size in enumerate([(600, 1024), (300, 400), (400, 500)]):
        Image.fromarray(photograph(seed, *size)).save(tmp_path / f"{seed}.png", compress_level=0)
    assert load_photographs(tmp_path).scale == 0.5
    assert load_photographs(tmp_path).train_windows.shape[1] == 150
    assert load_photographs(tmp_path, 1.0).train_windows.shape[1] == 256


def test_a_held_out_photograph_stays_so_when_others_come_and_its_copy_goes_with_it(folder: Path) -> None:
    before = load_photographs(folder)
    held_out = {path for path in folder.iterdir() if known(before.held_out) & known(_windows_of(path))}
    for seed in range(20, 28):
        Image.fromarray(photograph(seed, 256, 256)).save(folder / f"new-{seed}.png", compress_level=0)
    for path in held_out:
        (folder / f"copy-of-{path.name}").write_bytes(path.read_bytes())
    after = load_photographs(folder)
    windows = known([window for path in held_out for window in _windows_of(path)])
    assert windows
    assert not windows & known(after.train_windows)


def _windows_of(path: Path) -> list[Pixels]:
    pixels = decode_picture(path, print)
    return [np.ascontiguousarray(pixels[:200, left : left + 200]) for left in range(0, pixels.shape[1] - 199, 200)]


def test_windows_are_taken_in_turn_the_first_from_the_photograph_that_has_most(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs_module, "MOST_TRAIN", 3)
    every = load_photographs(folder, 0.9).train_windows
    assert len(every) == 3
    widest = [photograph(seed, *SIZES[seed]) for seed in (0, 3)]
    means = [float(np.abs(every[0].mean() - one[:, :200].mean())) for one in widest]
    assert min(means) < 1.0


def lone(place: Path) -> None:
    for path in sorted(place.iterdir())[1:]:
        path.unlink()
    (place / "copy.png").write_bytes((place / "0.png").read_bytes())


def too_small(place: Path) -> None:
    Image.fromarray(photograph(9, 140, 100)).save(place / "small.png")


def of_one_colour(place: Path) -> None:
    Image.new("RGB", (300, 300), "red").save(place / "red.png")


def not_a_picture(place: Path) -> None:
    (place / "notes.txt").write_text("stones")


def leading_out(place: Path) -> None:
    Image.fromarray(photograph(9, 300, 300)).save(place.parent / "elsewhere.png")
    (place / "link.png").symlink_to(place.parent / "elsewhere.png")


def nothing(place: Path) -> None:
    for path in place.iterdir():
        path.unlink()


def too_many(place: Path) -> None:
    for number in range(40):
        (place / f"more-{number}.png").touch()


UNUSABLE = {
    lone: "holds a single photograph; name the file itself",
    too_small: r"small\.png has 100x140 px but needs at least 128 px",
    of_one_colour: r"red\.png has a single colour",
    not_a_picture: r"notes\.txt is not a PNG",
    leading_out: r"link\.png is a link that leads out of the folder",
    nothing: "is empty",
    too_many: "holds more than 32 files",
}


@pytest.mark.parametrize(("spoil", "sentence"), UNUSABLE.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_a_folder_that_cannot_be_used_is_refused_in_a_sentence(
    folder: Path, spoil: Callable[[Path], None], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=sentence):
        load_photographs(folder)
    assert main(["run", "--texture", str(folder), "--dry-run"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_photograph_that_changes_while_it_is_read_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def read_and_change(path: Path, check: Callable[[tuple[int, int]], None]) -> Pixels:
        found = decode_picture(path, check)
        path.touch()
        return found

    monkeypatch.setattr(folders, "decode_picture", read_and_change)
    with pytest.raises(InputError, match="changed while it was read"):
        load_photographs(folder)


def windows(count: int = 2, side: int = 96) -> Tensor:
    every = np.stack([photograph(seed, side, side) for seed in range(count)])
    return torch.from_numpy(every).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_crops_come_from_all_windows_and_from_one_as_before() -> None:
    flat = torch.arange(3.0)[:, None, None, None].expand(3, 3, 20, 20)
    crops = random_crops(flat, 3000, 8, torch_generator(0))
    counts = torch.bincount(crops[:, 0, 0, 0].long(), minlength=3)
    assert 900 < int(counts.min()) <= int(counts.max()) < 1100
    single = windows(1)
    first, second = (random_crops(one, 4, 8, torch_generator(1)) for one in (single, single[0]))
    assert torch.equal(first, second)


def test_statistics_of_equal_windows_are_those_of_one() -> None:
    one = windows(1)[0]
    twice = torch.stack([one, one])
    for found, wanted in zip(colour_statistics(twice), colour_statistics(one), strict=True):
        torch.testing.assert_close(found.abs(), wanted.abs(), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(band_amplitudes(twice), band_amplitudes(one))


def test_the_texton_of_several_windows_has_the_mean_of_their_spectra_and_of_their_colours() -> None:
    grey = windows(3).double().mean(1, keepdim=True).expand(-1, 3, -1, -1)
    _, texton = texton_of(grey)
    each = torch.stack([texton_of(one)[1] for one in grey])
    power, wanted = (torch.fft.rfft2(one).abs().square() for one in (texton, each))
    # All that differs is the share of each window's smooth component, which the texton stands for as well.
    torch.testing.assert_close(power, wanted.mean(0), rtol=0.1, atol=float(wanted.mean()) * 0.1)
    coloured = windows(2).double()
    found = torch.cov(texton_of(coloured)[1].flatten(1), correction=0)
    wanted = [torch.cov(one.flatten(1), correction=0) for one in coloured]
    torch.testing.assert_close(found, torch.stack(wanted).mean(0))
    drawn = RandomPhase({}, Execution())
    drawn.train(windows(2), seed=0, budget=0)
    assert drawn.sample(1, (96, 96), generator=torch_generator(0)).isfinite().all()


TINY_INNG = {"filters": 2, "canvases": 2, "canvas_side": 64, "crops": 2, "crop_side": 78, "max_stages": 1}
TINY: dict[str, dict[str, Any]] = {
    "inng": {**TINY_INNG, "classifier_steps": 2, "max_steps": 2},
    "dcgan": {"generator_filters": 2, "discriminator_filters": 2, "batch": 2, "intervals": 1},
    "psgan": {"filters": 2, "batch": 2},
    "diffusion": {"channels": 8, "batch": 2, "crop": 64},
    "energy": {"filters": 2, "crops": 2, "canvases": 2, "canvas_side": 64, "crop_side": 78, "steps": 1},
    "winn": {"filters": 2, "crops": 2, "canvases": 2, "canvas_side": 64, "crop_side": 78, "max_steps": 2},
    "noise": {},
    "random-phase": {},
}


@pytest.mark.parametrize("name", TINY)
def test_every_method_that_learns_several_windows_sees_all_of_them(name: str, folder: Path) -> None:
    texture = load_photographs(folder)
    method_class = load_method_class(name)
    method, other = (method_class(TINY[name], Execution()) for _ in range(2))
    assert method.learns_several
    training = learn(method, texture, seed=0, budget=1.0)
    assert ONE_OF_SEVERAL.format(len(texture.train_windows)) not in training.warnings
    side = 64
    drawn = method.sample(1, (side, side), generator=torch_generator(0))
    assert drawn.shape == (1, 3, side, side)
    other.train(torch.from_numpy(texture.train_windows[0].copy()).permute(2, 0, 1) / 127.5 - 1, seed=0, budget=1.0)
    assert any(not torch.equal(one, other.state()[key]) for key, one in method.state().items())


def test_a_method_that_learns_one_window_gets_one_of_the_largest_photograph_and_says_so(folder: Path) -> None:
    texture = load_photographs(folder)
    mirror = load_method_class("mirror")({}, Execution())
    assert learn(mirror, texture, seed=0, budget=0.0).warnings == (
        f"it learns one window, and got the first of {len(texture.train_windows)}, which is one of the largest "
        "photograph.",
    )


def test_a_copy_of_any_window_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BLOCKS", 6)
    monkeypatch.setattr(copying, "POSES", (copying.UPRIGHT,))
    source, honest = np.stack([photograph(seed, 96, 96) for seed in range(2)]), photograph(7, 96, 96)[None]
    comparison = Comparison(Pictures(source[1:]), Pictures(source), seed=0, honest=Pictures(honest))
    assert copying.copy_rate(comparison).value == 1.0
    alone = Comparison(Pictures(source[1:]), Pictures(source[:1]), seed=0, honest=Pictures(honest))
    assert copying.copy_rate(alone).value == 0.0


SUITE = """
name = "tiny"
replicates = 1
budget_tflop = 0.000001
precision = "float32"
sample_size = 64
canvases = 2
[[pictures]]
path = "My Stones"
one_texture = true
[[methods]]
label = "tiler"
implementation = "fake_methods:Tiler"
"""


@pytest.fixture
def suite(folder: Path, monkeypatch: pytest.MonkeyPatch, small_canvases: None) -> Suite:
    monkeypatch.setattr("inng_bench.harness.plan.with_defaults", lambda _: ("spectrum", "diversity"))
    return parse_suite(SUITE, "tiny.toml", folder.parent)


def test_a_suite_of_photographs_is_run_measured_again_reported_and_whole(suite: Suite, tmp_path: Path) -> None:
    out = tmp_path / "results"
    plan = make_plan(suite, Overrides(device="cpu"))
    runs = {run.method: run for run in plan.runs}
    for method in ("real", "noise", "mirror", "tiler"):
        execute(runs[method], out)
    session._describe(plan, out, ())
    records = {record.method: record for record in store.read_records(out)}
    assert verify(out).problems == ()
    assert any("got the first of" in warning for warning in records["mirror"].warnings)
    for method in ("real", "tiler"):
        again = measure_again(run_of_record(records[method], ("spectrum",)), out)
        found, wanted = ({one.metric: one.value for one in record.measurements} for record in (again, records[method]))
        assert found == wanted
    (contest,) = find_contests(out)
    assert contest.facts.is_strip
    report = build_report(out)
    assert "my-stones" in report.text


def test_photographs_are_told_apart_by_their_pixels_and_a_cluster_refuses_them(folder: Path) -> None:
    suite = own_picture_suite(folder)
    assert suite.name == "my-stones"
    assert not suite.of_sets
    before = suite.hash()
    Image.fromarray(photograph(50, 256, 256)).save(folder / "another.png")
    assert own_picture_suite(folder).hash() != before
    plan = make_plan(suite, Overrides(device="cpu"))
    (texture,) = plan.textures.values()
    assert len(of_strip(texture.train)) == len(texture.train_windows)
    with pytest.raises(InputError, match="stays on this machine"):
        session.cluster_executor(plan, cast(Any, None))
