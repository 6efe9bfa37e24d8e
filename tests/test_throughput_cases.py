"""The throughput command: what is timed, what is refused, what is printed."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from held_machine import HeldMachine
from test_throughput import Clock

from inng_bench import cli
from inng_bench.contract import Precision
from inng_bench.errors import ExitStatus
from inng_bench.harness import machine
from inng_bench.harness.display import open_display
from inng_bench.harness.machine import Claim, claim_machine
from inng_bench.inng.frozen import freeze
from inng_bench.inng.network import Design, new_classifier
from inng_bench.inng.windows import DenseTorus, RandomPatches, evaluation_flops
from inng_bench.throughput import cases as choices
from inng_bench.throughput import measuring
from inng_bench.throughput.cases import QUICK, Case, Effort, Scheme, choose_cases
from inng_bench.throughput.measuring import Row, Speed, measure_case, measure_cases
from inng_bench.throughput.parts import OTHERS, profile_steps, summarise
from inng_bench.throughput.samplers import make_task
from inng_bench.throughput.tables import Report, as_json, as_markdown, as_text

TINY = Case(side=64, batch=2, filters=4)
FLOAT32, BFLOAT16 = Precision.FLOAT32, Precision.BFLOAT16
BRIEF = Effort(steps=1, rounds=2)


@pytest.fixture(autouse=True)
def own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave the machine's own lock to real timings."""
    monkeypatch.setattr(machine, "lock_path", lambda: tmp_path / "lock")


def speed(share: float, *, spent: float = 1e9) -> Speed:
    return Speed(8.0, (7.0, 10.0), 80.0, 9.0, share, 1e11, 1e9, spent, 12.5)


def test_the_share_is_the_leanest_passes_operations_over_the_ceilings_by_a_clock() -> None:
    clock = Clock(3.0, 0.5, 0.125, 4.0)
    found = measure_case(TINY, BRIEF, clock=clock)
    counted = evaluation_flops(
        freeze(new_classifier(Design(4), torch.Generator()), torch.float32), DenseTorus(), (64, 64)
    )
    evaluations = 2 * (BRIEF.steps + 1) / 3.0
    assert found.gradient_evaluations_per_second == pytest.approx(evaluations)
    assert found.image_steps_per_second == pytest.approx(evaluations * 8 / 9)
    assert found.windows_steps_per_second == pytest.approx(evaluations * 8 / 9 * 16)
    assert found.ceiling_flops == max(2 * 2048**3 / 0.5, 2 * 4 * 64**2 * 512**2 / 0.125, 2 * 4 * 62**2 * 256**2 * 9 / 4)
    assert found.share_of_ceiling == pytest.approx(evaluations * counted / found.ceiling_flops)


def test_waste_lowers_the_share() -> None:
    dense, patches = (make_task(replace(TINY, scheme=scheme), 1) for scheme in (Scheme.DENSE, Scheme.PATCHES))
    assert dense.spent_flops == dense.leanest_flops == patches.leanest_flops
    assert patches.windows == dense.windows == 16
    assert patches.spent_flops > 5 * patches.leanest_flops


def test_the_authors_scheme_reads_ten_padded_patches() -> None:
    task = make_task(replace(TINY, scheme=Scheme.AUTHORS), 1)
    padded = freeze(new_classifier(Design(4, "padded"), torch.Generator()), torch.float32)
    windows = RandomPatches(64, patches=10, area=64**2, wraps=True)
    assert (task.windows, task.evaluations) == (10, 4)
    assert task.leanest_flops == task.spent_flops == evaluation_flops(padded, windows, (64, 64))
    task.run()


def test_every_factor_changes_one_thing_about_the_base() -> None:
    cases, absent = choose_cases(quick=False)
    base = asdict(cases[0])
    assert len({case.title for case in cases}) == len(cases) > 12
    for case in cases[1:]:
        changed = {name for name, value in asdict(case).items() if value != base[name]} - {"title"}
        named = ({"precision", "filters"}, {"scheme", "update"}, {"device", "precision"})
        assert len(changed) == 1 or changed in named, case.title
    assert all(sentence.endswith(".") for sentence in absent)
    assert set(choose_cases(quick=True)[0]) < set(cases)


def test_what_is_not_installed_is_said_and_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "COMPILERS", ("no-such-compiler",))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    cases, absent = choose_cases(quick=False)
    assert not {Scheme.COMPILED, Scheme.TORCHEBM} & {case.scheme for case in cases}
    assert {"torch.compile", "torchebm"} <= {sentence.partition(":")[0] for sentence in absent}


