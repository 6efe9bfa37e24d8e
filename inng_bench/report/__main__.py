"""``python -m inng_bench.report``: the same as ``inng-bench report``."""

import sys
from collections.abc import Sequence

from inng_bench import cli


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the report and return the exit status."""
    return cli.main(["report", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    sys.exit(main())
