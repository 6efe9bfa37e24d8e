"""Pages of the site that are made when it is built: commands, results, changes. They lie in ``docs/_generated``."""

import argparse
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import geometric_mean, mean

from inng_bench.report.costs import whole_costs
from inng_bench.report.eyes import leading_metrics
from inng_bench.report.rows import Row
from inng_bench.report.table import floor_ratios

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


RIVALS = "rivals"
"""The suite whose reference says what each rival did."""

PICTURES = """\
```{{image}} /_generated/results/{suite}/sheets/costs.svg
:alt: distance over the whole cost, methods that copy in rings
:width: 40rem
```

```{{image}} /_generated/results/{suite}/sheets/textures/{texture}.png
:alt: source and samples of {texture} by every method
:width: 100%
```

[All tables and pictures of the suite](/_generated/results/{suite}/index.md).
"""

UNKNOWN = "The committed records of the suite `{suite}` have no figures of it.\n"


def write_all() -> None:
    """Write all generated pages anew."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    (OUT / "commands.md").write_text(commands_page())
    for reference in sorted((ROOT / "results" / "reference").iterdir()):
        write_results(reference)
    write_rivals(ROOT / "results" / "reference" / RIVALS, OUT / "rivals")


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


def write_rivals(reference: Path, out: Path) -> None:
    """Write what the page of rivals includes: the pictures, and of each method its best and its worst texture."""
    from inng_bench.harness.suite import load_suite
    from inng_bench.report.rows import by_texture, claimed
    from inng_bench.report.study import read_study

    out.mkdir(parents=True)
    unknown = UNKNOWN.format(suite=reference.name)
    rows = read_study(reference).rows if reference.is_dir() else ()
    labels = [entry.label for entry in load_suite(RIVALS).methods if entry.budget_factor == 1]
    texts = {label: best_and_worst(rows, label) or unknown for label in labels}
    table = reference / "table.md"
    for name, title in (("floors", "Times the floor"), ("budgets", "Other budgets")):
        texts[name] = (_section(table.read_text(), title) if table.is_file() else "") or unknown
    first = next(iter(by_texture(claimed(rows))), None)
    texts["pictures"] = PICTURES.format(suite=reference.name, texture=first) if first else unknown
    for name, text in texts.items():
        (out / f"{name}.md").write_text(text)


def _section(report: str, title: str) -> str:
    """Return a section of a report without its heading, empty where there is none."""
    text = report.partition(f"\n## {title}\n")[2].partition("\n## ")[0].strip()
    return f"{text}\n" if text else ""


def best_and_worst(rows: Sequence[Row], label: str) -> str:
    """Say on which texture a row was best and worst, and what it cost there; empty without figures."""
    distances = times_the_floor(rows, label)
    if not distances:
        return ""
    best, worst = min(distances, key=distances.__getitem__), max(distances, key=distances.__getitem__)
    found = {row.texture.name: row for row in rows if row.method == label}
    row, costs = found[best], [whole_costs(found[texture]) for texture in distances]
    train, draw = (mean(one[f"seconds_{phase}"] or 0.0 for one in costs) for phase in ("train", "draw"))
    copies = [texture for texture in distances if found[texture].copies]
    return (
        f"**Best on `{best}`** ({distances[best]:.1f} times the floor), **worst on `{worst}`** "
        f"({distances[worst]:.1f} times): geometric means over the first metric of each eye that it does not optimise, "
        f"{len(distances)} textures, {len(row.records)} seed{'s' * (len(row.records) > 1)}. Training took "
        f"{train:.0f} s, a picture of 256² {draw:.1f} s, on {row.records[0].provenance.cpu} while other runs used the "
        f"machine.{' It **copies**: ' + ', '.join(copies) + '.' if copies else ''}\n"
    )


def times_the_floor(rows: Sequence[Row], label: str) -> dict[str, float]:
    """Return the distance of a row in times that of the row real by texture, over the metrics that it may win by."""
    ours = [row for row in rows if row.method == label]
    fair = [one.name for one in leading_metrics(rows) if not any(row.optimises(one.name) for row in ours)]
    ratios = [found for name in fair if (found := floor_ratios(rows, label, name))]
    textures = set.intersection(*map(set, ratios)) if ratios else set()
    return {texture: geometric_mean(one[texture] for one in ratios) for texture in sorted(textures)}