def report(*rows: Row) -> Report:
    return Report((Row(Case(), (speed(0.6),)), *rows), ("CUDA: none.",), QUICK)


def test_ratios_compare_rows_by_their_own_ceilings() -> None:
    text = as_text(
        report(
            Row(Case(title="explicit patches", scheme=Scheme.PATCHES), (speed(0.05, spent=10e9),)),
            Row(Case(title="canvas 1024²", side=1024), (speed(0.5),)),
        )
    )
    assert "12.0 times as fast as explicit patches" in text
    assert "counted operations give 10.0, of which that is 1.20." in text
    assert "takes 19.2 times as long" in text
    assert "torchebm" not in text
    assert "Without a row: CUDA: none." in text


def test_one_pass_shows_the_middle_half_of_its_rounds() -> None:
    text = as_text(report())
    assert "in brackets the middle half of the rounds" in text
    assert "8.00 (7.00–10.00)" in text
    assert "60.0 (52.5–75.0)" in text


def test_several_passes_show_their_median_and_range_and_are_divided_pass_by_pass() -> None:
    base, large = (tuple(speed(share) for share in shares) for shares in ((0.6, 0.5, 0.4), (0.3, 0.5, 0.4)))
    rows = Row(Case(), base), Row(Case(title="canvas 1024²", side=1024), large)
    text = as_text(Report(rows, (), replace(QUICK, passes=3)))
    assert "3 passes through all rows" in text
    assert "50.0 (40.0–60.0)" in text
    assert "takes 16.0 (16.0–32.0) times as long" in text


def test_passes_go_through_all_cases_before_they_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def watch(work: Callable[[], Speed]) -> Speed:
        case = work.args[0]  # type: ignore[attr-defined]
        order.append(case.title)
        if case.title == "large":
            raise MemoryError
        return speed(0.5)

    monkeypatch.setattr(measuring, "in_fresh_process", watch)
    with open_display(4) as display:
        small, large = measure_cases([TINY, replace(TINY, title="large")], replace(BRIEF, passes=2), display)
    assert order == ["base", "large", "base"]
    assert (len(small.speeds), small.error) == (2, "")
    assert (large.speeds, large.error) == ((), "MemoryError:")


def test_the_parts_of_a_step_are_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Waiting for a busy processor counts as a part's time.
    monkeypatch.setattr("inng_bench.throughput.parts.SHOWN", 1e-4)
    sampler, training = profile_steps(TINY, BRIEF)
    assert {"aten::convolution_backward", "aten::normal_"} <= {part.operator for part in sampler.parts}
    assert {"aten::convolution_backward", "aten::native_batch_norm"} <= {part.operator for part in training.parts}
    for one in (sampler, training):
        assert sum(part.share for part in one.parts) == pytest.approx(1)
        assert one.parts[-1].operator == OTHERS
    told = replace(report(), profiles=(sampler, training))
    assert as_text(told).count("aten::convolution_backward") == 2
    assert r"aten::convolution\_backward" in as_markdown(told)
    assert as_json(told)["profiles"][1] == asdict(training)


def test_small_parts_stand_together_at_the_end() -> None:
    parts = summarise({"small": 0.004, "large": 0.9, "middle": 0.093, "tiny": 0.003})
    assert [part.operator for part in parts] == ["large", "middle", OTHERS]
    assert [part.share for part in parts] == pytest.approx([0.9, 0.093, 0.007])


def test_figures_are_printed_before_a_full_disk_can_lose_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def full(**_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(measuring, "in_fresh_process", lambda _work: speed(0.5))
    monkeypatch.setattr("tempfile.mkstemp", full)
    assert cli.main(["throughput", "--quick", "--markdown", str(tmp_path / "table.md")]) == ExitStatus.BAD_INPUT
    text, errors = capsys.readouterr()
    assert "image·steps/s" in text
    assert "No space left on device" in errors


def test_a_gpu_is_timed_in_the_precision_that_it_takes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        choices, "resolve_precision", lambda _auto, device: {"cpu": FLOAT32, "cuda": BFLOAT16}[device.type]
    )
    cases, absent = choose_cases(quick=True)
    (gpu,) = [case for case in cases if case.device == "cuda"]
    assert (cases[0].precision, gpu.precision) == (FLOAT32, BFLOAT16)
    assert gpu.title == "CUDA, bfloat16"  # a row names all that it changes
    assert not any("CUDA" in sentence for sentence in absent)


