"""Pictures judged by the density of a stored model: a score for each, and a map that shows where it is low."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from inng_bench.contract import Density, Execution, density_of
from inng_bench.errors import InputError
from inng_bench.harness.hardware import resolve_device, resolve_precision
from inng_bench.harness.measure import read_windows
from inng_bench.harness.pictures import write_png
from inng_bench.harness.sample import LONGEST_SIDE, load_model
from inng_bench.metrics.typicality import TypicalWindows, parts_of
from inng_bench.pictures import as_tensor
from inng_bench.records import store
from inng_bench.textures import to_tensor
from inng_bench.textures.decoding import decode_picture

Pixels = NDArray[np.uint8]

RUN_DEPTH = 4
"""Folders from a run up to its results: runs, texture, method, seed."""


class Quantity(StrEnum):
    """What of a model judges."""

    RATIO = "ratio"
    """ln p/p0, the sum of all logits: what the classifiers have learnt."""

    DENSITY = "density"
    """ln p, with ln p0: the whole model, up to what a variant leaves out of the sum."""

    TYPICALITY = "typicality"
    """How near to those of the train window both parts of ln p are, as the log of a Gaussian; 0 at the most."""


@dataclass(frozen=True)
class Judgement:
    """What a model says of a picture.

    Attributes
    ----------
    picture, path : Path
        The picture, and the PNG that shows it beside its map.
    mean, least : float
        Of its windows, in the :class:`Quantity` that was asked for.
    place : tuple[int, int]
        Column and row in pixels of the upper left corner of the window with the least.
    """

    picture: Path
    path: Path
    mean: float
    least: float
    place: tuple[int, int]


def judge_pictures(
    folder: Path,
    pictures: Sequence[Path],
    *,
    out: Path,
    quantity: Quantity = Quantity.RATIO,
    device: str = "auto",
    precision: str = "auto",
    trusted: str | None = None,
) -> list[Judgement]:
    """Judge pictures by a stored model and write each beside its map, as PNG.

    The map has at each pixel the mean over the windows that cover it, black where it is least among all
    pictures and white where it is greatest, so that pictures of one call can be compared.

    Parameters
    ----------
    folder : Path
        A run's folder, of a method that is a density. Typicality needs it in its results folder, which has the train
        window.
    pictures : Sequence[Path]
        PNG, JPEG, TIFF or WebP, at least a window large.
    out : Path
        Where to; made if it is not there.
    quantity : Quantity
        What is asked.
    device, precision, trusted
        As in :func:`inng_bench.harness.sample.draw_from_run`.

    Raises
    ------
    InputError
        When the model is no density, or a picture cannot be used; nothing is written then.
    """
    chosen = resolve_device(device)
    method = load_model(folder, Execution(chosen, resolve_precision(precision, chosen)), trusted)
    density = density_of(method)
    if density is None:
        raise InputError(f"{method.name} is not a density and cannot judge pictures; name a run of another method.")
    judge = _judge(density, quantity, folder)
    decoded = [decode_picture(path, partial(_check_size, path, density.window)) for path in pictures]
    values = [judge(to_tensor(pixels)).float() for pixels in decoded]
    if not all(bool(value.isfinite().all()) for value in values):
        raise InputError(f"the model in {folder} gives values that are not finite; train it again.")
    maps = [
        spread(value, pixels.shape[:2], density.window, density.window_step)
        for value, pixels in zip(values, decoded, strict=True)
    ]
    darkest, brightest = min(float(one.min()) for one in maps), max(float(one.max()) for one in maps)
    judged = []
    for index, (picture, pixels, value, shown) in enumerate(zip(pictures, decoded, values, maps, strict=True)):
        path = out / f"{picture.stem}-log-{quantity}-{index}.png"
        write_png(path, np.concatenate([pixels, _grey(shown, darkest, brightest)], axis=1))
        row, column = divmod(int(value.argmin()), value.shape[1])
        place = column * density.window_step, row * density.window_step
        judged.append(Judgement(picture, path, float(value.mean()), float(value.min()), place))
    return judged


def _judge(density: Density, quantity: Quantity, folder: Path) -> Callable[[Tensor], Tensor]:
    """Return what makes a quantity (rows, columns) of a picture (3, H, W)."""
    if quantity is Quantity.RATIO:
        return lambda picture: density.log_ratio(picture[None])[0]
    if quantity is Quantity.DENSITY:
        return lambda picture: parts_of(density, picture).sum(0)
    windows = as_tensor(_train_windows(folder))
    typical = TypicalWindows.of(torch.cat([parts_of(density, window) for window in windows], 1))
    return lambda picture: typical.log_typicality(parts_of(density, picture))


def _train_windows(folder: Path) -> Pixels:
    """Return the windows (N, H, W, 3) of the texture that a run's model learnt; they stand in its results folder."""
    place = folder.resolve()
    path = place / store.RECORD_NAME
    if len(place.parents) < RUN_DEPTH or not path.exists():
        raise InputError(
            f"{folder} is not a run in a results folder: typicality needs the train window, which is stored there; "
            "name the run in its results folder."
        )
    results = place.parents[RUN_DEPTH - 1]
    return read_windows(results, store.read_placed_record(results, path))[0]


def spread(values: Tensor, size: tuple[int, int], window: int, step: int) -> Tensor:
    """Return at each pixel the mean over the windows that cover it.

    Parameters
    ----------
    values : Tensor
        float32 (rows, columns), one for each window.
    size : tuple[int, int]
        Height and width of the picture in pixels.
    window, step : int
        Side of a window, and pixels from one to the next.

    Returns
    -------
    Tensor
        float32 (height, width). Pixels at the right and lower border that no window reaches have their neighbour's.
    """
    covering = torch.ones((1, 1, window, window))
    sums, counts = (
        F.conv_transpose2d(one[None, None], covering, stride=step) for one in (values, torch.ones_like(values))
    )
    means = sums / counts
    beyond = (0, size[1] - means.shape[3], 0, size[0] - means.shape[2])
    return F.pad(means, beyond, mode="replicate")[0, 0]


def _grey(values: Tensor, darkest: float, brightest: float) -> Pixels:
    """Return grey levels (H, W, 3); where all values are equal, the middle one."""
    share = (values - darkest) / (brightest - darkest) if brightest > darkest else torch.full_like(values, 0.5)
    levels: Pixels = (share * 255).round().numpy().astype(np.uint8)
    return np.repeat(levels[:, :, np.newaxis], 3, axis=2)


def _check_size(picture: Path, window: int, size: tuple[int, int]) -> None:
    """Refuse a picture by its size before its pixels are decoded."""
    if min(size) < window or max(size) > LONGEST_SIDE:
        raise InputError(
            f"{picture} has {size[1]}x{size[0]} px; give a picture with {window} to {LONGEST_SIDE} px on each side."
        )
