"""Two revisions timed in turn: each side runs its own code, and only real slowness is called so.

The repositories are tiny, and named as the project is, so that the editable install of this environment could answer
for them; their one case counts.
"""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from held_machine import HeldMachine
from scipy import stats
from test_records_provenance import git

from inng_bench import cli
from inng_bench.errors import ExitStatus, InputError
from inng_bench.gate import revisions
from inng_bench.gate.comparison import Comparison, Speed, compare, judge_times
from inng_bench.gate.revisions import Side, Times, check_out, interleave, time_cases
from inng_bench.harness.machine import WAITING, Claim

# The option is that of a plugin that is not installed, as pytest-timeout is for those who do not develop.
PROJECT = """
[tool.pytest.ini_options]
option_of_a_missing_plugin = 300
filterwarnings = ["error"]
[tool.setuptools.package-dir]
"inng_bench.baselines" = "baselines"
"inng_bench.suites" = "benchmarks/suites"
"""

# The clock of the case is the number of steps that its side's code took, a microsecond each: what else the machine does
# while the tests run cannot change a ratio. That real seconds are judged rightly is the matter of `judge_times`.
CASES = """
import pytest

import inng_bench
from inng_bench.baselines import work
from inng_bench.suites import NAME

@pytest.mark.benchmark(timer=work.seconds)
def test_counting(benchmark):
    benchmark.pedantic(work.count, rounds=3, warmup_rounds=1)
"""

WORK = """
taken = 0

def count():
    global taken
    taken += {steps}

def seconds():
    return taken * 1e-6
"""

STEPS = 100_000


def write_tree(repository: Path, steps: int) -> str:
    """Commit a package whose case takes so many steps; return the commit."""
    files = {
        "pyproject.toml": PROJECT,
        "inng_bench/__init__.py": "",
        "baselines/__init__.py": "",
        "baselines/work.py": WORK.format(steps=steps),
        "benchmarks/suites/__init__.py": "NAME = 'toy'\n",
        "benchmarks/test_toy.py": CASES,
    }
    for name, text in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    return commit(repository)


def commit(repository: Path) -> str:
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "a change")
    return git(repository, "rev-parse", "HEAD").strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    write_tree(tmp_path, STEPS)
    return tmp_path


def side(name: str = "main", folder: Path = Path()) -> Side:
    return Side(name, "0123456789abcdef", folder)


def worktrees(repository: Path) -> int:
    return git(repository, "worktree", "list").count("\n")


@pytest.mark.timeout(1200)
def test_a_sampler_slowed_by_half_again_is_found_in_a_real_repository(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "time_cases", once(revisions.time_cases))  # the case counts: all rounds are alike
    git(repository, "tag", "before")
    write_tree(repository, round(1.5 * STEPS))
    found = compare("before", "HEAD", repository=repository)
    assert found.status is ExitStatus.REGRESSION
    assert [case.name for case in found.slower] == ["benchmarks/test_toy.py::test_counting"]
    assert found.slower[0].ratio == pytest.approx(1.5)
    assert found.head.startswith("HEAD (")
    assert worktrees(repository) == 1


@pytest.mark.timeout(600)
def test_each_side_imports_its_own_code_and_leaves_nothing_behind(repository: Path) -> None:
    before = git(repository, "rev-parse", "HEAD").strip()
    work = repository / "baselines" / "work.py"
    work.write_text(work.read_text().replace("global taken", "raise ArithmeticError('the head')"))
    commit(repository)
    with check_out(before, "HEAD", repository) as (base, head):
        assert [one.commit == before for one in (base, head)] == [True, False]
        plugins = copy_plugin(repository)
        assert list(time_cases(base, plugins)) == ["benchmarks/test_toy.py::test_counting"]
        with pytest.raises(InputError, match=r"the speed cases of HEAD .* failed: .*ArithmeticError: the head"):
            time_cases(head, plugins)
    assert worktrees(repository) == 1
    assert not base.folder.exists()


@pytest.mark.timeout(600)
def test_a_side_that_meets_code_of_another_tree_fails(repository: Path) -> None:
    """The editable install of this environment answers for modules that the side does not have."""
    (repository / "benchmarks" / "test_toy.py").write_text("import inng_bench.errors\n" + CASES)
    commit(repository)
    plugins = copy_plugin(repository)
    message = r"failed: .*(No module named|modules of another tree)"
    with check_out("HEAD~1", "HEAD", repository) as (_, head), pytest.raises(InputError, match=message):
        time_cases(head, plugins)


