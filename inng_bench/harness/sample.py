"""Pictures of any size from the stored model of a run."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inng_bench.contract import CountsMemory, Execution, Method, StartsFromPicture, read_model_description
from inng_bench.errors import InputError
from inng_bench.harness.diary import Notice, ignore_notice
from inng_bench.harness.hardware import resolve_device, resolve_precision
from inng_bench.harness.memory import free_gib
from inng_bench.harness.methods import load_method_class
from inng_bench.harness.pictures import write_png
from inng_bench.records import store
from inng_bench.seeds import torch_generator
from inng_bench.textures import to_pixels, to_tensor
from inng_bench.textures.decoding import decode_picture

LONGEST_SIDE = 8192
"""In pixels; beyond it a picture's memory is counted in tens of gigabytes."""


def parse_size(text: str) -> tuple[int, int]:
    """Read ``WIDTHxHEIGHT`` in pixels.

    Returns
    -------
    tuple[int, int]
        Height and width, as everywhere in this package.
    """
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text)
    if match is None or max(map(int, match.groups())) > LONGEST_SIDE:
        raise InputError(
            f"{text!r} is not a size; write WIDTHxHEIGHT, such as 512x384, with at most {LONGEST_SIDE} px on each side."
        )
    width, height = map(int, match.groups())
    return height, width


def draw_from_run(
    folder: Path,
    size: tuple[int, int],
    count: int,
    *,
    out: Path,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    trusted: str | None = None,
    notice: Notice = ignore_notice,
) -> list[Path]:
    """Draw pictures from fresh noise with a stored model and write them as PNG.

    Parameters
    ----------
    folder : Path
        A run's folder, which holds ``model.safetensors`` and ``model.json``.
    size : tuple[int, int]
        Height and width in pixels.
    count : int
        How many; drawn one after the other, so that memory does not grow with it.
    out : Path
        Where to; made if it is not there.
    seed : int
        Of the noise.
    device, precision : str
        Where and how to compute.
    trusted : str or None
        The method as ``module:Class``, for a model whose method is not an installed one.
    notice : Callable[[str], None]
        Is told whether pictures of this size tile.

    Returns
    -------
    list[Path]
        The files.

    Raises
    ------
    InputError
        When there is no such model, or it cannot draw this size.
    """
    chosen = resolve_device(device)
    method = load_model(folder, Execution(chosen, resolve_precision(precision, chosen)), trusted)
    if not method.supports(size):
        raise InputError(f"{method.name} cannot draw {size[1]}x{size[0]} px; name another --size{_example(method)}.")
    _check_memory(method, size, chosen)
    generator = torch_generator(seed)
    title = "-".join(folder.resolve().parts[-3:-1]) or "sample"  # texture and method
    paths = []
    for index in range(count):
        paths.append(out / f"{title}-{size[1]}x{size[0]}-seed-{seed}-{index}.png")
        write_png(paths[-1], _drawn(folder, partial(method.sample, 1, size, generator=generator)))
    notice(f"{size[1]}x{size[0]} px {'tile: opposite borders meet' if method.tiles(size) else 'do not tile'}")
    return paths


def continue_picture(
    folder: Path,
    picture: Path,
    stage: int,
    count: int,
    *,
    out: Path,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    trusted: str | None = None,
) -> list[Path]:
    """Start the sampler of a stored model from a picture instead of noise, and write PNGs.

    Parameters
    ----------
    folder : Path
        A run's folder, of a method that is :class:`inng_bench.contract.StartsFromPicture`.
    picture : Path
        PNG, JPEG, TIFF or WebP of a size that the method supports.
    stage : int
        Stage to begin at, from 1; negative ones count from the last, -1.
    count, out, seed, device, precision, trusted
        As in :func:`draw_from_run`.

    Raises
    ------
    InputError
        When model, picture or stage cannot be used.
    """
    chosen = resolve_device(device)
    method = load_model(folder, Execution(chosen, resolve_precision(precision, chosen)), trusted)
    if not isinstance(method, StartsFromPicture):
        raise InputError(f"{method.name} cannot start from a picture; name a run of another method.")
    pixels = decode_picture(picture, partial(_check_start, method, picture))
    _check_memory(method, pixels.shape[:2], chosen)
    stages = len(method.stages)
    if not 1 <= abs(stage) <= stages:
        raise InputError(f"there is no stage {stage}; this model has the stages 1 to {stages}, or -{stages} to -1.")
    first = stage if stage > 0 else stages + 1 + stage
    generator = torch_generator(seed)
    paths = []
    for index in range(count):
        drawn = partial(method.continue_from, to_tensor(pixels)[None], stage=first, generator=generator)
        paths.append(out / f"{picture.stem}-from-stage-{first}-seed-{seed}-{index}.png")
        write_png(paths[-1], _drawn(folder, drawn))
    return paths


def _check_memory(method: Method, size: tuple[int, ...], device: torch.device) -> None:
    """Refuse a picture that the memory does not hold: the system would kill the process without a word."""
    height, width = size
    if not isinstance(method, CountsMemory) or device.type != "cpu":
        return
    needed, free = method.drawing_bytes((height, width)) / 2**30, free_gib()
    if needed > free:
        raise InputError(
            f"a picture of {width}x{height} px needs about {needed:.1f} GiB of memory, but only {free:.1f} GiB are "
            "free; ask for a smaller one."
        )


def _example(method: Method) -> str:
    """Return the smallest square that a method draws, as the end of a sentence; empty where none is found."""
    sides = (2**power for power in range(4, 14))
    return next((f", such as {side}x{side}" for side in sides if method.supports((side, side))), "")


def _check_start(method: Method, picture: Path, size: tuple[int, int]) -> None:
    """Refuse a picture by its size before its pixels are decoded."""
    if max(size) > LONGEST_SIDE or not method.supports((size[0], size[1])):
        raise InputError(
            f"{picture} has {size[1]}x{size[0]} px, which {method.name} cannot draw; give a picture of another size"
            f"{_example(method)}, and at most {LONGEST_SIDE} px on each side."
        )


def _drawn(folder: Path, draw: Callable[[], Tensor]) -> NDArray[np.uint8]:
    """Return the pixels of one picture of a model, whose numbers may be anybody's."""
    try:
        picture: NDArray[np.uint8] = to_pixels(draw())[0]
        return picture
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"the model in {folder} cannot be drawn from ({type(error).__name__}: {error}); train it again."
        ) from error


def load_model(folder: Path, execution: Execution, trusted: str | None = None) -> Method:
    """Read the stored model of a run, whichever method made it.

    Raises
    ------
    InputError
        When there is none, it is damaged, or it names code of its own: to import a module is to run it, so that no file
        of a stranger may choose which.
    """
    if not (folder / "model.json").exists():
        raise InputError(f"{folder} holds no model.json; name the folder of one finished run.")
    record = folder / store.RECORD_NAME
    # A model that was copied out of its run has no record; its own name then says which method it is of.
    known = record.exists()
    implementation = store.read_record(record).implementation if known else read_model_description(folder)["method"]
    if ":" in implementation and implementation != trusted:
        raise InputError(
            f"the model in {folder} needs the code {implementation!r}; if you trust it, add --method {implementation}."
        )
    try:
        return load_method_class(implementation).load(folder, execution)
    except InputError as error:
        if str(folder) in str(error):
            raise
        raise InputError(f"the model in {folder} cannot be used: {error}") from error
    except Exception as error:  # a stranger's numbers make a method raise nearly anything
        raise InputError(
            f"the model in {folder} cannot be used ({type(error).__name__}: {error}); train it again."
        ) from error
