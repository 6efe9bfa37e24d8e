"""Numbers of the command line: the right ones are read, all others refused by name."""

import argparse
from collections.abc import Callable

import pytest

from inng_bench.cli.options import positive_number, stage_number, whole_number


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (whole_number(1), "1", 1),
        (whole_number(2, 7), "7", 7),
        (whole_number(0), str(2**63 - 1), 2**63 - 1),
        (positive_number, "0.5", 0.5),
        (stage_number, "-1", -1),
    ],
)
def test_a_right_number_is_read(read: Callable[[str], float], text: str, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((whole_number(1, 7), text) for text in ("0", "8", "-1", "1.5", "abc", "")),
        (whole_number(0), str(2**63)),
        *((positive_number, text) for text in ("0", "-1", "nan", "inf", "abc", "")),
        *((stage_number, text) for text in ("0", "x")),
    ],
)
def test_anything_else_is_refused_by_its_name(read: Callable[[str], float], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"^'{text}' is n"):
        read(text)
