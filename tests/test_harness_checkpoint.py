"""A run's checkpoint: whose it is, when it is written, what it costs, and what is no checkpoint at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_methods import Tiler
from record_builder import make_provenance
from test_harness_run import a_run

from inng_bench.contract import Execution, Progress, Snapshot
from inng_bench.harness.checkpoint import LARGEST_SHARE, SHORTEST_SECONDS, Identity, RunCheckpoint, identify
from inng_bench.harness.diary import Diary, ignore_news
from inng_bench.hashes import file_hash
from inng_bench.records.generations import Generations
from inng_bench.resume import decode, encode

IDENTITY = Identity(configuration="a", seed=1, window="b", method_source="c", machine=make_provenance())


class Clock:
    """A time that goes on only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(
    folder: Path, identity: Identity = IDENTITY, diary: Diary | None = None, clock: Clock | None = None
) -> tuple[RunCheckpoint, list[str]]:
    told: list[str] = []
    states, diary = Generations(folder), diary or Diary(ignore_news)
    return RunCheckpoint(states, identity, diary, told.append, clock or Clock()), told


def snapshot(number: int = 7) -> Snapshot:
    return Snapshot({"weights": torch.arange(3) + number}, {"step": number})


def keep(folder: Path, clock: Clock, diary: Diary | None = None) -> None:
    keeper, _ = opened(folder, diary=diary, clock=clock)
    clock.now += SHORTEST_SECONDS
    keeper.offer(snapshot)


def test_a_snapshot_comes_back_as_it_was_taken(tmp_path: Path, clock: Clock) -> None:
    keep(tmp_path, clock)
    keeper, told = opened(tmp_path)
    found = keeper.load()
    assert found is not None
    assert found.tensors.keys() == {"weights"}
    assert found.tensors["weights"].tolist() == [7, 8, 9]
    assert found.values == {"step": 7}
    assert told == ["continues from its checkpoint after 10 s of training"]
    assert keeper.seconds_before == SHORTEST_SECONDS


def test_training_time_adds_up_over_the_processes(tmp_path: Path, clock: Clock) -> None:
    keep(tmp_path, clock)
    second, _ = opened(tmp_path, clock=clock)
    second.load()
    clock.now += 2 * SHORTEST_SECONDS
    second.offer(snapshot)
    third, _ = opened(tmp_path)
    third.load()
    assert third.seconds_before == 3 * SHORTEST_SECONDS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"configuration": "x"}, "another configuration"),
        ({"seed": 2}, "another seed"),
        ({"window": "x"}, "other pixels"),
        ({"method_source": "x"}, "other code of the method"),
        ({"machine": make_provenance(source_sha256="0" * 64)}, "source: efef"),
        ({"machine": make_provenance(threads=2)}, "threads: 1 against 2"),
        ({"machine": make_provenance(cpu="Other CPU")}, "cpu: Example CPU against Other CPU"),
        ({"machine": make_provenance(versions={})}, "torch 2.15.0 against absent"),
        ({"machine": make_provenance(precision="bfloat16")}, "precision: float32 against bfloat16"),
        ({"machine": make_provenance(device="cuda")}, "device: cpu against cuda"),
    ],
)
def test_a_checkpoint_of_another_run_or_machine_is_passed_over_with_the_reason(
    changes: dict[str, Any], reason: str, tmp_path: Path, clock: Clock
) -> None:
    keep(tmp_path, clock)
    keeper, told = opened(tmp_path, IDENTITY.model_copy(update=changes))
    assert keeper.load() is None
    assert keeper.seconds_before == 0.0
    assert len(told) == 1
    assert told[0].startswith("starts again; its checkpoint is of")
    assert reason in told[0]


def test_a_machine_with_another_load_is_the_same_machine(tmp_path: Path, clock: Clock) -> None:
    keep(tmp_path, clock)
    machine = make_provenance(cores=8, cpu_quota=1.0, memory_gib=1.0, git_dirty=True)
    assert opened(tmp_path, IDENTITY.model_copy(update={"machine": machine}))[0].load() is not None


@pytest.mark.usefixtures("small_canvases")
def test_the_identity_of_a_run_is_that_of_its_configuration_pixels_and_code() -> None:
    run, machine = a_run("Tiler"), make_provenance()
    method = Tiler({}, Execution())
    found = identify(run, "pixels", method, machine)
    assert (found.configuration, found.seed, found.window) == (run.config_hash, run.seeds["train"], "pixels")
    assert found.method_source == file_hash(Path(__file__).parent / "fake_methods.py")
    assert found.differences(found) == ()


