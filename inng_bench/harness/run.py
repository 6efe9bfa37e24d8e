"""One run: train, draw, measure, store. Everything happens in this process; the record is written last.

Files beside the record, by role: ``sample-0``, ``sample-1``, ... (the measured samples), ``stages`` (the first canvas
over the training, left to right), ``nearest`` (a patch of the first sample, and the patch of the train window most
like it), ``weights`` and ``model`` (what :meth:`inng_bench.contract.Method.load` reads).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Method, Training, density_of
from inng_bench.errors import InputError
from inng_bench.files import remove_unfinished
from inng_bench.harness.checkpoint import RunCheckpoint, identify, states_of
from inng_bench.harness.detection import detect_of_texture
from inng_bench.harness.diary import Diary, Listener, Notice, Stopwatch, ignore_news, ignore_notice
from inng_bench.harness.learning import learn
from inng_bench.harness.memory import peak_memory_mib
from inng_bench.harness.methods import REAL, load_method_class
from inng_bench.harness.pictures import write_png
from inng_bench.harness.plan import RunSpec
from inng_bench.harness.rows import describe_machine, known_fields
from inng_bench.hashes import file_hash
from inng_bench.metrics import copying, features
from inng_bench.metrics.chain import Glance, compare_with_chain
from inng_bench.metrics.comparison import unseen_windows
from inng_bench.metrics.evaluate import evaluate, evaluate_real
from inng_bench.records import store
from inng_bench.records.schema import (
    ChainFigure,
    CurvePoint,
    Detection,
    Measurement,
    ModelFacts,
    Record,
    Status,
)
from inng_bench.seeds import torch_generator
from inng_bench.textures import Texture, to_pixels
from inng_bench.tiles import mosaic, mosaics, of_strip

Pixels = NDArray[np.uint8]

PATCH = 64
"""Side in pixels of the sampled patch that is shown beside its nearest patch of the source."""


@dataclass(frozen=True)
class Product:
    """What a run made, before it is measured.

    Attributes
    ----------
    samples : numpy.ndarray or None
        uint8 (N, H, W, 3); None for the row ``real``, which makes nothing.
    pictures : Mapping[str, numpy.ndarray]
        uint8 (H, W, 3) by role; each becomes a PNG beside the record.
    files : Mapping[str, str]
        Files that stand there already, by role.
    training : Training
        Spent operations, warnings and chain.
    curve : tuple[CurvePoint, ...]
        Reports of the training.
    model : ModelFacts or None
        Size and cost of the model.
    detection : tuple[Detection, ...]
        What the model's density detects, if it is one.
    """

    samples: Pixels | None = None
    pictures: Mapping[str, Pixels] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    training: Training = field(default_factory=lambda: Training(flops=0.0))
    curve: tuple[CurvePoint, ...] = ()
    model: ModelFacts | None = None
    detection: tuple[Detection, ...] = ()


def execute(run: RunSpec, results: Path, listener: Listener = ignore_news, notice: Notice = ignore_notice) -> Record:
    """Carry out one run and store its record.

    Parameters
    ----------
    run : RunSpec
        What to do.
    results : Path
        The results folder; the run gets a folder of its own in it.
    listener : Callable[[str, float], None]
        Hears of phases and progress.
    notice : Callable[[str], None]
        Is told when the training goes on from a checkpoint, or cannot.

    Returns
    -------
    Record
        With status ``ok``. Any failure is raised, and then there is no record; what the training has reached stays
        in its checkpoint.
    """
    started = datetime.now(UTC)
    watch = Stopwatch(listener)
    store.record_path(results, *run.key).unlink(missing_ok=True)  # what it describes is about to be replaced
    folder = store.run_folder(results, *run.key)
    remove_unfinished(folder)
    with watch.phase("texture"):
        texture = run.texture.load()
    product = Product() if run.implementation == REAL else _make(run, texture, results, watch, listener, notice)
    with watch.phase("metrics"):
        measurements = measure(run, product.samples, texture.train_windows, texture.held_out, is_set=texture.is_set)
        chain = _measure_chain(texture, product)
    with watch.phase("store"):
        artefacts = {**product.files, **_write_pictures(folder, product.pictures)}
    record = Record(
        **known_fields(run, texture.facts(), started),
        status=Status.OK,
        flops=product.training.flops,
        warnings=product.training.warnings,
        seconds=watch.seconds,
        peak_memory_mib=peak_memory_mib(),
        sample_size=None if product.samples is None else (run.sample_size, run.sample_size),
        samples=run.samples,
        measurements=measurements,
        curve=product.curve,
        model=product.model,
        detection=product.detection,
        chain=chain,
        artefacts=artefacts,
        hashes={"features": features.WEIGHTS_SHA256, **_hash_files(folder, artefacts)},
    )
    store.write_record(results, record)
    states_of(results, run).remove()
    return record


def _make(
    run: RunSpec, texture: Texture, results: Path, watch: Stopwatch, listener: Listener, notice: Notice
) -> Product:
    """Train, or go on training, draw fresh samples and save the model."""
    method = load_method_class(run.implementation)(run.settings, run.execution)
    if texture.is_set:
        diary = Diary(listener, frame=_four)
    else:
        diary = Diary(listener, Glance(unseen_windows(texture.train, texture.held_out)[0][0]))
    identity = identify(run, texture.facts().train.sha256, method, describe_machine(run))
    checkpoint = RunCheckpoint(states_of(results, run), identity, diary, notice)
    with watch.phase("train"):
        training = learn(
            method, texture, seed=run.seeds["train"], budget=run.budget_flops, events=diary, checkpoint=checkpoint
        )
    watch.seconds["train"] += checkpoint.seconds_before - diary.seconds
    with watch.phase("sample"):
        size = (run.sample_size, run.sample_size)
        drawn = method.sample(run.samples, size, generator=torch_generator(run.seeds["sample"]))
        samples = to_pixels(_checked(drawn, (run.samples, 3, *size)))
    with watch.phase("save"):
        folder = store.run_folder(results, *run.key)
        method.save(folder)
    detection, lacking = ((), ()) if texture.is_set else _detect(method, run, texture, watch)
    pictures = {f"sample-{index}": picture for index, picture in enumerate(_stored(samples, texture))}
    strip = diary.strip()
    if strip is not None:
        pictures["stages"] = strip
    pictures["nearest"] = _nearest_of_set(samples, texture) if texture.is_set else _nearest(samples[0], texture)
    files = {"weights": "model.safetensors", "model": "model.json"}
    warnings = (*training.warnings, *diary.warnings, *lacking)
    outcome = replace(training, flops=float(training.flops), warnings=warnings)
    model = ModelFacts(
        numbers=sum(tensor.numel() for tensor in method.state().values()),
        bytes=(folder / files["weights"]).stat().st_size,
        sample_flops=_count_operations(method, run),
    )
    return Product(samples, pictures, files, outcome, diary.curve, model, detection)


def _stored(samples: Pixels, texture: Texture) -> Sequence[Pixels]:
    """Return samples as they are stored: those of a set by the hundred, since it has many."""
    return mosaics(samples) if texture.is_set else list(samples)


def _four(pictures: Pixels) -> Pixels:
    """Return four pictures as one, to be seen over a training."""
    return mosaic(pictures[:4], columns=2)


def _count_operations(method: Method, run: RunSpec) -> float:
    """Draw a sample once more and count; apart from the samples that are timed, since to count takes half as long."""
    with FlopCounterMode(display=False) as counter:
        method.sample(1, (run.sample_size, run.sample_size), generator=torch_generator(run.seeds["sample"]))
    return float(counter.get_total_flops())


def _detect(
    method: Method, run: RunSpec, texture: Texture, watch: Stopwatch
) -> tuple[tuple[Detection, ...], tuple[str, ...]]:
    """Return what a method's density detects, if it has one, and a warning where its settings allow none."""
    try:
        density = density_of(method)
        if density is None:
            return (), ()
        with watch.phase("density"):
            seed = run.seeds["metric"]
            return detect_of_texture(density, texture.name, texture.train_windows, texture.held_out, seed), ()
    except InputError as error:
        return (), (f"its density is not measured: {error}",)