def test_a_failed_case_is_a_row_that_says_why() -> None:
    failed = report(Row(Case(title="canvas 1024²", side=1024), (), "MemoryError: too <large>"))
    assert "canvas 1024² failed: MemoryError: too <large>" in as_text(failed)
    assert "too &lt;large&gt;" in as_markdown(failed)
    assert as_json(failed)["rows"][1]["speeds"] == ()


def test_a_case_that_breaks_down_leaves_the_others_their_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def in_this_process(work: Callable[[], Speed]) -> Speed:
        if work.args[0].side == 128:  # type: ignore[attr-defined]
            raise MemoryError("no room")
        return speed(0.5)

    monkeypatch.setattr(measuring, "in_fresh_process", in_this_process)
    assert cli.main(["throughput", "--quick", "--json"]) == ExitStatus.RUNS_FAILED
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["case"]["title"] for row in rows if not row["speeds"]] == ["canvas 128²"]
    assert len(rows) > 6


def test_the_command_times_a_tiny_case_in_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def choose(*, quick: bool) -> tuple[tuple[Case, ...], tuple[str, ...]]:
        return (TINY,), ()

    monkeypatch.setattr(choices, "choose_cases", choose)
    out, page = tmp_path / "speed.json", tmp_path / "speed.md"
    assert cli.main(["throughput", "--quick", "--out", str(out), "--markdown", str(page)]) == ExitStatus.OK
    text, errors = capsys.readouterr()
    assert "image·steps/s" in text
    assert "[1/1] base:" in errors
    (row,) = json.loads(out.read_text(), parse_constant=refuse)["rows"]
    assert row["case"] == asdict(TINY) | {"precision": "float32"}
    (measured,) = row["speeds"]
    assert 0 < measured["share_of_ceiling"] < 1.5
    assert 0 <= measured["peak_memory_mib"] < 50  # the loaded libraries alone take 200
    assert page.read_text().count("\n| base") == 1


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_the_quick_table_has_every_row_and_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["throughput", "--quick", "--parts", "--json"]) == ExitStatus.OK
    told = json.loads(capsys.readouterr().out, parse_constant=refuse)
    shares = {row["case"]["title"]: row["speeds"][0]["share_of_ceiling"] for row in told["rows"]}
    assert set(shares) == {case.title for case in choose_cases(quick=True)[0]}
    assert shares["explicit patches"] < shares["base"] < shares["width 64"]
    assert len(told["profiles"]) == 2


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize(("first", "second"), [(Claim.SHARED, Claim.ALONE), *((Claim.ALONE, claim) for claim in Claim)])
def test_a_claim_that_does_not_go_with_another_waits_for_it_and_says_so_once(first: Claim, second: Claim) -> None:
    told = []
    with ExitStack() as other:
        other.enter_context(claim_machine(first))

        def say(text: str) -> None:
            told.append(text)
            other.close()

        with claim_machine(second, say):
            assert told == [machine.WAITING[second]]


def test_suites_go_side_by_side_and_nobody_waits_for_an_empty_machine() -> None:
    with claim_machine(Claim.SHARED, pytest.fail), claim_machine(Claim.SHARED, pytest.fail):
        pass
    with claim_machine(Claim.ALONE, pytest.fail):
        pass


def test_the_command_waits_for_a_suite_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inng_bench.throughput.cases.choose_cases", lambda **_: ((TINY,), ()))
    monkeypatch.setattr("inng_bench.throughput.cases.QUICK", BRIEF)
    with HeldMachine(Claim.SHARED) as held:
        monkeypatch.setattr(sys, "stderr", held)
        assert cli.main(["throughput", "--quick"]) == ExitStatus.OK
    assert held.waits == [machine.WAITING[Claim.ALONE]]


def test_the_claim_of_a_killed_process_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import fcntl, os, sys, time\n"
        "fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT), fcntl.LOCK_SH)\n"
        "print('held', flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        told = []

        def say(text: str) -> None:
            told.append(text)
            holder.kill()

        with claim_machine(Claim.ALONE, say):
            assert told == [machine.WAITING[Claim.ALONE]]


@pytest.mark.parametrize("option", ["--out", "--markdown"])
def test_a_file_without_a_folder_is_refused_before_anything_is_timed(
    option: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["throughput", option, str(tmp_path / "no" / "file")]) == ExitStatus.BAD_INPUT
    assert "name a file in an existing folder" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_refused_before_anything_is_timed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["throughput", "--quick", "--model", str(tmp_path)]) == ExitStatus.BAD_INPUT
    assert "holds no model.json" in capsys.readouterr().err