def test_the_plugin_names_what_came_from_elsewhere(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import inng_bench.gate.side as side; "
        "from pathlib import Path; print(*side.foreign_modules(Path(sys.argv[2])))"
    )
    root = Path(__file__).parents[1]

    def strangers(folder: Path) -> list[str]:
        command = [sys.executable, "-c", script, str(root), str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert strangers(root) == []
    assert strangers(tmp_path) == ["inng_bench", "inng_bench.gate", "inng_bench.gate.side"]


def copy_plugin(folder: Path) -> Path:
    plugins = folder / "plugins"
    plugins.mkdir()
    source = Path(revisions.__file__).with_name("side.py")
    (plugins / f"{revisions.PLUGIN}.py").write_bytes(source.read_bytes())
    return plugins


def test_a_tree_whose_parts_are_in_their_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "inng_bench" / "baselines").mkdir(parents=True)
    (tmp_path / "benchmarks" / "suites").mkdir(parents=True)
    revisions.link_parts(tmp_path)
    assert not (tmp_path / "inng_bench" / "baselines").is_symlink()
    assert (tmp_path / "inng_bench" / "suites").resolve() == (tmp_path / "benchmarks" / "suites").resolve()
    revisions.link_parts(tmp_path / "inng_bench")  # without a pyproject.toml


def test_rounds_go_in_turn_and_change_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    rounds: list[tuple[Any, ...]] = []

    def time_one(one: Side, plugins: Path, only: str) -> Times:
        assert (plugins / f"{revisions.PLUGIN}.py").is_file()
        assert only == "sampler"
        order.append(one.name)
        return {"case": float(len(order))}

    monkeypatch.setattr(revisions, "time_cases", time_one)
    times = interleave(side("A"), side("B"), 3, "sampler", lambda number, *sides: rounds.append((number, *sides)))
    assert "".join(order) == "ABBAAB"
    assert times == ([{"case": 1.0}, {"case": 4.0}, {"case": 5.0}], [{"case": 2.0}, {"case": 3.0}, {"case": 6.0}])
    assert rounds == [(number + 1, *both) for number, both in enumerate(zip(*times, strict=True))]


def judged(old: dict[str, list[float]], new: dict[str, list[float]], factor: float = 1.1) -> Comparison:
    def by_round(times: dict[str, list[float]]) -> list[Times]:
        rounds = max((len(values) for values in times.values()), default=7)
        return [{name: values[index] for name, values in times.items()} for index in range(rounds)]

    return judge_times(side("main"), side("HEAD"), by_round(old), by_round(new), factor=factor)


def noisy(centre: float, seed: int, rounds: int = 7) -> list[float]:
    return [centre * float(factor) for factor in np.random.default_rng(seed).lognormal(0, 0.03, rounds)]


@pytest.mark.parametrize(
    ("ratio", "speed"),
    [(1.0, Speed.HOLDS), (1.05, Speed.HOLDS), (1.5, Speed.SLOWER), (1 / 1.5, Speed.FASTER)],
)
def test_a_case_is_slower_where_ranks_and_the_size_of_the_effect_agree(ratio: float, speed: Speed) -> None:
    found = judged({"a": noisy(1.0, 1), "b": noisy(3.0, 2)}, {"a": noisy(ratio, 3), "b": noisy(3.0, 4)})
    assert [case.speed for case in found.cases] == [speed, Speed.HOLDS]
    assert found.status is (ExitStatus.REGRESSION if speed is Speed.SLOWER else ExitStatus.OK)


def test_a_certain_difference_below_the_factor_holds_and_the_factor_can_be_set() -> None:
    old, new = {"a": [1.0 + 1e-4 * step for step in range(7)]}, {"a": [1.05 + 1e-4 * step for step in range(7)]}
    assert judged(old, new).cases[0].speed is Speed.HOLDS
    assert judged(old, new, factor=1.02).cases[0].speed is Speed.SLOWER


