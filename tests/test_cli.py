"""The command line: what it says, what it refuses, and how it ends."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import inng_bench
from inng_bench import cli
from inng_bench.cli import listing
from inng_bench.errors import ExitStatus, InputError
from inng_bench.harness import estimate, session
from inng_bench.harness.estimate import Speed
from inng_bench.harness.plan import Plan, Retry
from inng_bench.harness.session import Results
from inng_bench.harness.suite import REFERENCE_ROWS
from inng_bench.records.schema import Limits
from inng_bench.report import Report
from inng_bench.report.__main__ import main as report_main

SUITE = """
name = "fakes"
textures = ["brick"]
replicates = 2
budget_tflop = 1.0
precision = "float32"
[[methods]]
label = "tiler"
implementation = "fake_methods:Tiler"
"""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Plan, Path, int | None]]:
    """Take plans in the place of running them."""
    seen: list[tuple[Plan, Path, int | None]] = []

    def run_plan(plan: Plan, folder: Path, *, jobs: int | None, **_: object) -> Results:
        seen.append((plan, folder, jobs))
        return Results(folder, kept=1, done=2, failed=0)

    monkeypatch.setattr(session, "run_plan", run_plan)
    return seen


@pytest.fixture
def suite_file(tmp_path: Path) -> str:
    (tmp_path / "fakes.toml").write_text(SUITE)
    return str(tmp_path / "fakes.toml")


def save_picture(path: Path, size: tuple[int, int] = (256, 256)) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_run_hands_the_plan_over_and_says_where_the_results_are(
    calls: list[Any], suite_file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["--out", str(out), "--seeds", "1", "--jobs", "3", "--device", "cpu", "--precision", "bfloat16"]
    assert cli.main(["run", "--suite", suite_file, *arguments]) == ExitStatus.OK
    plan, folder, jobs = calls[0]
    assert (folder, jobs) == (out, 3)
    assert {run.method for run in plan.runs} == {"tiler", *REFERENCE_ROWS}
    assert len(plan.runs) == 1 + len(REFERENCE_ROWS)
    assert {run.precision for run in plan.runs} == {"bfloat16"}
    assert (plan.origin, plan.overrides.arguments()) == (
        ("--suite", "fakes.toml"),
        ("--device", "cpu", "--precision", "bfloat16"),
    )
    said = capsys.readouterr().out
    assert "2 runs done, 0 failed, 1 were there already" in said
    assert f"inng-bench report {out}" in said


def test_results_go_to_a_folder_of_the_suites_name_by_default(calls: list[Any], suite_file: str) -> None:
    cli.main(["run", "--suite", suite_file])
    assert calls[0][1] == Path("results/runs/fakes")


def test_failed_runs_end_with_status_3(monkeypatch: pytest.MonkeyPatch, suite_file: str) -> None:
    monkeypatch.setattr(session, "run_plan", lambda _, folder, **__: Results(folder, kept=0, done=3, failed=1))
    assert cli.main(["run", "--suite", suite_file]) == 3


def test_limits_and_retry_are_handed_over_and_failures_that_are_left_end_with_status_3(
    monkeypatch: pytest.MonkeyPatch, suite_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[Plan, Retry]] = []

    def run_plan(plan: Plan, folder: Path, *, retry: Retry, **_: object) -> Results:
        seen.append((plan, retry))
        return Results(folder, kept=1, done=0, failed=0, left=2)

    monkeypatch.setattr(session, "run_plan", run_plan)
    arguments = ["--time-limit", "30", "--memory-limit", "2.5", "--retry", "none", "--device", "cpu"]
    assert cli.main(["run", "--suite", suite_file, *arguments]) == 3
    plan, retry = seen[0]
    assert {run.limits for run in plan.runs} == {Limits(minutes=30.0, memory_gib=2.5)}
    assert retry is Retry.NONE
    assert "0 failed, 1 were there already, 2 failed before and were left" in capsys.readouterr().out


def test_a_sampler_that_could_not_be_timed_is_said_in_the_last_lines(
    monkeypatch: pytest.MonkeyPatch, suite_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    results = {"done": 3, "failed": 0, "kept": 0}
    monkeypatch.setattr(session, "run_plan", lambda _, folder, **__: Results(folder, **results, not_timed=2))
    assert cli.main(["run", "--suite", suite_file]) == ExitStatus.OK
    assert "3 runs done, 0 failed, 0 were there already, 2 samplers could not be timed: " in capsys.readouterr().out
    monkeypatch.setattr(session, "run_plan", lambda _, folder, **__: Results(folder, **results))
    cli.main(["run", "--suite", suite_file])
    assert "timed" not in capsys.readouterr().out


def test_ones_own_picture_takes_the_place_of_the_textures(calls: list[Any], tmp_path: Path) -> None:
    path = save_picture(tmp_path / "My Wall.png")
    assert cli.main(["run", "--texture", str(path), "--scale", "0.9", "--methods", "inng-fast", "--device", "cpu"]) == 0
    plan, folder, _ = calls[0]
    assert folder == Path("results/runs/my-wall")
    assert {run.texture.scale for run in plan.runs} == {0.9}
    assert plan.origin == ("--texture", "My Wall.png", "--scale", "0.9")
    assert {run.method for run in plan.runs} == {"inng-fast", *REFERENCE_ROWS}


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(
    suite_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        estimate, "probe", lambda *_: Speed({"fake_methods:Tiler": 2e-11}, {"fake_methods:Tiler": 1.0}, 1.0)
    )
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(["run", "--suite", suite_file, "--dry-run", "--jobs", "2", "--device", "cpu"]) == 0
    assert sorted(tmp_path.rglob("*")) == before
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "brick · tiler · seed 0: 1 TFLOP, cpu, float32"
    assert len(said) == 7 + 3
    assert said[7] == "7 of 7 runs are missing in results/runs/fakes."
    assert said[8] == ("They need 98 MiB of disk space, and about 0 MiB more for checkpoints until they have ended.")
    assert said[9].startswith("About 2 minutes on this machine with its present load: 7 runs, 2 at once (from a test")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--suite", "quik"], "there is no suite 'quik'; did you mean 'quick'?"),
        (["--suite", "absent.toml"], "the suite absent.toml cannot be read"),
        (["--suite", "quick", "--scale", "0.5"], "--scale goes with --texture"),
        (["--suite", "FILE", "--methods", "tilr"], "the suite has no method 'tilr'; did you mean 'tiler'?"),
        (["--suite", "FILE", "--out", "FILE"], "the results cannot be written to"),
        (["--suite", "FILE", "--out", "FILE", "--dry-run"], "fakes.toml is not a folder, so results cannot be written"),
        (["--texture", "absent.png"], "absent.png"),
        (["--texture", "text.png"], "text.png"),
        (["--texture", "small.png"], "needs at least 128 px on each side"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_status_2(
    arguments: list[str],
    sentence: str,
    suite_file: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("I am a poem, not a picture.")
    save_picture(tmp_path / "small.png", (40, 40))
    before = sorted(tmp_path.rglob("*"))
    status = cli.main(["run", *(suite_file if argument == "FILE" else argument for argument in arguments)])
    errors = capsys.readouterr().err
    assert status == 2
    assert sentence in errors
    assert errors.startswith("inng-bench: ")
    assert len(errors.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--suite", "quick", "--texture", "my.png"],
        ["run", "--suite", "quick", "--seeds", "0"],
        ["run", "--suite", "quick", "--jobs", "many"],
        ["run", "--texture", "my.png", "--scale", "inf"],
        ["run", "--suite", "quick", "--device", "tpu"],
        ["sample", "folder", "-n", "0"],
        ["sample", "folder", "--seed", "-1"],
        ["fly"],
    ],
)
def test_what_is_no_command_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("inng-bench")
    assert len(said.splitlines()) == 1
    assert "--help` shows what is possible" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["run", "--suite", "smoke", "--dryrun"],
            "inng-bench run: there is no option '--dryrun'; did you mean '--dry-run'?",
        ),
        (["report", "a", "b"], "inng-bench report: the word 'b' is too many; `inng-bench report --help` shows"),
        (["-v"], "inng-bench: there is no option '-v'; choose from --completion, --help, --version."),
        (["--verson"], "inng-bench: there is no option '--verson'; did you mean '--version'?"),
    ],
)
def test_an_unknown_word_is_named_with_the_nearest_right_one(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == ExitStatus.BAD_INPUT
    assert capsys.readouterr().err.startswith(said)


def test_list_names_every_texture_method_metric_and_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    said = capsys.readouterr().out
    sections = ("textures", "sets of pictures", "methods", "metrics", "suites")
    assert [line for line in said.splitlines() if not line.startswith(" ")] == list(sections)
    names = {line.split()[0] for line in said.splitlines() if line.startswith("  ")}
    assert {
        "brick",
        "pebbles",
        "faces",
        "inng",
        "dcgan",
        "patch_fid",
        "copy_rate",
        "quick",
        "rivals",
        "smoke",
    } <= names


def test_sample_passes_its_arguments_on_and_prints_the_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, Any] = {}

    def draw(folder: Path, size: tuple[int, int], count: int, **others: Any) -> list[Path]:
        seen.update(folder=folder, size=size, count=count, **others)
        return [Path("a.png"), Path("b.png")]

    monkeypatch.setattr("inng_bench.harness.sample.draw_from_run", draw)
    assert cli.main(["sample", "some/run", "--size", "512x384", "-n", "2", "--seed", "7", "--out", "there"]) == 0
    assert (seen["folder"], seen["size"], seen["count"]) == (Path("some/run"), (384, 512), 2)
    assert (seen["seed"], seen["out"], seen["precision"]) == (7, Path("there"), "auto")
    assert capsys.readouterr().out.split() == ["a.png", "b.png"]


def test_both_spellings_of_report_are_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, ...]] = []

    def build(results: Path, out: Path | None, *, baseline: str | None) -> Report:
        seen.append((results, out, baseline))
        raise InputError("no.")

    monkeypatch.setattr("inng_bench.report.build_report", build)
    for start in (cli.main, lambda arguments: report_main(arguments[1:])):
        assert start(["report", "some/results", "--out", "there", "--baseline", "dcgan"]) == 2
    assert seen == [(Path("some/results"), Path("there"), "dcgan")] * 2


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), 130), (InputError("no."), 2)])
def test_how_a_command_ends_is_its_status(error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: object) -> int:
        raise error

    monkeypatch.setattr(listing, "run", fail)
    assert cli.main(["list"]) == status


def test_the_help_tells_every_exit_status_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    _, _, epilog = capsys.readouterr().out.partition("exit status: ")
    assert [int(entry.split()[0]) for entry in epilog.split("·")] == sorted(ExitStatus)


def test_the_help_shows_every_command_once_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    page = capsys.readouterr().out
    names = re.findall(r"^  ([a-z]+) +\S", page, re.M)
    assert sorted(names) == sorted(module_names()), "one module a command"
    assert len(page.splitlines()) < 45
    assert max(map(len, page.splitlines())) <= 120


def module_names() -> list[str]:
    shared = {"parser", "options", "outputs"}
    files = Path(cli.__file__).parent.glob("[a-z]*.py")
    return [{"listing": "list"}.get(path.stem, path.stem) for path in files if path.stem not in shared]


def test_without_a_command_it_says_what_to_do_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == ExitStatus.BAD_INPUT
    said = capsys.readouterr().err
    assert said.startswith("usage: inng-bench COMMAND")
    commands = re.findall(r"^  inng-bench (.*?)  ", said, re.M)
    assert len(commands) == 5
    for command in commands[:-1]:
        assert callable(cli.build_parser().parse_args(command.split()).command)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"inng-bench {inng_bench.__version__}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [(["inng-bench", "thr"], "throughput"), (["inng-bench", "run", "--suite", "qui"], "quick")],
)
def test_bash_completes_commands_and_suites(typed: list[str], offered: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--completion", "bash"])
    words = f"COMP_WORDS=({' '.join(typed)}) COMP_CWORD={len(typed) - 1} COMP_TYPE=9"
    script = f'{capsys.readouterr().out}\n{words}; _shtab_inng_bench; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [offered]


def test_help_and_lists_come_without_heavy_libraries() -> None:
    heavy = {"torch", "numpy", "pandas", "pydantic", "scipy", "matplotlib", "shtab"}
    script = f"import sys; from inng_bench import cli; cli.main(['list']); print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "inng_bench", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.close()
        assert listing.stderr.read() == ""
        assert listing.wait() == 0


def test_the_package_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inng_bench", "run", "--help"], capture_output=True, text=True, check=True
    )
    assert "only what is missing" in done.stdout.replace("\n", " ")
