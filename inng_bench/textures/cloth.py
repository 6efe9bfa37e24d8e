"""Woven cloth."""

import numpy as np
from scipy import ndimage

from inng_bench.textures.noise import Field, Index, Size, blend, brightness, coordinates, smooth_noise, smoothstep

PERIOD = 14.0
"""Width in pixels of a thread; the weave repeats after two of them."""

TWISTS = 2.6
"""Turns of a thread's ply within one period."""

WARP_COLOUR = np.array([58.0, 92.0, 128.0])
WEFT_COLOUR = np.array([206.0, 178.0, 132.0])
LAMP = (-0.45, -0.55, 0.90)


def paint_cloth(size: Size, generator: np.random.Generator) -> Field:
    """Paint a plain weave, warp over weft and weft over warp, of slightly uneven twisted threads."""
    rows, columns = coordinates(size)
    across = (columns + 1.3 * smooth_noise(size, (22.0, 9.0), generator)) / PERIOD
    along = (rows + 1.3 * smooth_noise(size, (9.0, 22.0), generator)) / PERIOD
    warp, warp_offset = _threads(_uneven(across, generator))
    weft, weft_offset = _threads(_uneven(along, generator))

    warp_is_over = (warp + weft) % 2 == 0
    warp_height = _thread_height(warp_offset, weft_offset, warp_is_over)
    weft_height = _thread_height(weft_offset, warp_offset, ~warp_is_over)
    warp_share = smoothstep(-0.12, 0.12, warp_height - weft_height)
    height = weft_height + (warp_height - weft_height) * warp_share

    warp_ply = np.cos(2.0 * np.pi * (TWISTS * along + 0.9 * warp_offset))
    weft_ply = np.cos(2.0 * np.pi * (TWISTS * across - 0.9 * weft_offset))
    ply = weft_ply + (warp_ply - weft_ply) * warp_share
    warp_streaks = 1.0 + 0.05 * smooth_noise(size, (10.0, 1.0), generator)
    weft_streaks = 1.0 + 0.05 * smooth_noise(size, (1.0, 10.0), generator)
    warp_colour = _dyed(warp, WARP_COLOUR, generator) * warp_streaks[..., None]
    weft_colour = _dyed(weft, WEFT_COLOUR, generator) * weft_streaks[..., None]

    light = brightness(ndimage.gaussian_filter(6.0 * height + 0.35 * ply, 0.6), LAMP)
    shadow = 0.36 + 0.64 * smoothstep(0.05, 0.8, height)
    fuzz = 1.0 + 0.06 * ply + 0.045 * smooth_noise(size, (0.6, 0.6), generator)
    return blend(weft_colour, warp_colour, warp_share) * (shadow * (0.35 + 0.75 * light) * fuzz)[..., None]


def _uneven(position: Field, generator: np.random.Generator) -> Field:
    """Shift the borders between threads a little, so that some threads are thicker than others."""
    borders = np.arange(np.floor(position.min()) - 2, np.ceil(position.max()) + 3)
    shifts = np.clip(generator.normal(0.0, 0.09, borders.shape), -0.3, 0.3)
    return np.interp(position, borders + shifts, borders)


def _threads(position: Field) -> tuple[Index, Field]:
    """Return the number of the thread and the offset from its axis in [-0.5, 0.5)."""
    number = np.floor(position)
    return number.astype(np.intp), position - number - 0.5


def _thread_height(offset: Field, crossing: Field, is_over: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Field:
    """Return the height in [0, 1] of a round thread that arches over its crossings or dips under them."""
    round_profile = np.sqrt(np.clip(1.0 - (2.05 * offset) ** 2, 0.0, None))
    arch = np.where(is_over, 1.0, -1.0) * np.cos(np.pi * crossing)
    return np.asarray(round_profile * (0.55 + 0.45 * arch))


def _dyed(thread: Index, colour: Field, generator: np.random.Generator) -> Field:
    """Return the colour of each pixel's thread, every thread dyed a little differently."""
    first = thread.min()
    count = int(thread.max() - first) + 1
    colours = colour * generator.normal(1.0, 0.09, (count, 1)) + generator.normal(0.0, 3.0, (count, 3))
    return np.asarray(colours[thread - first])