def test_the_probability_is_that_of_mann_and_whitney() -> None:
    old, new = noisy(1.0, 5), noisy(1.02, 6)
    expected = stats.mannwhitneyu(new, old, alternative="greater").pvalue
    assert judged({"a": old}, {"a": new}).cases[0].probability == pytest.approx(expected)
    separated = judged({"a": noisy(1.0, 5)}, {"a": noisy(2.0, 6)}).cases[0].probability
    assert separated == pytest.approx(1 / math.comb(14, 7))


def test_unchanged_cases_are_seldom_called_slower() -> None:
    alarms = 0
    for seed in range(300):
        draws = np.random.default_rng(seed).standard_t(3, (2, 5, 7))  # five cases, and a machine with bad moments
        old, new = ({f"case-{index}": list(np.exp(0.2 * row)) for index, row in enumerate(rows)} for rows in draws)
        alarms += judged(old, new).status is ExitStatus.REGRESSION
    assert alarms <= stats.binom.ppf(0.999, 300, 0.01)


def test_a_case_of_one_side_only_is_named_and_nothing_compared_is_no_success() -> None:
    found = judged({"a": noisy(1.0, 1), "old": noisy(1.0, 2)}, {"a": noisy(1.0, 3), "new": noisy(1.0, 4)})
    assert (found.only_base, found.only_head, found.status) == (("old",), ("new",), ExitStatus.BAD_INPUT)
    assert replace(found, allows_removed=True).status is ExitStatus.OK
    grown = judged({"a": noisy(1.0, 1)}, {"a": noisy(1.0, 3), "new": noisy(1.0, 4)})
    assert (grown.only_head, grown.status) == (("new",), ExitStatus.OK)
    assert judged({"old": noisy(1.0, 2)}, {"new": noisy(1.0, 4)}).status is ExitStatus.BAD_INPUT
    assert judged({}, {}).status is ExitStatus.BAD_INPUT


def test_a_case_that_is_skipped_in_one_round_is_not_compared() -> None:
    rounds: list[Times] = [{"a": 1.0, "b": 1.0}] * 6 + [{"a": 1.0}]
    found = judge_times(side(), side(), rounds, [{"a": 1.0, "b": 1.0}] * 7, factor=1.1)
    assert ([case.name for case in found.cases], found.only_head) == (["a"], ("b",))


