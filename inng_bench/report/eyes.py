"""Whether the eyes agree: which method each family of metrics puts first, texture by texture."""

from collections import Counter
from collections.abc import Sequence

from inng_bench.metrics.catalogue import HEADLINES, Eye, MetricInfo
from inng_bench.report.rows import NOISE, REAL, Row, by_texture, claimed, mean_place
from inng_bench.report.table import short_label


def metrics_by_eye() -> dict[Eye, tuple[MetricInfo, ...]]:
    """Return the headline metrics of each eye that has some."""
    found = {eye: tuple(metric for metric in HEADLINES if metric.eye is eye) for eye in Eye}
    return {eye: metrics for eye, metrics in found.items() if metrics}


def leading_metrics() -> tuple[MetricInfo, ...]:
    """Return the first metric of each eye."""
    return tuple(metrics[0] for metrics in metrics_by_eye().values())


def eyes_note() -> str:
    """Return which metrics belong to which eye, and what being first means."""
    eyes = metrics_by_eye().items()
    families = "; ".join(f"{eye} ({' / '.join(short_label(metric) for metric in metrics)})" for eye, metrics in eyes)
    return (
        f"Headline metrics that see through the same features are one eye: {families}. Each eye ranks the methods of a "
        "texture by the mean over its metrics of (value - floor) / (ceiling - floor): the floor is the row real, the "
        "ceiling the row noise. Ranked are rows without training and those trained with the most frequent budget."
    )


def firsts(rows: Sequence[Row]) -> dict[Eye, dict[str, str]]:
    """Return the label of the first method by eye and texture, among rows of one budget; copies take no part."""
    found: dict[Eye, dict[str, str]] = {}
    budgets = Counter(row.budget_flops for row in claimed(rows) if row.is_trained)
    allowed = {budget for budget, _ in budgets.most_common(1)}
    for eye, metrics in metrics_by_eye().items():
        for texture, group in by_texture(claimed(rows)).items():
            rivals = [
                row
                for row in group
                if row.implementation not in (REAL, NOISE)
                and not row.copies
                and (row.budget_flops in allowed or not row.is_trained)
            ]
            places = {row.method: place for row in rivals if (place := mean_place(row, group, metrics)) is not None}
            if len(places) > 1:
                found.setdefault(eye, {})[texture] = min(places, key=lambda method: places[method])
    return found


def eyes_sentence(rows: Sequence[Row]) -> str:
    """Say which method each eye puts first most often, and whether the eyes agree; empty with less than two eyes."""
    found = firsts(rows)
    textures = set[str].intersection(*map(set, found.values())) if len(found) > 1 else set()
    if not textures:
        return ""
    counts = {eye: Counter(by[texture] for texture in textures) for eye, by in found.items()}
    most = {eye: _most_often(count) for eye, count in counts.items()}
    told = ", ".join(f"{' and '.join(methods)} on {number} ({eye})" for eye, (methods, number) in most.items())
    same = sum(len({by[texture] for by in found.values()}) == 1 for texture in textures)
    agree = len({methods for methods, _ in most.values()}) == 1
    verdict = f"The eyes {'agree' if agree else 'disagree'} over {len(textures)} {_textures(rows, len(textures))}"
    return f"{verdict}: first most often are {told}; on {same or 'none'} all name the same method."


def _textures(rows: Sequence[Row], count: int) -> str:
    roles = {row.texture.role for row in claimed(rows)} - {"none"}
    return " ".join([*sorted(roles), "textures" if count > 1 else "texture"])


def _most_often(count: Counter[str]) -> tuple[tuple[str, ...], int]:
    most = max(count.values())
    return tuple(sorted(method for method, times in count.items() if times == most)), most
