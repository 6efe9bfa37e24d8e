"""What the documentation says of the code."""

import re
from pathlib import Path

from inng_bench.inng.presets import PRESETS, CascadeConfig

DOCS = Path(__file__).parents[1] / "docs"


def test_the_fidelity_table_says_what_the_presets_do() -> None:
    text = (DOCS / "fidelity.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|[^|]*\| (\S+) \| (\S+) \| (\S+) \|$", text, re.M)
    assert len(rows) == len(re.findall(r"^\| `", text, re.M)) > 20
    for field, *documented in rows:
        assert field in CascadeConfig.model_fields
        assert documented == [str(getattr(PRESETS[preset], field)) for preset in ("paper", "authors", "fast")], field


def test_every_promise_names_tests_that_are_there() -> None:
    text = (DOCS / "reliability.md").read_text()
    rows = re.findall(r"^\| ([A-Z][^|]+) \| (`test_[^|]+) \|$", text, re.M)
    assert len(rows) > 12
    for promise, tests in rows:
        for name in re.findall(r"`(test_\w+\.py)`", tests):
            assert (Path(__file__).parent / name).exists(), promise