def _measure_chain(texture: Texture, product: Product) -> tuple[ChainFigure, ...]:
    """Compare fresh samples with those that trained along, where a method has such."""
    if product.samples is None or product.training.chain is None or texture.is_set:
        return ()
    windows, against = unseen_windows(texture.train, texture.held_out)
    return compare_with_chain(product.samples, to_pixels(product.training.chain), windows[0], against)


def _checked(drawn: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Refuse what the contract does not allow, before it is mistaken for a poor picture."""
    if drawn.shape != shape or drawn.dtype != torch.float32:
        raise ValueError(f"the method drew {drawn.dtype} {tuple(drawn.shape)} where float32 {shape} was asked for")
    if not bool(drawn.isfinite().all()):
        raise ValueError("the method drew pixels that are not finite")
    return drawn


def _nearest(sample: Pixels, texture: Texture) -> Pixels:
    """Return a patch of a sample and, at its right, the patch of the train windows that is most like it."""
    found = [copying.nearest_patch(sample, window, size=PATCH) for window in texture.train_windows]
    patch, nearest, _ = min(found, key=lambda one: one[2])
    return np.concatenate([patch, nearest], axis=1)


def _nearest_of_set(samples: Pixels, texture: Texture) -> Pixels:
    """Return four samples of a set and, at their right, the training picture that is nearest to each."""
    from inng_bench.metrics.sets import nearest  # which loads a network that textures need only later

    train = of_strip(texture.train)
    shown = samples[:4]
    return np.concatenate([_four(shown), _four(train[nearest(shown, train)[1].numpy()])], axis=1)


def measure(
    run: RunSpec, samples: Pixels | None, train: Pixels, held_out: Sequence[Pixels], *, is_set: bool
) -> tuple[Measurement, ...]:
    """Measure the metrics of a run on its samples, None for the row ``real``; a held-out set is a strip."""
    seed = run.seeds["metric"]
    if is_set:
        from inng_bench.metrics.sets import evaluate_set

        return evaluate_set(samples, train, of_strip(held_out[0]), seed=seed, metrics=run.metrics)
    if samples is None:
        return evaluate_real(train, held_out, seed=seed, metrics=run.metrics)
    return evaluate(samples, train, held_out, seed=seed, metrics=run.metrics)


def _write_pictures(folder: Path, pictures: Mapping[str, Pixels]) -> dict[str, str]:
    """Write PNGs and return their names by role."""
    names = {role: f"{role}.png" for role in pictures}
    for role, pixels in pictures.items():
        write_png(folder / names[role], pixels)
    return names


def _hash_files(folder: Path, names: Mapping[str, str]) -> dict[str, str]:
    return {role: file_hash(folder / name) for role, name in names.items()}