def test_more_cases_than_so_few_rounds_can_tell_apart_are_refused() -> None:
    def cases(number: int, rounds: int) -> dict[str, list[float]]:
        return {f"case-{index}": noisy(1.0, index, rounds) for index in range(number)}

    assert len(judged(cases(34, 7), cases(34, 7)).cases) == 34
    with pytest.raises(InputError, match="35 cases need at least 8 rounds; add --rounds 8"):
        judged(cases(35, 7), cases(35, 7))
    assert len(judged(cases(35, 8), cases(35, 8)).cases) == 35


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["HEAD~1", "nowhere"], "there is no revision 'nowhere'"),
        (["--", "HEAD~1", "--upload-pack=x"], "there is no revision '--upload-pack=x'"),
        (["HEAD", "HEAD"], "HEAD and HEAD are the same commit"),
        (["HEAD~1", "HEAD", "--rounds", "6"], "6 rounds are too few to decide; give at least 7 with --rounds"),
        (["HEAD~1", "HEAD", "--factor", "0.5"], "--factor must be a finite number of at least 1, such as 1.1, not 0.5"),
        (["HEAD~1", "HEAD", "--factor", "nan"], "--factor must be a finite number of at least 1, such as 1.1, not nan"),
        (["HEAD~1", "HEAD", "--factor", "inf"], "--factor must be a finite number of at least 1, such as 1.1, not inf"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_status_2(
    arguments: list[str],
    sentence: str,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    commit(repository)
    monkeypatch.chdir(repository)
    monkeypatch.setattr("inng_bench.harness.machine.lock_path", lambda: pytest.fail("it waits for the machine"))
    assert cli.main(["compare", *arguments]) == ExitStatus.BAD_INPUT
    errors = capsys.readouterr().err
    assert errors.startswith(f"inng-bench: {sentence}")
    assert len(errors.splitlines()) == 1
    assert worktrees(repository) == 1


def test_outside_a_repository_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not in a git repository"):
        compare("main", "HEAD", repository=tmp_path)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("removed", ["benchmarks", "benchmarks/test_toy.py"])
def test_revisions_without_cases_give_status_2(
    removed: str, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "rm", "--quiet", "-r", removed)
    commit(repository)
    commit(repository)
    monkeypatch.chdir(repository)
    monkeypatch.setattr(revisions, "time_cases", once(revisions.time_cases))
    assert cli.main(["compare", "HEAD~1", "HEAD"]) == ExitStatus.BAD_INPUT
    assert "Cannot judge: there is no case that both revisions have." in capsys.readouterr().out


def once(time_one: Callable[[Side, Path, str], Times]) -> Callable[[Side, Path, str], Times]:
    """Ask the first round only, as all are alike."""
    known: dict[str, Times] = {}

    def remember(one: Side, plugins: Path, only: str) -> Times:
        if one.commit not in known:
            known[one.commit] = time_one(one, plugins, only)
        return known[one.commit]

    return remember


def test_the_command_says_which_side_is_slower_on_terminal_page_and_in_json(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repository)
    monkeypatch.chdir(repository)
    draws = iter(range(100))

    def time_one(one: Side, plugins: Path, only: str) -> Times:
        return {"test_x.py::test_step[a|b]": (1.5 if one.name == "HEAD" else 1.0) + 1e-3 * next(draws)}

    monkeypatch.setattr(revisions, "time_cases", time_one)
    page = repository / "page.md"
    assert cli.main(["compare", "HEAD~1", "HEAD", "--markdown", str(page)]) == ExitStatus.REGRESSION
    said = capsys.readouterr()
    assert said.out.startswith("Regression: HEAD (")
    assert "is slower in test_x.py::test_step[a|b]" in said.out
    assert said.err.splitlines()[-1] == "[7/7] both sides timed"
    assert page.read_text().startswith("## Speed: regression")
    assert "test\\_step\\[a\\|b\\]" in page.read_text()
    assert cli.main(["compare", "HEAD~1", "HEAD", "--json"]) == ExitStatus.REGRESSION
    found = json.loads(capsys.readouterr().out)
    assert (found["exit_status"], found["cases"][0]["speed"], found["rounds"]) == (1, "slower", 7)
    (repository / "baselines" / "work.py").write_text("")
    assert cli.main(["compare", "HEAD~1", "HEAD", "--markdown", str(tmp_path)]) == ExitStatus.BAD_INPUT
    said = capsys.readouterr()
    assert said.out.startswith("Regression: HEAD (")  # what took minutes is not lost with the page
    assert said.err.startswith("inng-bench: uncommitted changes are not compared.")
    assert "name another file with --markdown" in said.err


def test_a_case_that_is_gone_cannot_be_judged_unless_that_is_allowed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repository)
    monkeypatch.chdir(repository)
    draws = iter(range(100))

    def time_one(one: Side, plugins: Path, only: str) -> Times:
        return {"a": 1.0 + 1e-3 * next(draws), **({} if one.name == "HEAD" else {"b": 1.0})}

    monkeypatch.setattr(revisions, "time_cases", time_one)
    assert cli.main(["compare", "HEAD~1", "HEAD"]) == ExitStatus.BAD_INPUT
    assert "cases are gone that the base has; add --allow-removed if that is intended" in capsys.readouterr().out
    assert cli.main(["compare", "HEAD~1", "HEAD", "--allow-removed"]) == ExitStatus.OK


def test_a_comparison_waits_for_a_suite_to_end(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository)
    monkeypatch.chdir(repository)
    draws = iter(range(100))
    monkeypatch.setattr(revisions, "time_cases", lambda *_: {"a": 1.0 + 1e-3 * next(draws)})
    with HeldMachine(Claim.SHARED) as held:
        monkeypatch.setattr(sys, "stderr", held)
        assert cli.main(["compare", "HEAD~1", "HEAD"]) == ExitStatus.OK
    assert held.waits == [WAITING[Claim.ALONE]]


def test_ones_own_options_of_pytest_do_not_reach_the_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--benchmark-disable")
    environment = revisions.side_environment(side(folder=Path("/somewhere")), Path("/plugins"))
    assert "PYTEST_ADDOPTS" not in environment
    assert environment["PYTHONPATH"].split(os.pathsep) == ["/somewhere", "/plugins"]
