"""Whether the eyes agree: which method each group of metrics ranks first on each texture."""

from collections import Counter
from collections.abc import Mapping, Sequence

from inng_bench.metrics.catalogue import Eye, MetricInfo
from inng_bench.report.rows import NOISE, REAL, Row, by_texture, claimed, comparable, headlines, mean_place
from inng_bench.report.table import short_label


def metrics_by_eye(rows: Sequence[Row] = ()) -> dict[Eye, tuple[MetricInfo, ...]]:
    """Return the headline metrics of each eye that has some, of textures or of the sets that rows are of."""
    found = {eye: tuple(metric for metric in headlines(rows) if metric.eye is eye) for eye in Eye}
    return {eye: metrics for eye, metrics in found.items() if metrics}


def leading_metrics(rows: Sequence[Row] = ()) -> tuple[MetricInfo, ...]:
    """Return the first metric of each eye."""
    return tuple(metrics[0] for metrics in metrics_by_eye(rows).values())


def eyes_note() -> str:
    """Return which metrics belong to which eye, and what being first means."""
    eyes = metrics_by_eye().items()
    families = "; ".join(f"{eye} ({' / '.join(short_label(metric) for metric in metrics)})" for eye, metrics in eyes)
    return (
        f"Headline metrics that use the same features form a group, called an eye: {families}. Each eye ranks the "
        "methods of a texture by the mean of (value - floor) / (ceiling - floor) over its metrics. The floor is the "
        "row real, the ceiling the row noise. The ranking includes the reference rows and the methods of the most "
        "frequent budget; only methods that all eyes rank can be first."
    )


def rankings(rows: Sequence[Row]) -> dict[Eye, dict[str, dict[str, float]]]:
    """Return the mean place of each method by eye and texture, of rows of one budget; copies take no part."""
    budgets = Counter(row.budget_flops for row in claimed(rows) if row.is_method)
    allowed = {budget for budget, _ in budgets.most_common(1)}
    rivals = {
        texture: [
            row
            for row in group
            if row.implementation not in (REAL, NOISE) and (row.budget_flops in allowed or not row.is_method)
        ]
        for texture, group in by_texture(comparable(rows)).items()
    }
    return {
        eye: {
            texture: {
                row.method: place
                for row in rivals.get(texture, ())
                if (place := mean_place(row, group, metrics)) is not None
            }
            for texture, group in by_texture(claimed(rows)).items()
        }
        for eye, metrics in metrics_by_eye(rows).items()
    }


def eyes_sentence(rows: Sequence[Row]) -> str:
    """Say which method each eye puts first most often, and whether the eyes agree; empty where nothing is ranked.

    Only methods that all eyes rank are counted; those that one does not are named first.
    """
    ranked = rankings(rows)
    seen = {
        texture: set.intersection(*(set(by[texture]) for by in ranked.values()))
        for texture in by_texture(claimed(rows))
    }
    textures = [texture for texture, methods in seen.items() if len(methods) > 1]
    if not textures:
        return _unseen(ranked)
    firsts = {
        eye: [
            min((method for method in by[texture] if method in seen[texture]), key=by[texture].__getitem__)
            for texture in textures
        ]
        for eye, by in ranked.items()
    }
    most = {eye: _most_often(Counter(methods)) for eye, methods in firsts.items()}
    told = ", ".join(f"{' and '.join(methods)} on {number} ({eye})" for eye, (methods, number) in most.items())
    same = sum(len(set(named)) == 1 for named in zip(*firsts.values(), strict=True))
    agree = len({methods for methods, _ in most.values()}) == 1
    verdict = f"The eyes {'agree' if agree else 'disagree'} over {len(textures)} {_textures(rows, len(textures))}"
    counted = f"{verdict}. Most often first: {told}. All eyes put the same method first on {same or 'none'}."
    return f"{_unseen(ranked)} {counted}".lstrip()


def _unseen(ranked: Mapping[Eye, Mapping[str, Mapping[str, float]]]) -> str:
    """Say which methods an eye does not rank: their samples are too small for it, or they optimise what it measures."""
    seen = {eye: dict.fromkeys(method for places in by.values() for method in places) for eye, by in ranked.items()}
    everyone = dict.fromkeys(method for methods in seen.values() for method in methods)
    lacking = {eye: [method for method in everyone if method not in methods] for eye, methods in seen.items()}
    return " ".join(
        f"Not ranked by {eye}, and therefore not counted: {', '.join(methods)}."
        for eye, methods in lacking.items()
        if methods
    )


def _textures(rows: Sequence[Row], count: int) -> str:
    roles = {row.texture.role for row in claimed(rows)} - {"none"}
    return " ".join([*sorted(roles), "textures" if count > 1 else "texture"])


def _most_often(count: Counter[str]) -> tuple[tuple[str, ...], int]:
    most = max(count.values())
    return tuple(sorted(method for method, times in count.items() if times == most)), most
