"""The pictures of a page: windows and samples of every run. Each is stored once; their size is limited."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inng_bench.pages import data_address
from inng_bench.records import store
from inng_bench.records.schema import Record
from inng_bench.report.canvas import Loaded, load_picture, png, tile_grid
from inng_bench.report.rows import COPIES, REAL, Row, by_texture
from inng_bench.report.sheets import CANVAS, figures_line, load_window, sample_roles, tiles_in_panel
from inng_bench.report.study import Study

MOST_BYTES = 18_000_000
"""Of all PNGs together: a third more as text, so that the page stays under 30 MB."""

SAMPLES_OF_A_RUN = 2

_WINDOWS = {"source": "source (train window)", "held-out": "held-out window"}


@dataclass(frozen=True)
class Shown:
    """A picture of the page.

    Attributes
    ----------
    name : str
        What is seen, such as ``inng, seed 0, sample 1``.
    key : str
        Its name in an address.
    address : str
        Holds the picture.
    width, height : int
        In pixels.
    """

    name: str
    key: str
    address: str
    width: int
    height: int


@dataclass
class RunPictures:
    """The samples of one row: the first stands beside those of the other methods.

    Attributes
    ----------
    row : Row
        The row of the samples.
    shown : list[Shown]
        From the first seed on.
    reason : str
        Why there is no picture.
    """

    row: Row
    shown: list[Shown] = field(default_factory=list)
    reason: str = ""

    @property
    def figures(self) -> str:
        """The leading figures of the row in a line."""
        return figures_line(self.row).removeprefix(f"{COPIES}: ")


@dataclass
class TexturePictures:
    """The pictures of one texture."""

    row: Row
    windows: list[Shown] = field(default_factory=list)
    runs: list[RunPictures] = field(default_factory=list)

    @property
    def further(self) -> list[Shown]:
        """The samples beyond the first of each row."""
        return [picture for run in self.runs for picture in run.shown[1:]]


@dataclass(frozen=True)
class Gallery:
    """All pictures, and the number of pictures that were left out."""

    textures: tuple[TexturePictures, ...]
    left_out: int


def make_gallery(study: Study, most_bytes: int = MOST_BYTES) -> Gallery:
    """Choose pictures round by round: windows, the first sample of each row, of each run, then further ones."""
    textures = [_texture(study.results, group) for group in by_texture(study.rows).values()]
    spent = sum(len(one.address) * 3 // 4 for texture in textures for one in texture.windows)
    left_out = 0
    runs = [run for texture in textures for run in texture.runs]
    for number in range(SAMPLES_OF_A_RUN):
        for seed in range(max((len(run.row.succeeded) for run in runs), default=0)):
            for run in runs:
                found = _sample(study.results, run, seed, number)
                if found is None:
                    continue
                if spent + len(found[1]) > most_bytes:
                    left_out += 1
                    continue
                spent += len(found[1])
                run.shown.append(found[0])
    return Gallery(tuple(textures), left_out)


def _texture(results: Path, rows: Sequence[Row]) -> TexturePictures:
    facts = rows[0].texture
    paths = store.window_paths(results, facts.name, len(facts.held_out))[:2]
    windows = [
        _shown(name, f"{facts.name}/{key}", png(loaded.image) if facts.is_strip else path.read_bytes(), loaded)
        for path, (key, name) in zip(paths, _WINDOWS.items(), strict=False)
        if (loaded := load_window(path, name, rows[0])).image is not None
    ]
    runs = [RunPictures(row, reason="" if row.succeeded else row.error) for row in rows if row.implementation != REAL]
    return TexturePictures(rows[0], windows, runs)


def _sample(results: Path, run: RunPictures, seed: int, number: int) -> tuple[Shown, bytes] | None:
    """Return a sample of a row's run, or tiles as many as a canvas holds; None where there is none."""
    if seed >= len(run.row.succeeded):
        return None
    record = run.row.succeeded[seed]
    name = f"{record.method}, seed {record.replicate}, sample {number + 1}"
    key = f"{record.texture.name}/{record.method}/{record.replicate}/{number + 1}"
    content, loaded = _content(results, record, number)
    if loaded.image is None:
        run.reason = run.reason or loaded.reason
        return None
    return _shown(name, key, content, loaded), content


def _content(results: Path, record: Record, number: int) -> tuple[bytes, Loaded]:
    roles = sample_roles(record)
    if number >= len(roles):
        return b"", Loaded(None, "The record names no samples.")
    path = store.artefact_path(results, record, roles[number])
    loaded = load_picture(path, roles[number])
    if loaded.image is None or path is None:
        return b"", loaded
    side = min(loaded.image.size)
    if side >= CANVAS:
        return path.read_bytes(), loaded
    count = tiles_in_panel(side)
    wanted = roles[number * count : (number + 1) * count]
    loaded_tiles = (load_picture(store.artefact_path(results, record, role), role) for role in wanted)
    tiles = [one.image for one in loaded_tiles if one.image is not None]
    if not tiles:
        return b"", Loaded(None, "There are no further tiles.")
    grid = tile_grid(tiles)
    return png(grid), Loaded(grid)


def _shown(name: str, key: str, content: bytes, loaded: Loaded) -> Shown:
    assert loaded.image is not None
    return Shown(name, key, data_address(content), *loaded.image.size)
