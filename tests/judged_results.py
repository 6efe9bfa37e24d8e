"""Results folders with pictures, as `judge` needs them, and answers as a page saves them."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from record_builder import make_record, make_texture, write_picture, write_records

from inng_bench.hashes import file_hash
from inng_bench.people.documents import Key, Question
from inng_bench.records import store
from inng_bench.records.schema import Record, TextureFacts, Window

SIDE = 96
"""Of windows and, unless a test says otherwise, of samples, in pixels."""

METHODS = ("real", "mirror", "inng", "dcgan", "noise")


def make_results(
    out: Path,
    methods: Sequence[str] = METHODS,
    textures: Sequence[str] = ("brick", "grass"),
    *,
    samples: int = 3,
    sides: Mapping[str, int] | None = None,
    **facts: Any,
) -> Path:
    """Store records with samples of noise, of a side by method; ``facts`` are those of the textures."""
    records = []
    for texture in textures:
        described = write_windows(out, texture).model_copy(update=facts)
        for method in methods:
            drawn = 0 if method == "real" else samples
            records.append(write_samples(out, described, method, drawn, (sides or {}).get(method, SIDE)))
    return write_records(out, records)


def write_windows(out: Path, texture: str) -> TextureFacts:
    facts = make_texture(texture)
    paths = store.window_paths(out, texture, len(facts.held_out))
    windows = [_write_window(path, seed) for seed, path in enumerate(paths, start=100 * len(texture))]
    return facts.model_copy(update={"train": windows[0], "held_out": tuple(windows[1:])})


def _write_window(path: Path, seed: int) -> Window:
    write_picture(path, SIDE, SIDE, seed)
    with Image.open(path) as image:
        pixels = np.asarray(image).tobytes()
    return Window(top=0, left=0, height=SIDE, width=SIDE, sha256=hashlib.sha256(pixels).hexdigest())


def write_samples(out: Path, facts: TextureFacts, method: str, count: int, side: int) -> Record:
    artefacts = {f"sample-{number}": f"sample-{number}.png" for number in range(count)}
    folder = store.run_folder(out, facts.name, method, 0)
    for number, name in enumerate(artefacts.values()):
        write_picture(folder / name, side, side, seed=int.from_bytes(f"{facts.name}{method}{number}".encode()))
    hashes = {role: file_hash(folder / name) for role, name in artefacts.items()}
    return make_record(method, texture=facts, artefacts=artefacts, hashes=hashes)


def answers_to(
    key: Key, choose: Callable[[Question], str], *, sitting: int = 0, number: int | None = None
) -> dict[str, Any]:
    """Return what a page saves when a person chooses so."""
    answers = [{"pair": question.pair, "choice": choose(question)} for question in key.questions[:number]]
    return {"version": 1, "page": key.page, "sitting": f"{sitting:016x}", "answers": answers}


def by_rank(order: Sequence[str]) -> Callable[[Question], str]:
    """Choose the method that comes first in an order."""
    return lambda question: (
        "first" if order.index(question.first.method) < order.index(question.second.method) else "second"
    )


def save(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path
