"""What the commands take as numbers; each refuses anything else in one sentence that names it."""

import argparse
import math
from collections.abc import Callable


def whole_number(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """Return what reads a whole number from ``least`` up to ``most``."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up to {most}")
        return value

    return read


def positive_number(text: str) -> float:
    """Read a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def stage_number(text: str) -> int:
    """Read the number of a stage, from either end of the cascade."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no stage; they are counted from 1, or from -1 at the last")
    return value
