"""A page of blinded pairs: one HTML file that needs nothing else, and the key to it beside it."""

import hashlib
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

PAGE_NAME, KEY_NAME = "judge.html", "key.json"

LARGEST = 256
"""Side in pixels of what is shown of a picture at most."""

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
    album = _Album(generator)
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

    def __init__(self, generator: np.random.Generator) -> None:
        self.pictures: list[str] = []
        self._generator = generator

    def add(self, picture: Image.Image, side: int) -> int:
        """Cut a square at a random place, encode it without any metadata, and return its number."""
        left, top = (int(self._generator.integers(length - side + 1)) for length in picture.size)
        cut = Image.fromarray(np.asarray(picture)[top : top + side, left : left + side])
        address = data_address(png(cut))
        if address not in self.pictures:
            self.pictures.append(address)
        return self.pictures.index(address)


def _ask(
    contest: Contest, pairing: Pairing, album: _Album, generator: np.random.Generator
) -> tuple[Question, dict[str, Any]]:
    """Draw a sample of each of two methods; return what the key says of the pair, and what the page does."""
    by_method = {one.method: one.pictures for one in contest.contestants}
    drawn = [_draw(by_method[method], generator) for method in (pairing.first, pairing.second)]
    source, first, second = (one.load() for one in (contest.source, *drawn))
    side = min(LARGEST, *source.size, *first.size, *second.size)
    # Small cuts say little of a texture: of its source there is then more to see, at the same scale.
    context = min(LARGEST, *source.size, 2 * side)
    pair = generator.bytes(8).hex()
    shown = [Shown(method=name, picture=one.name) for name, one in zip(_names(pairing), drawn, strict=True)]
    return Question(pair=pair, texture=pairing.texture, first=shown[0], second=shown[1]), {
        "pair": pair,
        "side": side,
        "context": context,
        "source": album.add(source, context),
        "first": album.add(first, side),
        "second": album.add(second, side),
    }


def _names(pairing: Pairing) -> tuple[str, str]:
    return pairing.first, pairing.second


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