def test_the_diary_is_that_of_the_snapshot_and_not_of_what_came_after(tmp_path: Path, clock: Clock) -> None:
    diary, straight = Diary(ignore_news), Diary(ignore_news)
    for number in range(40):
        values = {"loss": float("inf") if number == 3 else 1 / (number + 1)}
        progress = Progress(number + 1, 1e9 * number, number / 39, values, torch.full((1, 3, 8, 8), number / 20 - 1))
        straight(progress)
        diary(progress)
        if number == 20:
            keep(tmp_path, clock, diary)
            diary(Progress(99, 0.0, 1.0, {"lost": float("nan")}))  # was heard, and died with its process
            diary = Diary(ignore_news)
            assert opened(tmp_path, diary=diary)[0].load() is not None
    assert diary.curve == straight.curve
    assert diary.warnings == straight.warnings == ("loss was not finite at step 4.",)
    strip, expected = diary.strip(), straight.strip()
    assert strip is not None
    assert expected is not None
    assert np.array_equal(strip, expected)


@pytest.mark.parametrize("write_seconds", [0.0, 0.05, 1.0, 30.0])
def test_writing_costs_less_than_three_percent_of_a_training(
    write_seconds: float, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0

    def add(_: Generations, content: bytes) -> None:
        nonlocal written
        written += 1
        clock.now += write_seconds

    monkeypatch.setattr(Generations, "add", add)
    keeper, _ = opened(tmp_path, clock=clock)
    while clock.now < 20_000:
        clock.now += 0.25
        keeper.offer(snapshot)
    assert written >= 2
    # The first one's cost is not known before; on a training of a night it does not matter.
    assert write_seconds * (written - 1) <= LARGEST_SHARE * clock.now
    assert write_seconds * written <= 0.03 * clock.now


def test_a_snapshot_that_is_not_due_is_not_taken(tmp_path: Path, clock: Clock) -> None:
    def never() -> Snapshot:
        raise AssertionError("it was taken")

    keeper, _ = opened(tmp_path, clock=clock)
    clock.now += SHORTEST_SECONDS / 2
    keeper.offer(never)
    assert list(tmp_path.iterdir()) == []


Spoil = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: values.pop("identity"),
        lambda values: values.pop("method"),
        lambda values: values.pop("diary"),
        lambda values: values.pop("seconds"),
        lambda values: values.update(seconds="long"),
        lambda values: values.update(identity=[]),
        lambda values: values["identity"].update(colour="red"),
        lambda values: values["diary"].update(curve=[{"step": "one"}]),
        lambda values: values["diary"].update(distances=[]),
        lambda values: values.update(method=3),
    ],
)
def test_a_checkpoint_with_the_right_hash_and_a_wrong_content_is_passed_over(
    spoil: Spoil, tmp_path: Path, clock: Clock
) -> None:
    diary = Diary(ignore_news)
    diary(Progress(1, 0.0, 0.0, {}, torch.zeros(1, 3, 8, 8)))
    keep(tmp_path, clock, diary)
    whole = decode(Generations(tmp_path).newest(print) or b"")
    values = json.loads(json.dumps(whole.values))
    spoil(values)
    Generations(tmp_path).add(encode(Snapshot(whole.tensors, values)))
    keeper, told = opened(tmp_path)
    assert keeper.load() is None
    assert told[0].startswith("starts again; its checkpoint was not written by this package")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95 a pickle",
        b"\xff" * 64,
        (10**6).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        (4).to_bytes(8, "little") + b"null",
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
    ],
)
def test_bytes_that_are_no_safetensors_are_passed_over(content: bytes, tmp_path: Path) -> None:
    Generations(tmp_path).add(content)
    keeper, told = opened(tmp_path)
    assert keeper.load() is None
    assert len(told) == 1


def test_tensors_that_share_memory_or_have_another_layout_are_kept() -> None:
    whole = torch.arange(24.0).reshape(2, 3, 2, 2)
    tensors = {"whole": whole, "part": whole[1], "turned": whole.permute(3, 2, 1, 0), "scalar": whole[0, 0, 0, 0]}
    found = decode(encode(Snapshot(tensors, {"loss": float("nan")})))
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in tensors.items())
    assert str(found.values["loss"]) == "nan"
