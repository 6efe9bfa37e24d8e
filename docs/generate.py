"""Pages of the site that are made when it is built: commands, results, changes. They lie in ``docs/_generated``."""

import argparse
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
OUT = DOCS / "_generated"

COMMANDS = """\
# Commands

`inng-bench` and `python -m inng_bench` are the same. This page is what the commands print with `--help`.

"""

RESULTS = """\
# Suite {name}

Made by `{command}` at commit {commit}. Every figure below is computed from the records in
`results/reference/{name}` while this site is built.

```{{image}} sheets/overview.png
:alt: source and samples of every method
:width: 34rem
```

{table}

## Pictures

{pictures}
"""


def write_all() -> None:
    """Write all generated pages anew."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    (OUT / "commands.md").write_text(commands_page())
    for reference in sorted((ROOT / "results" / "reference").iterdir()):
        write_results(reference)


def commands_page() -> str:
    """Return a section for each command, with its help."""
    os.environ["COLUMNS"] = "88"  # argparse asks for the width of the terminal
    from inng_bench.cli import build_parser

    parser = build_parser()
    sections = [f"## {command.prog}\n\n```text\n{command.format_help()}```\n" for command in _commands(parser)]
    return COMMANDS + f"```text\n{parser.format_help()}```\n\n" + "\n".join(sections)


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield command
                yield from _commands(command)


def write_results(reference: Path) -> None:
    """Write the tables of committed records, with the pictures that are committed beside them."""
    from inng_bench.report import build_report

    out = OUT / "results" / reference.name
    build_report(reference, out)
    shutil.copytree(reference / "sheets", out / "sheets", dirs_exist_ok=True)
    table = (out / "table.md").read_text()
    (out / "table.md").unlink()
    pictures = [path for path in sorted((out / "sheets").glob("*.*g")) if path.stem != "overview"]
    page = RESULTS.format(
        name=reference.name,
        command=json.loads((reference / "suite.json").read_text())["command"],
        commit=json.loads((reference / "blessing.json").read_text())["commit"][:12],
        table=table.partition("\n")[2].strip(),
        pictures="\n\n".join(f"![{path.stem}](sheets/{path.name})" for path in pictures),
    )
    (out / "index.md").write_text(page)
