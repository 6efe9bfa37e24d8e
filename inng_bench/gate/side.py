"""A pytest plugin of one side of a comparison: the speed cases have met that side's code and no other.

It is copied out of the package and loaded by its file's name, since the package itself is what it watches over. The
folder that all modules must come from stands in the environment variable ``INNG_BENCH_SIDE``.
"""

import os
import sys
from pathlib import Path
from typing import Any

WATCHED = ("inng_bench", "baselines", "benchmarks")


def pytest_sessionfinish(session: Any) -> None:
    """End with an error when a module came from elsewhere, such as an editable install of another tree."""
    strangers = foreign_modules(Path(os.environ["INNG_BENCH_SIDE"]))
    if strangers:
        print(f"modules of another tree: {', '.join(strangers)}", file=sys.stderr)
        session.exitstatus = 3


def foreign_modules(root: Path) -> list[str]:
    """Return the loaded modules of the project that do not lie below a folder."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return sorted(
        name
        for name, file in files.items()
        if name.partition(".")[0] in WATCHED and file and not Path(file).resolve().is_relative_to(root.resolve())
    )
