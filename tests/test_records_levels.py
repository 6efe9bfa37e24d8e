"""Levels of determinism: what the provenance of both sides allows, and what forbids more."""

from typing import Any

import pytest
from record_builder import make_provenance

from inng_bench.records.levels import Agreement, Level, agreement, changes


def between(learnt: bool = True, **others: Any) -> Agreement:
    return agreement(make_provenance(), make_provenance(**others), learnt=learnt)


def test_the_same_machine_versions_and_threads_promise_the_same_bytes() -> None:
    assert between() == between(learnt=False) == Agreement(Level.BYTES)
    assert str(between()) == "L0"


@pytest.mark.parametrize(
    "others",
    [
        {"git_sha": "f" * 40},
        {"git_dirty": True},
        {"source_sha256": None},
        {"package_version": "0.2.0"},
        {"cores": 64},
        {"memory_gib": 1.0},
        {"cpu_quota": 1.0},
    ],
)
def test_other_code_or_more_room_does_not_excuse_other_bytes(others: dict[str, Any]) -> None:
    assert between(**others).level is Level.BYTES


MACHINE: list[tuple[dict[str, Any], str]] = [
    ({"threads": 2}, "threads: 1 against 2"),
    ({"cpu": "Other CPU"}, "cpu: Example CPU against Other CPU"),
    ({"platform": "Linux aarch64"}, "platform: Linux x86_64 against Linux aarch64"),
    ({"libraries": {"oneDNN": "3.13.3", "instructions": "AVX2"}}, "libraries: instructions AVX512 against AVX2"),
    ({"environment": {}}, "environment: OMP_NUM_THREADS 1 against absent"),
    ({"libraries": {}}, "libraries: not known on both sides"),
]


@pytest.mark.parametrize(("others", "reason"), MACHINE)
def test_another_machine_or_number_of_threads_promises_a_tolerance_and_after_a_training_a_distribution(
    others: dict[str, Any], reason: str
) -> None:
    assert between(learnt=False, **others).level is Level.TOLERANCE
    assert between(learnt=True, **others).level is Level.STATISTICS
    assert reason in between(**others).reasons
    assert reason in str(between(**others))


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"versions": {"numpy": "2.4.6", "torch": "2.16.0"}}, "versions: torch 2.15.0 against 2.16.0"),
        ({"versions": {"numpy": "2.4.6"}}, "versions: torch 2.15.0 against absent"),
        ({"python": "3.12.1"}, "python: 3.11.7 against 3.12.1"),
        ({"precision": "bfloat16"}, "precision: float32 against bfloat16"),
        ({"device": "cuda"}, "device: cpu against cuda"),
    ],
)
@pytest.mark.parametrize("learnt", [False, True])
def test_other_versions_promise_a_distribution_and_no_more(others: dict[str, Any], reason: str, learnt: bool) -> None:
    found = between(learnt, **others)
    assert found.level is Level.STATISTICS
    assert reason in found.reasons


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_gpu_never_promises_bytes(device: str) -> None:
    side = make_provenance(device=device)
    found = agreement(side, side, learnt=False)
    assert found == Agreement(Level.STATISTICS, (f"device: nothing is promised on {device}",))


def test_two_records_that_do_not_know_their_libraries_never_promise_bytes() -> None:
    side = make_provenance(libraries={})
    assert agreement(side, side, learnt=False).level is Level.TOLERANCE


def test_both_directions_agree() -> None:
    for others, _ in MACHINE:
        one, other = make_provenance(), make_provenance(**others)
        assert agreement(one, other, learnt=True).level is agreement(other, one, learnt=True).level


def test_a_training_goes_on_only_with_the_source_that_began_it() -> None:
    before = make_provenance()
    assert changes(before, make_provenance(git_sha=None, cores=8, memory_gib=1.0)) == ()
    assert changes(before, make_provenance(source_sha256="0" * 64))[0].startswith("source: efef")
    assert changes(before, make_provenance(threads=2)) == ("threads: 1 against 2",)
