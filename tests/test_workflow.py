"""The workflow runs what a person can run, pinned and without rights to write."""

import re
import shlex
from pathlib import Path

import pytest

from inng_bench.cli import build_parser

ROOT = Path(__file__).parents[1]
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()


def test_every_action_is_pinned_by_a_whole_commit_hash() -> None:
    actions = re.findall(r"uses:\s*(\S+)", WORKFLOW)
    assert actions
    assert not [action for action in actions if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)]


def test_the_token_can_only_read_and_is_not_left_behind() -> None:
    assert re.findall(r"permissions:\n((?:  +\S.*\n)+)", WORKFLOW) == ["  contents: read\n"]
    assert WORKFLOW.count("persist-credentials: false") == WORKFLOW.count("actions/checkout@")


def test_nothing_that_a_stranger_writes_stands_in_a_script() -> None:
    scripts = re.findall(r"run: (.*)", WORKFLOW)
    assert not [script for script in scripts if "${{" in script]


def test_the_workflow_runs_the_tests_and_both_gates() -> None:
    assert re.findall(r"run: (?:python -m inng_bench (\w+)|(\.ci/run))", WORKFLOW) == [
        ("", ".ci/run"), ("run", ""), ("check", ""), ("compare", "")
    ]  # fmt: skip


@pytest.mark.parametrize("command", re.findall(r"run: python -m inng_bench (.*)", WORKFLOW))
def test_every_command_of_the_workflow_is_one(command: str) -> None:
    arguments = build_parser().parse_args(shlex.split(command))
    assert callable(arguments.command)
