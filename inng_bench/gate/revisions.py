"""Two revisions side by side: worktrees of both in one environment, their speed cases in turn, A B A B.

Each side's folder comes first on its import path, with the parts of the package that lie elsewhere in the tree linked
to where an installed package has them; without that an editable install of another tree would answer for them.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from inng_bench.errors import InputError

CASES = "benchmarks"
"""Folder of the speed cases within a revision."""

PLUGIN = "inng_bench_side"
"""Name under which a side's process loads its copy of :mod:`inng_bench.gate.side`."""

_NO_TESTS = 5
"""Exit status of pytest when it has found nothing to run."""

_LAST_LINES = 5

Times = dict[str, float]
"""Seconds by case, the least of its repetitions: what else runs on the machine only ever adds."""

OnRound = Callable[[int, Times, Times], None]


@dataclass(frozen=True)
class Side:
    """One revision, checked out.

    Attributes
    ----------
    name : str
        As the user calls it.
    commit : str
        The full hash.
    folder : Path
        Its worktree.
    """

    name: str
    commit: str
    folder: Path

    @property
    def title(self) -> str:
        """Name and commit."""
        return f"{self.name} ({self.commit[:12]})"


@contextmanager
def check_out(base: str, head: str, repository: Path) -> Iterator[tuple[Side, Side]]:
    """Check two revisions out into a temporary folder, which is gone afterwards.

    Raises
    ------
    InputError
        When the folder is in no git repository, a revision does not exist, or both are the same commit.
    """
    top = Path(
        _git(
            repository,
            "rev-parse",
            "--show-toplevel",
            wrong=f"{repository.resolve()} is not in a git repository; run this inside one.",
        )
    )
    commits = [_commit(top, name) for name in (base, head)]
    if commits[0] == commits[1]:
        raise InputError(f"{base} and {head} are the same commit {commits[0][:12]}; name two revisions.")
    with tempfile.TemporaryDirectory(prefix="inng-bench-compare-") as folder:
        sides = tuple(
            Side(name, commit, Path(folder).resolve() / place)
            for name, commit, place in zip((base, head), commits, ("base", "head"), strict=True)
        )
        try:
            for side in sides:
                _git(top, "worktree", "add", "--quiet", "--detach", str(side.folder), side.commit)
                link_parts(side.folder)
            yield sides[0], sides[1]
        finally:
            for side in sides:
                with suppress(InputError):  # it was not made, and there is an error on its way already
                    _git(top, "worktree", "remove", "--force", str(side.folder))


def has_changes(repository: Path) -> bool:
    """Say whether a folder of a git repository has uncommitted changes to files that git knows."""
    try:
        return bool(_git(repository, "status", "--porcelain", "--untracked-files=no"))
    except InputError:
        return False  # what is wrong is said where the revisions are looked up


def _commit(top: Path, name: str) -> str:
    wrong = f"there is no revision {name!r}; name a branch, a tag or a commit."
    return _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", wrong=wrong)


def _git(folder: Path, *arguments: str, wrong: str = "") -> str:
    """Return the output of a git command.

    Variables such as GIT_DIR, which hooks set, would point git to another tree.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    except OSError as error:
        raise InputError(f"git cannot be run in {folder} ({error.strerror}); install git, or name a folder.") from error
    if done.returncode:
        raise InputError(wrong or f"git {arguments[0]} failed: {' '.join(done.stderr.split())}")
    return done.stdout.strip()


def link_parts(tree: Path) -> None:
    """Link the packages that lie elsewhere in a tree to where the tree's own ``pyproject.toml`` says they belong."""
    project = tree / "pyproject.toml"
    if not project.is_file():
        return
    tools = tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {})
    for package, place in tools.get("setuptools", {}).get("package-dir", {}).items():
        link = tree.joinpath(*package.split("."))
        if package and not link.exists():
            link.symlink_to(tree / place, target_is_directory=True)


def side_environment(side: Side, plugins: Path) -> dict[str, str]:
    """Return the environment of a side's process: this one's, and an import path that begins with its tree.

    Nothing of a pytest that this may run in is inherited: its options, or that it has workers, which time nothing.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join([str(side.folder), str(plugins)]),
        "INNG_BENCH_SIDE": str(side.folder),
    }


def time_cases(side: Side, plugins: Path, only: str = "") -> Times:
    """Run all speed cases of a side once, in a process of their own.

    Parameters
    ----------
    side : Side
        The revision.
    plugins : Path
        Folder with a copy of :mod:`inng_bench.gate.side`.
    only : str
        An expression of ``pytest -k``; empty for all.

    Raises
    ------
    InputError
        When a case fails, or has met code of another tree.
    """
    if not (side.folder / CASES).is_dir():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "times.json"
        command = [
            sys.executable,
            "-m",
            "pytest",
            CASES,
            "-q",
            f"--rootdir={side.folder}",
            "-p",
            PLUGIN,
            "-p",
            "no:cacheprovider",
        ]
        # The revision's own options of pytest may ask for plugins that only its developers have.
        command += ["--override-ini=addopts=", "--override-ini=filterwarnings="]
        command += ["--benchmark-only", f"--benchmark-json={report}"]
        command += ["-k", only] if only else []
        environment = side_environment(side, plugins)
        done = subprocess.run(command, cwd=side.folder, env=environment, capture_output=True, text=True)
        if done.returncode == _NO_TESTS:
            return {}
        if done.returncode:
            lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
            raise InputError(f"the speed cases of {side.title} failed: {' | '.join(lines[-_LAST_LINES:])}")
        return _read_times(report)


def _read_times(report: Path) -> Times:
    text = report.read_text(encoding="utf-8")
    cases = json.loads(text)["benchmarks"] if text else []  # pytest-benchmark leaves an empty file for no case
    return {re.sub(r"\s+", " ", case["fullname"]): float(case["stats"]["min"]) for case in cases}


def interleave(
    base: Side, head: Side, rounds: int, only: str = "", on_round: OnRound = lambda _number, _base, _head: None
) -> tuple[list[Times], list[Times]]:
    """Time both sides in turn, so that a machine that slows down slows both; the order turns with every round.

    ``on_round`` hears of each round's number and times.
    """
    times: dict[Side, list[Times]] = {base: [], head: []}
    with tempfile.TemporaryDirectory() as folder:
        plugins = Path(folder)
        (plugins / f"{PLUGIN}.py").write_bytes(Path(__file__).with_name("side.py").read_bytes())
        for number in range(rounds):
            for side in (base, head) if number % 2 == 0 else (head, base):
                times[side].append(time_cases(side, plugins, only))
            on_round(number + 1, times[base][-1], times[head][-1])
    return times[base], times[head]
