"""Whether the eyes agree: which method each family of metrics puts first, texture by texture."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from inng_bench.metrics.catalogue import BY_NAME, MetricInfo
from inng_bench.report.rows import NOISE, REAL, Row, by_texture, claimed, mean_place


class Eye(StrEnum):
    """What a family of metrics sees through."""

    LITE = "EfficientNet-Lite0"
    FAR = "EfficientNet-Lite0 from afar"
    UNTRAINED = "filters without training"


_METRICS: dict[Eye, tuple[str, ...]] = {
    Eye.LITE: ("gram", "patch_fid", "patch_kid"),
    Eye.FAR: ("gram_far",),
    Eye.UNTRAINED: ("gram_random",),
}


def metrics_by_eye() -> dict[Eye, tuple[MetricInfo, ...]]:
    """Return the metrics of each eye."""
    return {eye: tuple(BY_NAME[name] for name in names) for eye, names in _METRICS.items()}


def leading_metrics() -> tuple[MetricInfo, ...]:
    """Return the first metric of each eye."""
    return tuple(metrics[0] for metrics in metrics_by_eye().values())


def eyes_note() -> str:
    """Return which metrics belong to which eye, and what being first means."""
    families = "; ".join(
        f"{eye} ({', '.join(metric.label.partition(' (')[0] for metric in metrics)})"
        for eye, metrics in metrics_by_eye().items()
    )
    return (
        f"The metrics see through different eyes: {families}. An eye puts that method first whose figures are nearest "
        "to the row real: mean over its metrics of (value - floor) / (ceiling - floor), where the floor is the row real "
        "and the ceiling the row noise."
    )


def firsts(rows: Sequence[Row]) -> dict[Eye, dict[str, str]]:
    """Return the label of the first method by eye and texture; what copies takes no part."""
    found: dict[Eye, dict[str, str]] = {}
    for eye, metrics in metrics_by_eye().items():
        for texture, group in by_texture(claimed(rows)).items():
            rivals = [row for row in group if row.implementation not in (REAL, NOISE) and not row.copies]
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
    told = ", ".join(
        f"by {eye} {' and '.join(methods)} {'are' if len(methods) > 1 else 'is'} first on {number}"
        for eye, (methods, number) in most.items()
    )
    same = sum(len({by[texture] for by in found.values()}) == 1 for texture in textures)
    agree = len({methods for methods, _ in most.values()}) == 1
    return (
        f"The eyes {'agree' if agree else 'disagree'} over {len(textures)} {_role(rows)}: {told}; all put the same "
        f"method first on {same}."
    )


def _role(rows: Sequence[Row]) -> str:
    roles = {row.texture.role for row in claimed(rows)} - {"none"}
    return f"{' and '.join(sorted(roles))} textures".lstrip()


def _most_often(count: Counter[str]) -> tuple[tuple[str, ...], int]:
    most = max(count.values())
    return tuple(sorted(method for method, times in count.items() if times == most)), most
