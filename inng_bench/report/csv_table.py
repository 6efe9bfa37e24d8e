"""Lines in full precision as CSV."""

import csv
import io
import math
from collections.abc import Mapping, Sequence


def csv_text(lines: Sequence[Mapping[str, object]], headings: Sequence[str] = ()) -> str:
    """Return lines of the same headings; what is missing, or no number, is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(lines[0] if lines else headings)
    writer.writerows([_plain(value) for value in line.values()] for line in lines)
    return stream.getvalue()


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
