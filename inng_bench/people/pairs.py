"""Which pairs a page asks of: every two methods about as often as any other two, and every texture too."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True)
class Pairing:
    """Two methods on a texture, in the order in which they are shown."""

    texture: str
    first: str
    second: str


def choose_pairs(
    methods: Mapping[str, Sequence[str]], most: int, generator: np.random.Generator
) -> tuple[Pairing, ...]:
    """Choose pairs in random order.

    Each is one that the fewest have been chosen of so far, counted by its two methods together, by its texture and by
    each method. Any first part of the order is thus balanced too, for people who stop early.

    Parameters
    ----------
    methods : Mapping[str, Sequence[str]]
        The methods of each texture.
    most : int
        The largest number of pairs; there are fewer where the textures have no more.
    generator : numpy.random.Generator
        Of the order and of the sides.

    Returns
    -------
    tuple[Pairing, ...]
        No two methods twice on a texture. Of the pairs of the same two methods either is the first in half, give or
        take one.
    """
    every = [(texture, *pair) for texture, names in methods.items() for pair in combinations(sorted(names), 2)]
    left = [every[index] for index in generator.permutation(len(every))]
    seen: Counter[str | tuple[str, str]] = Counter()
    sides = {pair: bool(generator.integers(2)) for pair in sorted({(first, second) for _, first, second in every})}
    chosen: list[Pairing] = []
    while left and len(chosen) < most:
        texture, first, second = min(left, key=lambda one: _times(seen, *one))
        left.remove((texture, first, second))
        seen.update([(first, second), f"texture {texture}", f"method {first}", f"method {second}"])
        turned = sides[first, second] = not sides[first, second]
        chosen.append(Pairing(texture, second, first) if turned else Pairing(texture, first, second))
    return tuple(chosen)


def _times(seen: Counter[str | tuple[str, str]], texture: str, first: str, second: str) -> tuple[int, int, int]:
    methods = seen[f"method {first}"] + seen[f"method {second}"]
    return seen[first, second], seen[f"texture {texture}"], methods
