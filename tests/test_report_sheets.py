import hashlib
import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from record_builder import make_curve, make_record, make_texture, write_picture, write_records
from report_texts import make_rows

from inng_bench.errors import ExitStatus, InputError
from inng_bench.hashes import file_hash
from inng_bench.records import store
from inng_bench.records.schema import Record, Status, TextureFacts
from inng_bench.report import build_report
from inng_bench.report.__main__ import main
from inng_bench.report.canvas import (
    GAP,
    PALE,
    PANEL,
    empty_panel,
    enlarge,
    fit_line,
    font,
    load_picture,
    tile_grid,
    wrap,
)
from inng_bench.report.curves import curve_plots, progress_plots
from inng_bench.report.plots import MOST_CURVES, draw_plots
from inng_bench.report.sheets import overview_sheet, stages_sheet, texture_sheet
from inng_bench.tables.content import Curve, Plot

SVG = "{http://www.w3.org/2000/svg}"

WINDOWS = ("train", "held_out-1", "held_out-2", "held_out-3")


def pixels(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def contains(sheet: NDArray[np.uint8], picture: NDArray[np.uint8]) -> bool:
    """Say whether a picture stands somewhere in a sheet, pixel for pixel."""
    height, width = picture.shape[:2]
    rows, columns = np.nonzero((sheet == picture[0, 0]).all(axis=2))
    return any(
        np.array_equal(sheet[row : row + height, column : column + width], picture)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    )


def read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def record_with_pictures(out: Path, method: str, side: int, count: int) -> Record:
    artefacts = {f"sample-{index}": f"sample-{index}.png" for index in range(count)}
    artefacts |= {"nearest": "nearest.png", "stages": "stages.png"}
    folder = store.run_folder(out, "brick", method, 0)
    for index in range(count):
        write_picture(folder / f"sample-{index}.png", side, side, seed=index + side)
    write_picture(folder / "nearest.png", 64, 128, seed=5)
    write_picture(folder / "stages.png", side, 8 * side, seed=6)
    hashes = {role: file_hash(folder / name) for role, name in artefacts.items()}
    return make_record(method, texture=texture_with_windows(out), artefacts=artefacts, hashes=hashes)


def texture_with_windows(out: Path) -> TextureFacts:
    """Return the facts of a texture with the hashes of the windows that lie in a results folder."""
    facts, folder = make_texture("brick"), store.texture_folder(out, "brick")
    hashes = [hashlib.sha256(read(folder / f"{name}.png").tobytes()).hexdigest() for name in WINDOWS]
    train, *held_out = (facts.train.model_copy(update={"sha256": found}) for found in hashes)
    return facts.model_copy(update={"train": train, "held_out": tuple(held_out)})


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for index, name in enumerate(WINDOWS):
        write_picture(store.texture_folder(tmp_path, "brick") / f"{name}.png", 256, 256, seed=90 + index)
    records = [
        make_record("real", texture=texture_with_windows(tmp_path)),
        record_with_pictures(tmp_path, "inng", 256, 4),
    ]
    records.append(record_with_pictures(tmp_path, "dcgan", 64, 64))
    return write_records(tmp_path, records)


def test_a_sheet_shows_windows_and_canvases_pixel_for_pixel(results: Path) -> None:
    sheet = pixels(texture_sheet(results, make_rows(store.read_records(results))))
    shown = [store.texture_folder(results, "brick") / name for name in ("train.png", "held_out-1.png")]
    shown += [store.run_folder(results, "brick", "inng", 0) / f"sample-{index}.png" for index in (0, 1)]
    shown += [store.run_folder(results, "brick", "dcgan", 0) / f"sample-{index}.png" for index in (0, 31)]
    for path in shown:
        assert contains(sheet, read(path)), path
    assert not contains(sheet, read(store.run_folder(results, "brick", "dcgan", 0) / "sample-32.png"))


def test_a_sheet_shows_the_nearest_patch_twice_as_large(results: Path) -> None:
    sheet = pixels(texture_sheet(results, make_rows(store.read_records(results))))
    strip = read(store.run_folder(results, "brick", "inng", 0) / "nearest.png")
    for half in (strip[:, :64], strip[:, 64:]):
        assert contains(sheet, half.repeat(2, axis=0).repeat(2, axis=1))


def test_the_stages_are_cut_into_their_squares(results: Path) -> None:
    made = stages_sheet(results, make_rows(store.read_records(results)))
    strip = read(store.run_folder(results, "brick", "inng", 0) / "stages.png")
    sheet = pixels(made)
    assert contains(sheet, strip[:, :256])
    assert contains(sheet, strip[:, -256:])


@pytest.mark.parametrize(("height", "width"), [(300, 100), (1, 1), (512, 1024), (100, 750)])
def test_stages_of_an_odd_size_are_shown_as_far_as_they_go(results: Path, height: int, width: int) -> None:
    write_picture(store.run_folder(results, "brick", "inng", 0) / "stages.png", height, width)
    assert stages_sheet(results, make_rows(store.read_records(results)))


def test_the_overview_is_at_most_1600_px_wide_and_has_source_and_methods(results: Path) -> None:
    sheet = pixels(overview_sheet(results, make_rows(store.read_records(results))))
    assert sheet.shape[1] <= 1600
    for path in (
        store.texture_folder(results, "brick") / "train.png",
        store.run_folder(results, "brick", "inng", 0) / "sample-0.png",
        store.run_folder(results, "brick", "dcgan", 0) / "sample-15.png",
    ):
        assert contains(sheet, read(path)), path


def test_every_sheet_is_written(results: Path) -> None:
    report = build_report(results)
    names = {path.relative_to(report.folder).as_posix() for path in report.files if path.suffix == ".png"}
    assert names == {f"sheets/{name}.png" for name in ("overview", "textures/brick", "stages/brick")}


def test_missing_and_damaged_pictures_have_a_panel_that_says_so(results: Path) -> None:
    folder = store.run_folder(results, "brick", "inng", 0)
    for index in range(4):
        (folder / f"sample-{index}.png").unlink()
    (folder / "nearest.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    (store.texture_folder(results, "brick") / "train.png").write_text("text")
    sheet = pixels(texture_sheet(results, make_rows(store.read_records(results))))
    pale = (sheet == np.array(PALE, np.uint8)).all(axis=2)
    assert pale.sum() > 2 * 200 * 200
    problems = build_report(results).damaged
    assert [Path(problem.split(" ", 1)[0]).name for problem in problems] == ["seed-0", "nearest.png", "train.png"]
    assert problems[0] == f"{folder} has lost sample-0.png and 3 more; delete its run and run again."


def test_a_picture_with_one_other_byte_ends_with_2_and_its_name_below_the_table(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = store.run_folder(results, "brick", "dcgan", 0) / "sample-63.png"
    whole = path.read_bytes()
    assert main([str(results)]) == ExitStatus.OK
    path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    before = {file: file.read_bytes() for file in (results / "runs").rglob("*") if file.is_file()}
    capsys.readouterr()
    assert main([str(results)]) == ExitStatus.BAD_INPUT
    told = capsys.readouterr()
    assert "brick" in told.out
    assert told.err == f"inng-bench: {path} is damaged; delete its run and run again.\n"
    assert before == {file: file.read_bytes() for file in (results / "runs").rglob("*") if file.is_file()}


def test_pictures_that_were_not_kept_are_no_damage(results: Path) -> None:
    for path in results.rglob("*.png"):
        path.unlink()
    assert build_report(results).damaged == ()


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "a.png is missing."), (b"text", "a.png is damaged."), (b"", "a.png is damaged.")]
)
def test_a_picture_that_cannot_be_read_gives_its_reason(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    assert load_picture(path, "sample").reason == reason
    assert load_picture(None, "sample").reason == "The record names no sample."


def test_a_truncated_picture_gives_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_picture(path, 64, 64)
    path.write_bytes(path.read_bytes()[:2000])
    assert load_picture(path, "sample").reason == "a.png is damaged."


def test_an_artefact_that_links_elsewhere_is_refused(results: Path) -> None:
    path = store.run_folder(results, "brick", "inng", 0) / "sample-0.png"
    path.unlink()
    path.symlink_to(store.texture_folder(results, "brick") / "train.png")
    with pytest.raises(InputError, match="leads out"):
        build_report(results)


def test_a_failed_method_has_an_empty_panel(tmp_path: Path) -> None:
    records = [make_record("inng"), make_record("dcgan", status=Status.FAILED, error="out of memory " * 200)]
    sheet = pixels(texture_sheet(tmp_path, make_rows(records)))
    panel = sheet[:, -PANEL:]
    assert (panel == np.array(PALE, np.uint8)).all(axis=2).sum() > 100 * 256


def test_tiles_have_gaps_between_them() -> None:
    tiles = [Image.new("RGB", (64, 64), (index, 0, 0)) for index in range(20)]
    panel = np.asarray(tile_grid(tiles))
    assert panel.shape == (PANEL, PANEL, 3)
    assert panel[0, 0, 0] == 0
    assert panel[0, 64 + GAP, 0] == 1
    assert panel[64 + GAP, 0, 0] == 4
    assert (panel[:, 64 : 64 + GAP] == 255).all()
    assert panel.max() == 255
    assert panel[PANEL - 1, PANEL - 1, 0] == 15


def test_enlarging_repeats_pixels() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    enlarged = np.asarray(enlarge(Image.fromarray(picture), 22))
    assert np.array_equal(enlarged, picture.repeat(3, axis=0).repeat(3, axis=1))


def test_text_stays_within_its_width() -> None:
    text = "a-very-long-word-without-any-blank-that-does-not-fit and some short ones"
    assert all(font(13).getlength(line) <= 120 for line in wrap(text, 120, 13))
    assert font(13).getlength(fit_line(text, 120, 13)) <= 120
    assert fit_line("short", 120, 13) == "short"


def test_a_reason_of_any_length_stays_within_its_panel() -> None:
    panel = np.asarray(empty_panel("word " * 1000, (100, 80)))
    assert panel.shape == (80, 100, 3)
    edge = np.concatenate([panel[:8].reshape(-1, 3), panel[-8:].reshape(-1, 3), panel[:, -8:].reshape(-1, 3)])
    assert (edge == np.array(PALE)).all()


def test_curves_are_drawn_where_there_are_some() -> None:
    assert curve_plots(make_rows([make_record()])) == ()
    records = [make_record(curve=make_curve(5, ["loss", "a_b $x"])), make_record("dcgan", curve=make_curve(1, ["g"]))]
    plots = curve_plots(make_rows(records))
    assert [plot.title for plot in plots] == ["inng: loss", "inng: a b $x", "dcgan: g"]
    figure = draw_plots(plots, 3)
    assert figure == draw_plots(plots, 3)
    drawn = ElementTree.fromstring(figure)
    assert drawn.get("width") == "1320"
    assert {"inng: loss", "inng: a b $x", "dcgan: g"} <= {one.text for one in drawn.iter(f"{SVG}text")}
    assert len(list(drawn.iter(f"{SVG}circle"))) == 1, "a single point is a dot"


@pytest.mark.parametrize(
    ("values", "is_log", "labels"),
    [
        ((0.0, 1.0), False, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        ((-1.5, 1.5), False, ["−1", "0", "1"]),
        ((1e-5, 2e3), True, ["10⁻⁵", "0.001", "0.1", "10", "1000"]),
        ((1.0, 20.0), True, ["1", "2", "5", "10", "20"]),
        ((1.0, 2.0), True, ["1", "1.2", "1.4", "1.6", "1.8", "2"]),
        ((3.0, 3.0), False, ["2.85", "2.9", "2.95", "3", "3.05", "3.1"]),
    ],
)
def test_an_axis_has_round_values_and_every_point_lies_within(
    values: tuple[float, float], is_log: bool, labels: list[str]
) -> None:
    curve = Curve("one <&", tuple((value, value) for value in values))
    drawn = ElementTree.fromstring(draw_plots([Plot("title", "x", (curve,), log_x=is_log, log_y=is_log)], 1))
    texts = [(one.get("text-anchor"), one.text) for one in drawn.iter(f"{SVG}text")]
    assert [text for anchor, text in texts if anchor == "end"] == labels
    assert (None, "one <&") in texts
    (line,) = drawn.iter(f"{SVG}polyline")
    places = [tuple(map(float, place.split(","))) for place in str(line.get("points")).split()]
    assert all(56 <= x <= 428 and 28 <= y <= 216 for x, y in places)
    assert places[0][0] <= places[1][0]
    assert places[0][1] >= places[1][1], "upwards"


def test_a_record_without_some_value_at_every_point_has_a_curve_all_the_same() -> None:
    curve = (*make_curve(3, ["loss"]), *make_curve(2, ["steps"]))
    other = make_record(texture="grass", curve=make_curve(3, ["loss"]))
    loss, steps = curve_plots(make_rows([make_record(curve=curve), other]))
    assert [[len(one.points) for one in plot.curves] for plot in (loss, steps)] == [[3, 3], [2]]


def test_two_methods_are_drawn_against_each_other_over_operations_and_over_time() -> None:
    curve = make_curve(4, ["gram_at_a_glance"])
    first, second = make_record(curve=curve), make_record("dcgan", curve=curve)
    assert progress_plots(make_rows([first])) == ()
    assert progress_plots(make_rows([first, make_record("dcgan", curve=make_curve(4, ["loss"]))])) == ()
    operations, time = progress_plots(make_rows([first, second]))
    assert [one.name for one in operations.curves] == ["inng", "dcgan"]
    slower = second.model_copy(update={"seconds": {"train": 2 * second.seconds["train"]}})
    again, later = progress_plots(make_rows([first, slower]))
    assert again == operations
    assert later.curves[1].points[-1][0] == 2 * time.curves[1].points[-1][0]


def test_more_methods_than_can_be_told_apart_are_not_drawn_against_each_other() -> None:
    records = [
        make_record(f"row {n}", implementation="inng", curve=make_curve(3, ["gram_at_a_glance"]))
        for n in range(MOST_CURVES + 1)
    ]
    assert progress_plots(make_rows(records[:-1]))
    assert progress_plots(make_rows(records)) == ()


def test_more_methods_than_stand_in_one_line_are_shown_together(tmp_path: Path) -> None:
    for name in WINDOWS:
        write_picture(store.texture_folder(tmp_path, "brick") / f"{name}.png", 256, 256)
    records = []
    for number in range(9):
        record = record_with_pictures(tmp_path, f"row-{number}", 128, 4)
        records.append(record.model_copy(update={"implementation": "inng"}))
    sheet = overview_sheet(tmp_path, make_rows(records))
    for number in range(9):
        path = store.run_folder(tmp_path, "brick", f"row-{number}", 0) / "sample-0.png"
        assert contains(pixels(sheet), read(path)[:64, :64]), number
