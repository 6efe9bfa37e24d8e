"""Measuring a stored run anew: from its own samples and windows, each checked by its hash, without any training."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.harness.hardware import libraries
from inng_bench.harness.plan import RunSpec, TextureReference
from inng_bench.hashes import file_hash
from inng_bench.records import provenance, store
from inng_bench.records.schema import DETECTION, Measurement, Provenance, Record, Remeasurement, Window
from inng_bench.tiles import PER_MOSAIC, of_mosaics, of_strip

Pixels = NDArray[np.uint8]


def measure_again(run: RunSpec, results: Path) -> Record:
    """Measure the metrics of a run on what is stored of it, and write its record anew, whole or not at all.

    Parameters
    ----------
    run : RunSpec
        Its ``metrics`` are measured; other figures of the record stay.
    results : Path
        The results folder.

    Returns
    -------
    Record
        With the new figures, and who measured them.

    Raises
    ------
    InputError
        When a sample or window is missing or damaged.
    """
    from inng_bench.harness.run import measure
    from inng_bench.metrics import features

    started, began = datetime.now(UTC), perf_counter()
    record = store.read_record(store.record_path(results, *run.key))
    train, held_out = read_windows(results, record)
    samples = _read_samples(results, record)
    measured = measure(run, samples, train, held_out, is_set=record.texture.is_set)
    who = provenance.collect(threads=run.threads, device="cpu", precision="float32", libraries=libraries())
    record = _noted(record, run.metrics, started, perf_counter() - began, who).model_copy(
        update={
            "measurements": _merged(record.measurements, measured),
            "hashes": {**record.hashes, "features": features.WEIGHTS_SHA256},
        }
    )
    store.write_record(results, record)
    return record


def _read_samples(results: Path, record: Record) -> Pixels | None:
    """Return the measured samples (N, H, W, 3); None of the row ``real``."""
    if record.sample_size is None:
        return None
    found = [_read_sample(results, record, role) for role in sample_roles(record)]
    return of_mosaics(found, record.sample_size[0], record.samples) if record.texture.is_set else np.stack(found)


def detect_again(run: RunSpec, results: Path, trusted: str | None = None) -> Record:
    """Measure anew what the density of a run's stored model detects; other figures of the record stay.

    Raises
    ------
    InputError
        When the model or a window is missing or damaged, or the model has no density.
    """
    from inng_bench.contract import density_of
    from inng_bench.harness.detection import detect_of_texture
    from inng_bench.harness.sample import load_model

    started, began = datetime.now(UTC), perf_counter()
    record = store.read_record(store.record_path(results, *run.key))
    for role in ("weights", "model"):
        if not _is_whole(store.artefact_path(results, record, role), record, role):
            raise InputError(f"the model of {run.title} is damaged or missing; delete its run and run again.")
    density = density_of(load_model(store.folder_of(results, record), run.execution, trusted))
    if density is None:
        raise InputError(f"{record.implementation} is not a density.")
    found = detect_of_texture(density, record.texture.name, *read_windows(results, record), run.seeds["metric"])
    who = provenance.collect(threads=run.threads, device=run.device, precision=run.precision, libraries=libraries())
    record = _noted(record, (DETECTION,), started, perf_counter() - began, who)
    record = record.model_copy(update={"detection": found})
    store.write_record(results, record)
    return record


def _noted(record: Record, metrics: tuple[str, ...], started: datetime, seconds: float, who: Provenance) -> Record:
    """Add to a record who measured what anew, in place of an earlier measurement of the same."""
    by_whom = Remeasurement(
        metrics=metrics, started=started.isoformat(timespec="seconds"), seconds=seconds, provenance=who
    )
    return record.model_copy(update={"remeasured": (*_without(record.remeasured, metrics), by_whom)})


def sample_roles(record: Record) -> list[str]:
    """Return the roles of the measured samples in their order; none of the row ``real``."""
    files = -(-record.samples // PER_MOSAIC) if record.texture.is_set else record.samples
    return [f"sample-{number}" for number in range(files)]


def is_measurable(results: Path, record: Record) -> bool:
    """Say whether all samples of a record are there as they were written."""
    with contextlib.suppress(InputError, OSError):
        return all(_is_whole(store.artefact_path(results, record, role), record, role) for role in sample_roles(record))
    return False


def _is_whole(path: Path | None, record: Record, role: str) -> bool:
    return path is not None and file_hash(path) == record.hashes.get(role)


def run_of_record(record: Record, metrics: Sequence[str]) -> RunSpec:
    """Return the run that a record tells of, with what is to be measured; its texture cannot be loaded again."""
    machine = record.provenance
    return RunSpec(
        suite=record.suite,
        suite_hash=record.suite_hash,
        texture=TextureReference(name=record.texture.name),
        method=record.method,
        implementation=record.implementation,
        settings=record.settings,
        config_hash=record.config_hash,
        replicate=record.replicate,
        seeds=record.seeds,
        budget_flops=record.budget_flops,
        precision=machine.precision,
        device=machine.device,
        threads=machine.threads,
        sample_size=record.sample_size[0] if record.sample_size else 0,
        samples=record.samples,
        limits=record.limits,
        metrics=tuple(metrics),
    )


def read_windows(results: Path, record: Record) -> tuple[Pixels, tuple[Pixels, ...]]:
    """Return all train windows of a record's texture, uint8 (N, H, W, 3), and its held-out ones, each (H, W, 3).

    Raises
    ------
    InputError
        When one is missing or damaged.
    """
    texture = record.texture
    paths = store.window_paths(results, texture.name, len(texture.held_out))
    train, *held_out = map(_read_window, paths, (texture.train, *texture.held_out))
    return of_strip(train) if texture.is_strip else train[np.newaxis], tuple(held_out)


def _read_window(path: Path, window: Window) -> Pixels:
    pixels = _read_png(path, "run the suite again, which writes it")
    if (
        pixels.shape[:2] != (window.height, window.width)
        or hashlib.sha256(pixels.tobytes()).hexdigest() != window.sha256
    ):
        raise InputError(f"{path} is damaged; run the suite again, which writes it.")
    return pixels


def _read_sample(results: Path, record: Record, role: str) -> Pixels:
    mend = "delete its run and run again"
    path = store.artefact_path(results, record, role)
    if path is None:
        raise InputError(f"the record in {store.folder_of(results, record)} names no {role}; {mend}.")
    pixels = _read_png(path, mend)
    if not _is_whole(path, record, role):
        raise InputError(f"{path} is damaged; {mend}.")
    return pixels


def _read_png(path: Path, mend: str) -> Pixels:
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # damaged files make the decoder raise nearly anything
        raise InputError(f"{path} cannot be read ({type(error).__name__}); {mend}.") from error


def _merged(old: Sequence[Measurement], new: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """Return the old figures without those of the metrics that were measured anew, then these."""
    measured = {one.metric for one in new}
    return (*(one for one in old if one.metric not in measured), *new)


def _without(earlier: Sequence[Remeasurement], metrics: Sequence[str]) -> Iterator[Remeasurement]:
    """Return the earlier measurings as far as their figures still stand."""
    for one in earlier:
        left = tuple(name for name in one.metrics if name not in metrics)
        if left:
            yield one.model_copy(update={"metrics": left})
