"""The speed of the sampler: medians over the timed runs of a row or method."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inng_bench.records.schema import Throughput
from inng_bench.report.rows import Row, by_method
from inng_bench.report.study import Study
from inng_bench.tables.content import Section, Table
from inng_bench.tables.markup import format_number, format_range

TITLE = "Speed of the sampler"
NOTE = (
    "Timed after all trainings, while nothing else of this package runs on the machine, for the first texture of the "
    "suite; the speed does not depend on what the sampler has learnt. A value is the median of repeated rounds, with "
    "quartiles in brackets; for several runs (n), their median. The ceiling is the fastest of a large matrix "
    "product, a 1×1 and a 3×3 convolution, timed between the rounds in the same process, precision and threads."
)


@dataclass(frozen=True)
class Speed:
    """How fast a sampler runs in one setting.

    Attributes
    ----------
    setting : Throughput
        Of the first run; only its update, size, batch, filters, precision and threads are those of all.
    seeds : int
        Number of timed runs, which are seeds of one texture or of several.
    gradient_evaluations_per_second, image_steps_per_second, share_of_ceiling : float
        Medians over the runs.
    quartiles : tuple[float, float]
        Of image_steps_per_second over the rounds, medians over the runs.
    """

    setting: Throughput
    seeds: int
    gradient_evaluations_per_second: float
    image_steps_per_second: float
    quartiles: tuple[float, float]
    share_of_ceiling: float


def speeds(rows: Sequence[Row]) -> tuple[Speed, ...]:
    """Return the speeds of rows of one method, one for each setting that runs were timed in, most runs first."""
    groups: dict[tuple[object, ...], list[Throughput]] = {}
    for record in (record for row in rows for record in row.succeeded):
        if record.throughput is not None:
            groups.setdefault(record.throughput.setting, []).append(record.throughput)
    return tuple(sorted(map(_median_speed, groups.values()), key=lambda speed: -speed.seeds))


def wide_speed(row: Row) -> dict[str, object]:
    """Return the columns of ``table.csv``: of the setting with most seeds, all missing where nothing was timed."""
    first = next(iter(speeds([row])), None)
    timed = first.setting if first else None
    return {
        "gradient_evaluations_per_second": first.gradient_evaluations_per_second if first else None,
        "image_steps_per_second": first.image_steps_per_second if first else None,
        "image_steps_per_second_low_quartile": first.quartiles[0] if first else None,
        "image_steps_per_second_high_quartile": first.quartiles[1] if first else None,
        "share_of_ceiling": first.share_of_ceiling if first else None,
        "speed_seeds": first.seeds if first else None,
        "speed_update": timed.update if timed else None,
        "speed_precision": timed.precision if timed else None,
        "speed_threads": timed.threads if timed else None,
        "speed_height": timed.height if timed else None,
        "speed_width": timed.width if timed else None,
        "speed_batch": timed.batch if timed else None,
        "speed_filters": timed.filters if timed else None,
    }


def section(study: Study) -> Section:
    """Return the speeds of all methods that were timed."""
    return Section(TITLE, NOTE + common_setting(study.rows), speed_table(study.rows))


def speed_table(rows: Sequence[Row]) -> Table:
    """Return the table for people, a line for each timed method and setting; it may be empty.

    Of the setting only what differs between lines has a column; :func:`common_setting` says the rest.
    """
    lines = _speeds_by_method(rows)
    common = _common([speed for _, speed in lines])
    return Table.of(_line(method, speed, common) for method, speed in lines)


def common_setting(rows: Sequence[Row]) -> str:
    """Return what all timed rows have in common as a sentence; empty where they have nothing in common."""
    common = _common([speed for _, speed in _speeds_by_method(rows)])
    return f" All rows have {', '.join(f'{name} {value}' for name, value in common.items())}." if common else ""


def _speeds_by_method(rows: Sequence[Row]) -> list[tuple[str, Speed]]:
    return [(method, speed) for method, group in by_method(rows).items() for speed in speeds(group)]


def _common(found: Sequence[Speed]) -> dict[str, str]:
    named = [_named_setting(speed.setting) for speed in found]
    first = named[0] if named else {}
    return {name: value for name, value in first.items() if all(one[name] == value for one in named)}


def _named_setting(timed: Throughput) -> dict[str, str]:
    return {
        "update": timed.update,
        "precision": timed.precision,
        "threads": str(timed.threads),
        "size": f"{timed.height}×{timed.width}",
        "batch": str(timed.batch),
        "filters": str(timed.filters),
    }


def _median_speed(timed: Sequence[Throughput]) -> Speed:
    return Speed(
        timed[0],
        len(timed),
        statistics.median(one.gradient_evaluations_per_second for one in timed),
        statistics.median(one.image_steps_per_second for one in timed),
        (statistics.median(one.quartiles[0] for one in timed), statistics.median(one.quartiles[1] for one in timed)),
        statistics.median(one.share_of_ceiling for one in timed),
    )


def _line(method: str, speed: Speed, common: Mapping[str, str]) -> dict[str, str]:
    setting = {name: value for name, value in _named_setting(speed.setting).items() if name not in common}
    places = 0 if speed.image_steps_per_second >= 100 else 1
    steps = f"{speed.image_steps_per_second:.{places}f} [{format_range(*speed.quartiles, places)}]"
    share = 100 * speed.share_of_ceiling
    low, high = (share * quartile / speed.image_steps_per_second for quartile in speed.quartiles)
    return {
        "method": method,
        "n": str(speed.seeds),
        **setting,
        "gradients/s": format_number(speed.gradient_evaluations_per_second),
        "image·steps/s": steps,
        "% of the ceiling": f"{share:.0f} [{format_range(low, high, 0)}]",
    }
