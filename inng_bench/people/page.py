"""A page of blinded pairs: one HTML file that needs nothing else, and the key to it beside it."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.files import write_atomically
from inng_bench.hashes import canonical_hash
from inng_bench.pages import BASE, data_address, render_page
from inng_bench.people.documents import Key, Question, Shown
from inng_bench.people.pairs import Pairing, choose_pairs
from inng_bench.people.stored import Contest, StoredPicture, find_contests
from inng_bench.records.store import pages_folder
from inng_bench.report.canvas import png
from inng_bench.tiles import Pixels, mosaic, of_mosaics, of_strip

PAGE_NAME, KEY_NAME = "judge.html", "key.json"

LARGEST = 256
"""Side in pixels of what is shown of a texture, or of the pictures of a set together, at most."""

_NO_PAGE = "0" * 12


@dataclass(frozen=True)
class Page:
    """A page in its folder.

    Attributes
    ----------
    is_new : bool
        Whether it was written now; the same command gives the same page, which stays as it is.
    """

    path: Path
    key: Key
    is_new: bool

    @property
    def key_path(self) -> Path:
        """Where the key is."""
        return self.path.parent / KEY_NAME


def build_page(results: Path, *, pairs: int, seed: int, methods: Sequence[str] | None = None) -> Page:
    """Write a page of blinded pairs and its key into a folder of their own.

    Parameters
    ----------
    results : Path
        The results folder, whose records and pictures stay as they are.
    pairs : int
        The largest number of pairs.
    seed : int
        Of the choice of pairs and samples, their order and their sides.
    methods : Sequence[str] or None
        Labels of the rows to compare; None for all that have pictures.

    Raises
    ------
    InputError
        When there is nothing to compare, a picture is damaged, or the folder cannot be written.
    """
    contests = {one.facts.name: one for one in find_contests(results, methods)}
    generator = np.random.default_rng(seed)
    chosen = choose_pairs(
        {name: [one.method for one in contest.contestants] for name, contest in contests.items()}, pairs, generator
    )
    album = _Album()
    asked = [_ask(contests[pairing.texture], pairing, album, generator) for pairing in chosen]
    copying = sorted({one.method for contest in contests.values() for one in contest.contestants if one.copies})
    key = Key(page=_NO_PAGE, seed=seed, copying=tuple(copying), questions=tuple(question for question, _ in asked))
    data = {"pictures": album.pictures, "pairs": [shown for _, shown in asked]}
    credits = [contests[texture].facts for texture in sorted({pairing.texture for pairing in chosen})]
    # The name is that of the content, so that no page can take the place of one that has answers.
    name = canonical_hash([key.model_dump(), hashlib.sha256(_render(data, _NO_PAGE, credits)).hexdigest()])[:12]
    key = key.model_copy(update={"page": name})
    folder = pages_folder(results) / name
    contents = {
        folder / KEY_NAME: f"{key.model_dump_json(indent=1)}\n".encode(),
        folder / PAGE_NAME: _render(data, name, credits),
    }
    return Page(folder / PAGE_NAME, key, is_new=_write(contents))


def find_key(results: Path, page: str) -> Path:
    """Return where the key of a page of a results folder is, if there is one."""
    return pages_folder(results) / page / KEY_NAME


def _write(contents: Mapping[Path, bytes]) -> bool:
    """Write what is not there yet, and say whether there was any."""
    for path, content in contents.items():
        if path.exists() and path.read_bytes() != content:
            raise InputError(f"{path} was changed since it was written; move its folder away and try again.")
    missing = [path for path in contents if not path.exists()]
    for path in missing:
        write_atomically(path, contents[path])
    return bool(missing)


class _Album:
    """Pictures as data addresses, each once."""

    def __init__(self) -> None:
        self.pictures: list[str] = []

    def add(self, pixels: Pixels) -> int:
        """Encode a picture without any metadata, and return its number."""
        address = data_address(png(Image.fromarray(pixels)))
        if address not in self.pictures:
            self.pictures.append(address)
        return self.pictures.index(address)


def _ask(
    contest: Contest, pairing: Pairing, album: _Album, generator: np.random.Generator
) -> tuple[Question, dict[str, Any]]:
    """Draw a sample of each of two methods; return what the key says of the pair, and what the page does."""
    by_method = {one.method: one.pictures for one in contest.contestants}
    drawn = [_draw(by_method[method], generator) for method in (pairing.first, pairing.second)]
    loaded = [np.asarray(one.load()) for one in (contest.source, *drawn)]
    if contest.facts.is_strip and not contest.facts.is_set:
        loaded[0] = generator.choice(of_strip(loaded[0]))
    shown = _sheets(loaded, contest.facts.train.width, generator) if contest.facts.is_set else _cuts(loaded, generator)
    source, first, second = (album.add(pixels) for pixels in shown)
    pair = generator.bytes(8).hex()
    whose = [
        Shown(method=method, picture=one.name)
        for method, one in zip((pairing.first, pairing.second), drawn, strict=True)
    ]
    return Question(pair=pair, texture=pairing.texture, first=whose[0], second=whose[1]), {
        "pair": pair,
        "side": len(shown[1]),
        "context": len(shown[0]),
        "source": source,
        "first": first,
        "second": second,
    }


def _cuts(pictures: Sequence[Pixels], generator: np.random.Generator) -> list[Pixels]:
    """Cut a square out of the source and each of two samples, at random places."""
    source, *samples = (min(picture.shape[:2]) for picture in pictures)
    side = min(LARGEST, source, *samples)
    # Small cuts say little of a texture: of its source there is then more to see, at the same scale.
    sides = (min(LARGEST, source, 2 * side), side, side)
    return [_cut(picture, length, generator) for picture, length in zip(pictures, sides, strict=True)]


def _cut(pixels: Pixels, side: int, generator: np.random.Generator) -> Pixels:
    left, top = (int(generator.integers(length - side + 1)) for length in pixels.shape[1::-1])
    return pixels[top : top + side, left : left + side]


def _sheets(found: Sequence[Pixels], side: int, generator: np.random.Generator) -> list[Pixels]:
    """Lay whole pictures of a set, as many of the source as of each of two methods, beside and below each other."""
    sets = [_without_rest(of_mosaics([one], side, None)) for one in found]
    columns = min(max(1, LARGEST // side), *(math.isqrt(len(pictures)) for pictures in sets))
    return [mosaic(generator.choice(pictures, columns**2, replace=False), columns) for pictures in sets]


def _without_rest(pictures: Pixels) -> Pixels:
    """Leave out the white places at the end of a mosaic."""
    drawn = np.flatnonzero((pictures < 255).any((1, 2, 3)))
    return pictures[: drawn[-1] + 1 if len(drawn) else 1]


def _draw(pictures: Sequence[StoredPicture], generator: np.random.Generator) -> StoredPicture:
    return pictures[int(generator.integers(len(pictures)))]


def _render(data: Mapping[str, Any], page: str, credits: Sequence[Any]) -> bytes:
    here = "inng_bench.people"
    return render_page(
        (here, "page.html"),
        [BASE, (here, "page.css")],
        [(here, "page.js")],
        data={"page": page, **data},
        credits=credits,
    )
