"""The output of ``check`` and ``compare``: text, JSON, and a Markdown summary for CI."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from inng_bench.errors import InputError


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options of the output."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="also write a summary for the page of a CI job")


def show(arguments: argparse.Namespace, text: str, markdown: str, values: dict[str, Any]) -> None:
    """Print text or JSON, then write the summary; if that fails, the result has already been printed."""
    print(json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) if arguments.json else text)
    write_markdown(arguments, markdown)


def write_markdown(arguments: argparse.Namespace, markdown: str) -> None:
    """Write the page, if one is asked for."""
    if arguments.markdown is not None:
        try:
            arguments.markdown.write_text(markdown, encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"cannot write {arguments.markdown} ({error.strerror}); name another file with --markdown."
            ) from error
