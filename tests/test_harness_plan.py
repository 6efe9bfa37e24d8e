"""Plans: which runs, under which seeds, and what of them is missing."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import (
    Plan,
    RunSpec,
    TextureReference,
    find_missing,
    make_plan,
    sample_geometry,
)
from inng_bench.harness.rerun import origin_of_picture, origin_of_suite, rerun_command
from inng_bench.harness.rows import failed_record, known_fields
from inng_bench.harness.suite import REFERENCE_ROWS, Picture, Suite, parse_suite
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT
from inng_bench.records.index import Brief
from inng_bench.records.provenance import collect
from inng_bench.records.schema import Against, Measurement, Provenance, Record, Status, TextureFacts
from inng_bench.records.store import RunKey
from inng_bench.textures import load_texture

TEXT = """
name = "fakes"
textures = ["brick", "terrazzo"]
replicates = 3
budget_tflop = 0.5
precision = "float32"
sample_size = 256
[[methods]]
label = "tiler"
implementation = "fake_methods:Tiler"
[[methods]]
label = "small-10x"
implementation = "fake_methods:SmallTiler"
budget_factor = 10.0
replicates = 1
"""


CACHED = cache(load_texture)


@pytest.fixture(autouse=True)
def _paint_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inng_bench.harness.plan.load_texture", CACHED)


def read(text: str = TEXT) -> Suite:
    return parse_suite(text, "fakes.toml")


@cache
def provenance_of_a_run() -> Provenance:
    return collect(threads=1, device="cpu", precision="float32")


@cache
def facts_of(texture: TextureReference) -> TextureFacts:
    return texture.load().facts()


def finished(run: RunSpec, **changes: Any) -> Record:
    with pytest.MonkeyPatch.context() as patch:  # asking git once is enough
        patch.setattr("inng_bench.records.provenance.collect", lambda **_: provenance_of_a_run())
        fields = known_fields(run, facts_of(run.texture), datetime.now(UTC))
    return Record(**{**fields, "status": Status.OK, "measurements": figures(), **changes})


def found(*records: Record) -> dict[RunKey, Brief]:
    return {record.key: Brief.of(record) for record in records}


def figures(**versions: int) -> tuple[Measurement, ...]:
    """Return a figure of every metric, at other versions where they are given."""
    return tuple(
        Measurement(
            metric=metric.name,
            version=versions.get(metric.name, metric.version),
            against=Against.TRAIN,
            value=0.1,
            n=8,
            images=1,
            disjoint_crops=4,
        )
        for metric in map(BY_NAME.__getitem__, DEFAULT)
    )


def plan_of(text: str = TEXT, origin: tuple[str, ...] = (), **overrides: Any) -> Plan:
    return make_plan(read(text), Overrides(device="cpu", **overrides), origin=origin)


def test_a_plan_holds_texture_times_method_times_seed_and_the_reference_rows_once() -> None:
    plan = plan_of()
    counts = {label: sum(run.method == label for run in plan.runs) for label in {run.method for run in plan.runs}}
    assert counts == {"tiler": 6, "small-10x": 2, **dict.fromkeys(REFERENCE_ROWS, 2)}


def test_the_dearest_runs_come_first_so_that_none_is_left_over_at_the_end() -> None:
    budgets = [run.budget_flops for run in plan_of().runs]
    assert budgets == sorted(budgets, reverse=True)
    assert budgets[0] == 5e12


def test_more_or_fewer_seeds_than_the_suite_can_be_asked_for() -> None:
    assert sum(run.method == "tiler" for run in plan_of(replicates=1).runs) == 2
    more = plan_of(replicates=5)
    assert sum(run.method == "tiler" for run in more.runs) == 10
    assert sum(run.method == "small-10x" for run in more.runs) == 2
    assert more.suite_hash == plan_of().suite_hash


def test_rows_can_be_chosen_and_the_reference_rows_stay() -> None:
    assert {run.method for run in plan_of(methods=("tiler",)).runs} == {"tiler", *REFERENCE_ROWS}
    with pytest.raises(InputError, match="the suite has no method 'tilr'; did you mean 'tiler'"):
        plan_of(methods=("tilr",))


def test_textures_can_be_chosen_and_make_the_same_runs_as_in_the_whole_suite(tmp_path: Path) -> None:
    plan = plan_of(textures=("terrazzo",))
    whole = {run.key: run for run in plan_of().runs}
    assert {run.texture.name for run in plan.runs} == {"terrazzo"} == set(plan.textures)
    assert all(run == whole[run.key] for run in plan.runs)
    with pytest.raises(InputError, match="the suite has no texture 'terazzo'; did you mean 'terrazzo'"):
        plan_of(textures=("terazzo",))
    Image.new("RGB", (300, 200)).save(tmp_path / "My Wall.png")  # of a single colour: it would be refused if loaded
    both = read().model_copy(update={"pictures": (Picture(path=tmp_path / "My Wall.png"),)})
    assert both.texture_names == ("brick", "terrazzo", "my-wall")
    assert {run.texture.name for run in make_plan(both, Overrides(device="cpu", textures=("brick",))).runs} == {"brick"}
    with pytest.raises(InputError, match="single colour"):
        make_plan(both, Overrides(device="cpu", textures=("my-wall",)))


def test_seeds_differ_along_every_axis_and_do_not_depend_on_the_rest_of_the_suite() -> None:
    plan = plan_of()
    seeds = [seed for run in plan.runs for seed in run.seeds.values()]
    assert len(set(seeds)) == len(seeds) == 3 * len(plan.runs)
    alone = plan_of(TEXT.replace('["brick", "terrazzo"]', '["terrazzo"]'), methods=("tiler",))
    shared = {run.key: run.seeds for run in plan.runs}
    assert all(shared[run.key] == run.seeds for run in alone.runs)


def test_all_rows_of_a_suite_with_a_baseline_have_the_seeds_of_the_baseline() -> None:
    plan = plan_of(TEXT.replace("budget_tflop", 'baseline = "tiler"\nbudget_tflop'), replicates=2)
    own = {run.key: run.seeds for run in plan_of(replicates=2).runs}
    assert {run.method for run in plan.runs} > {"tiler", "small-10x"}
    for run in plan.runs:
        assert run.seeds == own[run.texture.name, "tiler", run.replicate]


def test_another_budget_makes_another_suite_and_stands_in_the_command() -> None:
    plan = make_plan(read(), Overrides(device="cpu", budget_tflop=2.5), origin=("--suite", "fakes.toml"))
    assert {run.budget_flops for run in plan.runs if run.method == "tiler"} == {2.5e12}
    assert plan.suite_hash != make_plan(read(), Overrides(device="cpu")).suite_hash
    assert "--budget 2.5" in rerun_command(plan, ())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"terrazzo"', '"terazzo"', "'terazzo'; did you mean 'terrazzo'"),
        ("fake_methods:Tiler", "ing", "there is no method 'ing'; did you mean 'inng'"),
        ("fake_methods:Tiler", "no_such_module:Tiler", "cannot be imported"),
        ("fake_methods:Tiler", "fake_methods:NoSuchClass", "cannot be imported"),
        ("fake_methods:Tiler", "pathlib:Path", "is not a method"),
        ('Tiler"\n[[', 'Tiler"\nsettings = {strenth = 1.0}\n[[', "unknown setting 'strenth'"),
        (
            "sample_size = 256",
            "sample_size = 250",
            "the method 'small-10x' can draw neither canvases of 250 px nor tiles",
        ),
    ],
)
def test_what_does_not_exist_is_refused_before_any_work(old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        plan_of(TEXT.replace(old, new, 1))


def test_an_unknown_or_absent_device_is_refused() -> None:
    with pytest.raises(InputError, match="no device 'tpu'"):
        make_plan(read(), Overrides(device="tpu"))


@pytest.mark.parametrize("largest", [256, 128, 64, 32])
def test_every_row_has_the_same_generated_area(largest: int) -> None:
    count, side = sample_geometry(lambda size: max(size) <= largest, 256, 4, "some")
    assert side == largest
    assert count * side * side == 4 * 256 * 256


def test_a_second_plan_of_the_same_suite_misses_only_what_is_not_recorded() -> None:
    plan = plan_of()
    records = [finished(run) for run in plan.runs]
    assert find_missing(plan, found(*records[:5])) == plan.runs[5:]
    assert find_missing(plan, found(*records)) == ()


def test_a_failed_run_is_missing() -> None:
    run = plan_of().runs[0]
    failed = failed_record(run, run.texture.load().facts(), datetime.now(UTC), "it broke", 1.0)
    assert run in find_missing(plan_of(), found(failed))


def test_a_record_of_another_configuration_or_metric_version_is_missing() -> None:
    plan = plan_of()
    run = plan.runs[0]
    assert run in find_missing(plan, found(finished(run, config_hash="0" * 64)))
    assert run in find_missing(plan, found(finished(run, measurements=figures(gram=0))))


@pytest.mark.parametrize("name", DEFAULT)
def test_a_record_that_lacks_a_metric_of_the_catalogue_is_missing(name: str) -> None:
    plan = plan_of()
    run = plan.runs[0]
    older = tuple(figure for figure in figures() if figure.metric != name)
    assert run in find_missing(plan, found(finished(run, measurements=older)))


@pytest.mark.parametrize("window", ["train", "held_out"])
def test_a_record_of_a_texture_whose_pixels_have_changed_since_is_missing(window: str) -> None:
    """As another painter, scale or crop of a bundled texture changes them, under the same name."""
    plan = plan_of()
    run = plan.runs[0]
    facts = facts_of(run.texture)
    changed = facts.train.model_copy(update={"sha256": "0" * 64})
    update = {"train": changed} if window == "train" else {"held_out": (*facts.held_out[:-1], changed)}
    assert run in find_missing(plan, found(finished(run, texture=facts.model_copy(update=update))))


def test_a_record_without_the_held_out_window_of_the_texture_is_missing() -> None:
    plan = plan_of()
    run = plan.runs[0]
    without = facts_of(run.texture).model_copy(update={"held_out": ()})
    assert run in find_missing(plan, found(finished(run, texture=without)))


def test_results_of_another_suite_are_not_mixed_in() -> None:
    plan = plan_of()
    other = plan_of(TEXT.replace("0.5", "0.6"))
    with pytest.raises(InputError, match=r"holds runs of another suite \('fakes'.*name another folder with --out"):
        find_missing(plan, found(finished(other.runs[0])))


def test_the_configuration_hash_covers_method_texture_and_budget_but_no_seed() -> None:
    by_key = {run.key: run.config_hash for run in plan_of().runs}
    assert by_key["brick", "tiler", 0] == by_key["brick", "tiler", 2]
    assert len({by_key["brick", "tiler", 0], by_key["terrazzo", "tiler", 0], by_key["brick", "noise", 0]}) == 3
    dearer = {run.key: run.config_hash for run in plan_of(TEXT.replace("0.5", "0.6")).runs}
    assert dearer["brick", "tiler", 0] != by_key["brick", "tiler", 0]


def test_a_picture_of_ones_own_is_planned_under_its_name(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "My Wall.png")
    text = TEXT.replace('"brick", "terrazzo"', "") + f'[[pictures]]\npath = "{tmp_path}/My Wall.png"\n'
    runs = plan_of(text).runs
    assert {run.texture.name for run in runs} == {"my-wall"}
    assert runs[0].texture.load().facts().name == "my-wall"


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels).save(tmp_path / folder / "wall.png")
    pictures = "".join(f'[[pictures]]\npath = "{tmp_path}/{folder}/wall.png"\n' for folder in ("a", "b"))
    with pytest.raises(InputError, match="two pictures of the suite are called 'wall'"):
        plan_of(TEXT + pictures)


def test_a_run_crosses_to_the_worker_unchanged() -> None:
    for run in plan_of().runs:
        assert RunSpec.model_validate_json(run.model_dump_json()) == run


def command_of(plan: Plan, *records: Record) -> str:
    return rerun_command(plan, found(*records)).removeprefix("inng-bench run ")


def test_the_command_names_the_suite_without_its_folder_and_only_what_differs_from_it() -> None:
    bundled = plan_of(origin=origin_of_suite("quick"))
    assert command_of(bundled) == "--suite quick --device cpu"
    own = plan_of(origin=origin_of_suite(Path("some/folder/my own.toml")), methods=["tiler"], replicates=2)
    assert command_of(own) == "--suite 'my own.toml' --device cpu --methods tiler --seeds 2"


def test_the_command_keeps_picture_scale_device_and_precision() -> None:
    origin = origin_of_picture(Path("some/folder/wall.png"), 0.75)
    plan = make_plan(read(), Overrides(device="cpu", precision="bfloat16"), origin=origin)
    assert command_of(plan) == "--texture wall.png --scale 0.75 --device cpu --precision bfloat16"
    unscaled = make_plan(read(), origin=origin_of_picture(Path("wall.png"), None))
    assert command_of(unscaled) == "--texture wall.png"


def test_the_command_makes_what_earlier_calls_left_in_the_folder_too() -> None:
    origin = origin_of_suite("quick")
    first = plan_of(methods=["tiler"], replicates=1, origin=origin)
    second = plan_of(methods=["small-10x"], replicates=1, origin=origin)
    assert command_of(first) == "--suite quick --device cpu --methods tiler --seeds 1"
    assert command_of(second, *(finished(run) for run in first.runs)) == "--suite quick --device cpu --seeds 1"
    some = plan_of(textures=["brick"], origin=origin)
    assert command_of(some) == "--suite quick --device cpu --textures brick"
    assert command_of(first, *(finished(run) for run in some.runs)) == "--suite quick --device cpu"
    third = plan_of(origin=origin)
    assert command_of(first, *(finished(run) for run in third.runs)) == "--suite quick --device cpu"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ({"budget_tflop": 1e300}, "the value of 'budget_tflop' is wrong: input should be less than or equal to"),
        ({"budget_tflop": -1.0}, "the value of 'budget_tflop' is wrong"),
        ({"precision": "fp16"}, "the value of 'precision' is wrong: input should be 'auto', 'float32' or 'bfloat16'"),
        ({"replicates": 0}, "the value of 'replicates' is wrong"),
    ],
)
def test_an_override_that_could_not_stand_in_a_suite_is_refused(override: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make_plan(read(), Overrides(device="cpu", **override))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"texturs": ["brick"]}, "there is no override 'texturs'; did you mean 'textures'"),
        ({"replicates": "many"}, "the override 'replicates' is wrong: Input should be a valid integer"),
    ],
)
def test_a_keyword_that_is_no_override_is_refused_by_its_name(wanted: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Overrides.of(wanted)
