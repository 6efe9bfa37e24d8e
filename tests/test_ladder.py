"""The ladder: its rungs against closed forms, its windows, and its verdicts on planted values."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import stats

from inng_bench import cli
from inng_bench.errors import InputError
from inng_bench.ladder import measuring
from inng_bench.ladder.copies import COPIES, TILE, VERBATIM, Copy, posed, rolled, tiled, warped
from inng_bench.ladder.degradations import (
    COLOUR_SHIFT,
    DEGRADATIONS,
    Degradation,
    blurred,
    colour_shifted,
    compressed,
    noisy,
    quilted,
    random_phase,
    shuffled,
)
from inng_bench.ladder.documents import agreements_of, copy_table, failures, judge_all, markdown, table_csv, values_csv
from inng_bench.ladder.measuring import Task, Value, measure, plan
from inng_bench.ladder.sheet import SIDE, rungs_sheet
from inng_bench.ladder.steps import DISTANCE_STEPS, FAR_STEPS, REAL, Judgement, Step, Verdict, judge, steps_of
from inng_bench.ladder.windows import bundled_textures, chosen_textures, replicates_of, whole_blocks, windows_of
from inng_bench.metrics.catalogue import BY_NAME, Direction
from inng_bench.metrics.comparison import Comparison, Outcome
from inng_bench.textures import load_texture

Pixels = NDArray[np.uint8]
GRAM = BY_NAME["gram"]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grain(deviation: float = 20.0, side: int = 256) -> Pixels:
    levels = generator(1).normal(128.0, deviation, (side, side, 3))
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


# Rungs


@pytest.mark.parametrize("rung", DEGRADATIONS, ids=lambda rung: rung.name)
def test_a_rung_keeps_size_and_source_and_repeats_from_its_seed(rung: Degradation) -> None:
    source = grain(side=128)
    kept = source.copy()
    first, second = (rung.degrade(source, generator(3)) for _ in range(2))
    assert first.shape == source.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(source, kept)
    assert (first != source).any()


@pytest.mark.parametrize("sigma", [0.7, 1.5])
def test_a_blur_leaves_white_noise_the_variance_of_its_kernel(sigma: float) -> None:
    places = np.arange(-20, 21)
    kernel = np.exp(-(places**2) / (2 * sigma**2))
    expected = 20.0**2 * ((kernel / kernel.sum()) ** 2).sum() ** 2
    variance = blurred(sigma)(grain(), generator()).astype(float).var(axis=(0, 1)).mean()
    assert variance == pytest.approx(expected + 1 / 12, rel=0.03)  # and that of rounding


@pytest.mark.parametrize("side", [64, 32, 16, 8])
def test_a_shuffle_keeps_every_block_and_moves_nearly_all(side: int) -> None:
    def blocks(pixels: Pixels) -> list[bytes]:
        return [
            pixels[top : top + side, left : left + side].tobytes()
            for top in range(0, 256, side)
            for left in range(0, 256, side)
        ]

    source = grain(side=256)
    before, after = blocks(source), blocks(shuffled(side)(source, generator()))
    assert sorted(before) == sorted(after)
    assert sum(one == other for one, other in zip(before, after, strict=True)) < len(before) / 4


@pytest.mark.parametrize("side", [96, 32])
def test_a_quilting_takes_every_block_from_the_picture_as_it_is(side: int) -> None:
    levels = np.arange(0, 128 * 128 * 3, 3, dtype=np.int64).reshape(128, 128)
    source = np.stack([levels % 251, levels // 251, levels % 7], axis=-1).astype(np.uint8)
    found = quilted(side)(source, generator())
    inner = found[side // 4 : side // 2, side // 4 : side // 2]
    places = np.lib.stride_tricks.sliding_window_view(source, inner.shape[:2], axis=(0, 1))
    assert (places == inner.transpose(2, 0, 1)).all((2, 3, 4)).any()
    assert set(map(tuple, found.reshape(-1, 3))) <= set(map(tuple, source.reshape(-1, 3)))
    assert (found != source).any()


def test_a_picture_that_is_not_made_of_blocks_is_not_shuffled() -> None:
    with pytest.raises(ValueError, match="blocks of 32 px"):
        shuffled(32)(grain(side=100), generator())


def test_random_phase_keeps_colours_and_spectrum_and_nothing_of_the_structure() -> None:
    held_out = windows_of("pebbles", 0).sample
    found = random_phase(held_out, generator())
    colours, others = (pixels.reshape(-1, 3).astype(float) for pixels in (held_out, found))
    assert others.mean(0) == pytest.approx(colours.mean(0), abs=1.5)
    assert np.cov(others.T) == pytest.approx(np.cov(colours.T), rel=0.1)  # less what is clipped at black and white
    assert abs(np.corrcoef(held_out[..., 0].ravel(), found[..., 0].ravel())[0, 1]) < 0.1
    # Joints and edges give differences a heavy tail, which sums of many waves do not have.
    held_out = windows_of("grass", 0).sample
    found = random_phase(held_out, generator())
    edges, none = (float(stats.kurtosis(np.diff(pixels[..., 0].astype(float)).ravel())) for pixels in (held_out, found))
    assert edges > 2 > 0.5 > abs(none)


@pytest.mark.parametrize("deviation", [5.0, 20.0])
def test_noise_has_its_deviation_and_leaves_grey_grey(deviation: float) -> None:
    grey = np.full((256, 256, 3), 128, np.uint8)
    found = noisy(deviation)(grey, generator()).astype(float)
    assert (found - 128.0).std() == pytest.approx(deviation, rel=0.02)
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


def test_a_colour_shift_adds_its_levels_and_stops_at_white_and_black() -> None:
    source = np.array([[[100, 100, 100], [250, 7, 5]]], np.uint8)
    found = colour_shifted(source, generator())
    assert found[0, 0].tolist() == [100 + level for level in COLOUR_SHIFT]
    assert found[0, 1].tolist() == [255, 7, 0]


def test_a_lower_quality_of_jpeg_is_farther_from_the_source() -> None:
    source = windows_of("grass", 0).sample
    errors = [((compressed(quality)(source, generator()).astype(float) - source) ** 2).mean() for quality in (75, 30)]
    assert 0 < errors[0] < errors[1]


# Copies


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: copy.name)
def test_a_copy_has_the_size_of_its_window_and_repeats_from_its_seed(copy: Copy) -> None:
    source = grain(side=128)
    first, second = (copy.take(source, generator(3)) for _ in range(2))
    assert first.shape == source.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert (first != source).any() or copy.name == VERBATIM


def test_a_tiling_repeats_its_tile_and_a_rolled_copy_rolls_back() -> None:
    source = grain(side=160)
    tiles, roll = tiled(source, generator()), rolled(source, generator())
    assert tiles.shape == source.shape
    np.testing.assert_array_equal(tiles[TILE:], tiles[:-TILE])
    np.testing.assert_array_equal(tiles[:TILE, :TILE], source[48:112, 48:112])
    np.testing.assert_array_equal(np.roll(roll, (-53, -53), (0, 1)), source)


def test_a_pose_of_nothing_is_the_picture_and_a_half_turn_is_both_flips() -> None:
    source = grain(side=64)
    np.testing.assert_array_equal(posed(0.0, 1.0)(source, generator()), source)
    np.testing.assert_array_equal(warped(0.0)(source, generator()), source)
    np.testing.assert_array_equal(posed(180.0, 1.0)(source, generator()), source[::-1, ::-1])


def test_an_enlarged_ramp_rises_by_so_much_less_and_a_warp_moves_it_by_no_more_than_it_says() -> None:
    ramp = np.repeat(np.repeat(np.arange(0, 256, 2, dtype=np.uint8)[None, :, None], 128, 0), 3, 2)
    larger = posed(0.0, 1.25)(ramp, generator())[64, 30:98, 0].astype(float)
    assert np.polyfit(np.arange(68), larger, 1)[0] == pytest.approx(2 / 1.25, abs=0.02)
    moved = (warped(4.0)(ramp, generator()).astype(float) - ramp)[:, 16:-16, 0] / 2
    assert 2.0 < np.abs(moved).max() <= 4.0 * 1.3  # cubic splines overshoot a little between their points


def test_a_quilt_is_made_of_pixels_of_its_source() -> None:
    source = grain(side=96)
    quilt = next(copy for copy in COPIES if copy.name == "quilting").take(source, generator())
    assert {tuple(pixel) for pixel in quilt.reshape(-1, 3)} <= {tuple(pixel) for pixel in source.reshape(-1, 3)}
    assert (quilt != source).any()


# Windows


def test_each_quarter_of_a_photograph_plays_the_sample_once_against_the_next() -> None:
    texture = load_texture("gravel")
    quarters = (texture.train, *texture.held_out)
    for replicate in range(4):
        windows = windows_of("gravel", replicate)
        expected = [quarters[(replicate + step) % 4] for step in range(4)]
        np.testing.assert_array_equal([windows.train, windows.sample, *windows.honest], expected)


def test_the_first_windows_of_a_procedural_texture_are_its_own_and_the_others_are_independent() -> None:
    texture = load_texture("field")
    all_windows = [windows_of("field", replicate) for replicate in range(3)]
    first = all_windows[0]
    np.testing.assert_array_equal([first.train, first.sample, *first.honest], [texture.train, *texture.held_out])
    np.testing.assert_array_equal(all_windows[2].train, windows_of("field", 2).train)
    pictures = [
        pixels[..., 0].ravel().astype(float)
        for windows in all_windows
        for pixels in (windows.sample, windows.train, *windows.honest)
    ]
    assert np.abs(np.corrcoef(pictures) - np.eye(len(pictures))).max() < 0.3


def test_a_photograph_has_four_pairs_at_most() -> None:
    assert [replicates_of("grass", seeds) for seeds in (3, 4, 9)] == [3, 4, 4]
    assert replicates_of("field", 9) == 9
    assert [task.texture for task in plan(["grass", "field"], 6, ["gram"])].count("grass") == 4


def test_only_bundled_textures_are_taken_and_each_once() -> None:
    assert len(bundled_textures()) >= 16
    assert chosen_textures(["field", "grass", "field"]) == ("field", "grass")
    for name, hint in (("paper-bark", "choose from|did you mean"), ("gras", "did you mean 'grass'")):
        with pytest.raises(InputError, match=hint):
            chosen_textures([name])


def test_whole_blocks_are_the_middle_of_a_picture() -> None:
    source = grain(side=150)
    np.testing.assert_array_equal(whole_blocks(source), source[11:139, 11:139])


# Verdicts


def by_row(**rows: Sequence[float]) -> dict[str, dict[int, float]]:
    return {name.replace("_", " "): dict(enumerate(values)) for name, values in rows.items()}


def verdict(texture: str, step: Step, values: Mapping[str, Mapping[int, float]]) -> Judgement:
    return next(one for one in judge(texture, GRAM, values) if one.step == step)


PHASE = Step(REAL, "random phase")


def test_the_steps_are_those_that_were_set() -> None:
    assert [str(step) for step in DISTANCE_STEPS] == [
        "real < blur 0.7",
        "real < blur 1.5",
        "blur 0.7 < blur 1.5",
        "real < quilting 96",
        "real < quilting 32",
        "quilting 96 < quilting 32",
        "real < shuffle 64",
        "real < shuffle 32",
        "shuffle 64 < shuffle 32",
        "real < shuffle 16",
        "shuffle 32 < shuffle 16",
        "real < shuffle 8",
        "shuffle 16 < shuffle 8",
        "real < random phase",
        "real < noise 5",
        "real < noise 20",
        "noise 5 < noise 20",
        "real < colour shift",
        "real < JPEG 75",
        "real < JPEG 30",
        "JPEG 75 < JPEG 30",
    ]


@pytest.mark.parametrize(
    ("worse", "expected"),
    [([2.0, 2.1, 2.2], Verdict.HOLDS), ([0.9, 1.0, 1.2], Verdict.TIE), ([0.5, 0.45, 0.55], Verdict.FAILS)],
)
def test_a_step_is_judged_by_the_interval_of_paired_log_ratios(worse: list[float], expected: Verdict) -> None:
    real = [1.0, 3.0, 10.0]
    phase = [level * factor for level, factor in zip(real, worse, strict=True)]
    found = verdict("brick", PHASE, by_row(real=real, random_phase=phase))
    low, high = stats.ttest_rel(np.log(phase), np.log(real)).confidence_interval(0.95)
    assert (found.verdict, found.is_ratio, found.pairs) == (expected, True, 3)
    assert found.size.low == pytest.approx(math.exp(low))
    assert found.size.high == pytest.approx(math.exp(high))


@pytest.mark.parametrize(
    ("worse", "expected"),
    [([2.0, 2.1, 2.2], Verdict.FAILS), ([0.9, 1.0, 1.2], Verdict.HOLDS), ([0.5, 0.45, 0.55], Verdict.FAILS)],
)
def test_random_phase_must_tie_on_the_gaussian_field_and_there_alone(worse: list[float], expected: Verdict) -> None:
    values = by_row(real=[1.0, 1.0, 1.0], random_phase=worse, noise_5=worse)
    assert verdict("field", PHASE, values).verdict is expected
    other = verdict("field", Step(REAL, "noise 5"), values).verdict
    assert other is verdict("brick", PHASE, values).verdict
    assert other is not expected or expected is Verdict.FAILS


def test_a_metric_of_which_more_is_better_is_judged_the_other_way_round() -> None:
    values = by_row(real=[2.0, 2.1, 2.2], random_phase=[1.0, 1.0, 1.0])
    higher = replace(GRAM, direction=Direction.HIGHER)
    found = next(one for one in judge("brick", higher, values) if one.step == PHASE)
    assert found.verdict is Verdict.HOLDS
    assert found.size.value == pytest.approx((2.0 * 2.1 * 2.2) ** (1 / 3))


def test_values_that_are_not_positive_are_compared_by_their_difference() -> None:
    found = verdict("brick", PHASE, by_row(real=[-0.1, 0.0, 0.1], random_phase=[1.0, 1.1, 1.2]))
    assert (found.verdict, found.is_ratio) == (Verdict.HOLDS, False)
    assert found.size.value == pytest.approx(1.1)


def test_one_pair_of_windows_decides_nothing() -> None:
    assert verdict("brick", PHASE, by_row(real=[1.0], random_phase=[9.0])).verdict is Verdict.NOT_JUDGED
    assert verdict("brick", PHASE, by_row(real=[1.0, 1.0])).verdict is Verdict.NOT_JUDGED


def test_the_far_eye_alone_must_put_layout_before_fine_detail() -> None:
    rungs = {rung.name for rung in DEGRADATIONS}
    assert {row for step in FAR_STEPS for row in (step.milder, step.stronger)} <= rungs
    assert steps_of(BY_NAME["gram_far"]) == (*DISTANCE_STEPS, *FAR_STEPS)
    assert steps_of(GRAM) == DISTANCE_STEPS


def test_copies_must_score_worse_than_the_held_out_window() -> None:
    values = {REAL: {0: 0.0, 1: 0.01}, "copy": {0: 1.0, 1: 1.0}, "tiling": {0: 0.0, 1: 0.01}}
    found = {one.step.stronger: one.verdict for one in judge("brick", BY_NAME["copy_rate"], values)}
    assert (found.pop("copy"), found.pop("tiling")) == (Verdict.HOLDS, Verdict.TIE)
    assert set(found.values()) == {Verdict.NOT_JUDGED}


def test_a_copy_of_which_too_little_is_found_is_bold() -> None:
    rates = {REAL: 0.03, "copy": 1.0, "mirrored": 0.89, "warped 4 px": 0.4}
    values = [Value("brick", number, row, "copy_rate", rate, 1.0) for row, rate in rates.items() for number in range(2)]
    lines = {line.split("|")[1].strip(): line for line in copy_table(values).splitlines()}
    assert {row: "**" in lines[row] for row in rates} == {
        REAL: True,
        "copy": False,
        "mirrored": True,
        "warped 4 px": False,
    }


# Measuring


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Comparison]]:
    """What a metric of each kind was asked, in the order of the rows of the first windows of grass."""
    found: dict[str, list[Comparison]] = {"gram": [], "copy_rate": []}

    def spy(name: str) -> Callable[[Comparison], Outcome]:
        def measured(comparison: Comparison) -> Outcome:
            found[name].append(comparison)
            return Outcome(1.0, n=1)

        return measured

    monkeypatch.setattr(measuring, "MEASURES", {name: spy(name) for name in found})
    values = measure(Task("grass", 0, tuple(found)))
    assert [value.row for value in values if value.metric == "gram"] == [REAL, *(rung.name for rung in DEGRADATIONS)]
    assert [value.row for value in values if value.metric == "copy_rate"] == [REAL, *(copy.name for copy in COPIES)]
    return found


def test_every_row_meets_the_train_window_and_none_its_own(seen: dict[str, list[Comparison]]) -> None:
    windows = windows_of("grass", 0)
    for comparison in (*seen["gram"], *seen["copy_rate"]):
        np.testing.assert_array_equal(comparison.reference.pixels[0], windows.train)
        assert comparison.honest is not None
        np.testing.assert_array_equal(comparison.honest.pixels, windows.honest)
    assert len({id(one.reference) for rows in seen.values() for one in rows}) == 1  # whose features are computed once
    np.testing.assert_array_equal(seen["gram"][0].samples.pixels[0], windows.sample)
    np.testing.assert_array_equal(seen["copy_rate"][1].samples.pixels[0], windows.train)


def test_pictures_that_are_too_small_for_a_metric_have_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BY_NAME, "gram", replace(GRAM, minimum_size=500))
    assert {value.value for value in measure(Task("grass", 0, ("gram",)))} == {None}


# Documents


def planted(noise: float = 2.0) -> list[Value]:
    factors = {REAL: 1.0, **{rung.name: 2.0 for rung in DEGRADATIONS}}
    factors |= {"quilting 32": 3.0, "shuffle 32": 2.5}
    factors |= {"blur 1.5": 4.0, "shuffle 16": 3.0, "shuffle 8": 4.0, "JPEG 30": 3.0, "noise 5": noise, "noise 20": 8.0}
    return [
        Value(texture, replicate, row, metric, factor * level * (1 + 0.01 * replicate * (row != REAL)), 0.5)
        for texture in ("brick", "grass")
        for metric, level in (("gram", 0.1), ("patch_fid", 3.0))
        for replicate in range(3)
        for row, factor in factors.items()
    ]


def test_a_ladder_that_holds_everywhere_says_so() -> None:
    judgements = judge_all(planted())
    assert {one.verdict for one in judgements} == {Verdict.HOLDS}
    assert len(judgements) == 2 * 2 * len(DISTANCE_STEPS)
    text = markdown(planted(), judgements, agreements_of(planted()), ["Planted."], "by hand")
    assert "## What fails\n\nNothing." in text
    assert "| real &lt; noise 5" in text
    assert "fail" not in text.split("## What fails")[0].replace("*fails*", "")


def test_a_planted_failure_is_bold_listed_and_in_the_csv() -> None:
    values = planted(noise=0.5)
    judgements = judge_all(values)
    (first, *others) = failures(judgements)
    assert first.startswith("Gram (EffLite0), brick, real < noise 5: 0.505× (0.4")
    assert len(others) == 3
    text = markdown(values, judgements, agreements_of(values), [], "by hand")
    assert "**fails 0.505×**" in text
    assert "**0, 2 fail**" in text
    lines = pd.read_csv(io.StringIO(table_csv(judgements)))
    failed = lines[lines["verdict"] == "fails"]
    assert set(failed["stronger"]) == {"noise 5"}
    assert (failed["high"] < 1).all()
    assert (failed["expected"] == "worse").all()


def test_a_metric_without_values_is_named_and_has_no_table() -> None:
    values = planted()
    values += [replace(value, metric="diversity", value=None) for value in values if value.metric == "gram"]
    text = markdown(values, judge_all(values), agreements_of(values), [], "by hand")
    assert "Not judged, because values are missing: diversity." in text
    assert text.count("diversity") == 1


def test_every_figure_is_kept_in_full_precision_with_its_version() -> None:
    value = 0.1 + 0.2
    lines = values_csv([Value("brick", 0, REAL, "gram", value, 1.0)]).splitlines()
    assert lines == ["texture,replicate,row,metric,version,value,seconds", f"brick,0,real,gram,2,{value!r},1.0"]


def test_metrics_that_order_the_rungs_alike_agree() -> None:
    found = {(one.first, one.second): one for one in agreements_of(planted())}
    assert found["gram", "patch_fid"].tau == pytest.approx(1.0)
    assert found["gram", "patch_fid"].textures == 2


def test_the_sheet_shows_the_window_its_rungs_and_the_copies(tmp_path: Path) -> None:
    path = tmp_path / "rungs.png"
    path.write_bytes(rungs_sheet(["grass"]))
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    columns = 1 + len(DEGRADATIONS) + len(COPIES)
    assert pixels.shape[1] == 2 * 24 + columns * (SIDE + 8) - 8
    shown = windows_of("grass", 0).sample[64 : 64 + SIDE, 64 : 64 + SIDE]
    rows = np.lib.stride_tricks.sliding_window_view(pixels[:, 24 : 24 + SIDE], (SIDE, SIDE, 3))[:, 0, 0]
    assert sum(bool((row == shown).all()) for row in rows) == 1


# Command line


def test_the_command_measures_in_processes_and_writes_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ladder", "--textures", "grass", "--metrics", "spectrum", "--seeds", "2", "--jobs", "2"]
    assert cli.main([*arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert "spectrum: " in printed.out
    assert "2 of 2" in printed.err
    written = {"table.md", "table.csv", "values.csv", "agreement.csv", "rungs.png"}
    assert {path.name for path in tmp_path.iterdir()} == written
    values = pd.read_csv(tmp_path / "values.csv")
    assert len(values) == 2 * (len(DEGRADATIONS) + 1)
    assert list(values["replicate"]) == sorted(values["replicate"])
    means = values.groupby("row")["value"].mean()
    assert means[REAL] < means["blur 1.5"]
    assert means["blur 0.7"] < means["blur 1.5"]
    text = (tmp_path / "table.md").read_text()
    assert "inng-bench ladder --textures grass --metrics spectrum --seeds 2" in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--textures", "gras"], "did you mean 'grass'?"),
        (["--metrics", "grum"], "did you mean 'gram'?"),
    ],
)
def test_an_unknown_name_ends_with_2_and_one_sentence(
    arguments: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ladder", *arguments, "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr().err
    assert hint in captured
    assert captured.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inng_bench.ladder.build.run", lambda *_, **__: pytest.fail("measured"))
    (tmp_path / "file").write_text("")
    assert cli.main(["ladder", "--textures", "grass", "--out", str(tmp_path / "file" / "out")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_an_interrupted_ladder_says_that_it_starts_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("inng_bench.ladder.build.run", interrupted)
    assert cli.main(["ladder", "--textures", "grass", "--out", str(tmp_path)]) == 130
    assert "The same command starts again" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--seeds", "1"], ["--jobs", "0"]])
def test_numbers_that_make_no_sense_are_refused(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["ladder", *option])
    assert end.value.code == 2
    assert "is not a whole number from" in capsys.readouterr().err


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_headline_metrics_see_structure_on_pebbles_and_none_on_the_gaussian_field() -> None:
    names = ("gram", "patch_fid")
    values = [value for task in plan(["pebbles", "field"], 3, names) for value in measure(task)]
    found = {(one.metric.name, one.texture, str(one.step)): one.verdict for one in judge_all(values)}
    for name in names:
        for texture in ("pebbles", "field"):
            assert found[name, texture, "real < random phase"] is Verdict.HOLDS, (name, texture)
            for step in ("real < blur 1.5", "blur 0.7 < blur 1.5", "real < noise 20", "noise 5 < noise 20"):
                assert found[name, texture, step] is Verdict.HOLDS, (name, texture, step)
