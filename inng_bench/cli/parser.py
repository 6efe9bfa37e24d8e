"""The parser of all commands, and the page that ``inng-bench --help`` prints."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from inng_bench.cli import (
    bless,
    check,
    compare,
    density,
    judge,
    ladder,
    listing,
    measure,
    metrics,
    report,
    results,
    run,
    sample,
    textures,
    throughput,
    view,
)
from inng_bench.cli.options import Parser

GROUPS = {
    "Train, measure and draw": (run, sample, density),
    "Read the results": (report, view, results, judge),
    "Check whether a change made things worse": (check, bless, compare),
    "Lists, and tests of the metrics and the machine": (listing, textures, metrics, measure, ladder, throughput),
}
"""The order in which the help shows the commands."""

FIRST_STEPS = """\
usage: inng-bench COMMAND ...

inng-bench trains texture models under equal budgets and measures what they draw. First steps:

  inng-bench run --suite smoke        a few minutes: shows that everything works
  inng-bench report                   tables and pictures of the newest results
  inng-bench run --texture my.png     the same methods on your own picture
  inng-bench list                     all textures, methods, metrics and suites
  inng-bench --help                   all commands"""

STATUS = """\
exit status: 0 success · 1 check or compare found a regression · 2 the command or an input is wrong, or
something cannot be judged · 3 some runs failed · 130 interrupted"""


OPTIONS = {
    "--help": "this page; inng-bench COMMAND --help explains one command",
    "--version": "the version of inng-bench",
    "--completion": 'a script for bash, zsh or fish: eval "$(inng-bench --completion bash)"',
}

WIDTH = 13
"""Of the column of names."""


class _FrontPage(Parser):
    """The top parser, whose help shows the commands in groups."""

    def format_help(self) -> str:
        """Return the page of all commands."""
        lines = ["usage: inng-bench COMMAND [OPTIONS]", "", str(self.description)]
        about = {choice.dest: choice.help for choice in _subcommands(self)._choices_actions}
        names = iter(about)
        for title, modules in GROUPS.items():
            lines += ["", title]
            lines += [f"  {name:{WIDTH}} {about[name]}" for name in islice(names, len(modules))]
        options = [f"  {name:{WIDTH}} {text}" for name, text in OPTIONS.items()]
        return "\n".join([*lines, "", "Options", *options, "", STATUS, ""])


class _Version(argparse.Action):
    """Print the version; reading it takes a tenth of a second that no other command should pay."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import inng_bench

        print(f"inng-bench {inng_bench.__version__}")
        parser.exit()


class _Completion(argparse.Action):
    """Print a script that completes commands, options, suites and files."""

    def __call__(self, parser: argparse.ArgumentParser, _: Any, shell: str | Sequence[Any] | None, *__: Any) -> None:
        import shtab

        from inng_bench.harness.bundled import suite_names

        for command in _subcommands(parser).choices.values():
            for action in command._actions:
                if action.type is Path:
                    action.complete = shtab.FILE  # type: ignore[attr-defined]
                elif action.dest == "suite":
                    action.choices = suite_names()
        print(shtab.complete(parser, str(shell)))
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands.

    Returns
    -------
    argparse.ArgumentParser
        Its result has ``command``, the function that runs the command, or None without one.
    """
    parser = _FrontPage(
        prog="inng-bench",
        description="A reproducible benchmark of texture synthesis with Introspective Neural Networks (INNg).",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version of inng-bench")
    parser.add_argument(
        "--completion", action=_Completion, choices=("bash", "zsh", "fish"), help="print shell completion"
    )
    parser.set_defaults(command=None, parser=parser)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)
    for modules in GROUPS.values():
        for module in modules:
            module.add(commands)
    return parser


def _subcommands(parser: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    (found,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return found
