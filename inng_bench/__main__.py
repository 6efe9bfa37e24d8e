"""``python -m inng_bench``."""

import sys

from inng_bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
