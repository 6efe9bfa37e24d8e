"""The catalogue, the natural photographs, the windows, and pixels to tensors and back."""

import hashlib
import socket
import subprocess
import sys
from dataclasses import FrozenInstanceError
from importlib import resources
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inng_bench import cli
from inng_bench.errors import InputError
from inng_bench.report.texture_sheet import SIDE
from inng_bench.textures import (
    Box,
    Kind,
    Role,
    Texture,
    load_texture,
    texture_infos,
    texture_names,
    to_pixels,
    to_tensor,
)
from inng_bench.textures.natural import PHOTOGRAPHS
from inng_bench.textures.paper import PICTURES
from inng_bench.textures.procedural import PAINTERS, _fixed_realisation
from inng_bench.textures.windows import cut_windows, extract, resize

DOCS = Path(__file__).parents[1] / "docs"

CARRIED = [info.name for info in texture_infos() if info.kind is not Kind.PAPER]
"""The textures that an installation carries; test_textures_paper.py is about the others."""

NATURAL = [info.name for info in texture_infos() if info.kind is Kind.NATURAL]


@pytest.fixture(scope="module", params=CARRIED)
def texture(request: pytest.FixtureRequest) -> Texture:
    return load_texture(request.param)


def overlap(first: Box, second: Box) -> int:
    rows = min(first.top + first.height, second.top + second.height) - max(first.top, second.top)
    columns = min(first.left + first.width, second.left + second.width) - max(first.left, second.left)
    return max(rows, 0) * max(columns, 0)


def test_listing_the_textures_imports_neither_torch_nor_scikit_image() -> None:
    code = (
        "import sys; from inng_bench.textures import texture_infos, texture_names; "
        "assert len(texture_infos()) == len(texture_names()) >= 8; "
        "print([m for m in ('torch', 'skimage', 'scipy') if m in sys.modules])"
    )
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert listed.stdout.strip() == "[]"


def test_the_catalogue_and_the_makers_of_pixels_name_the_same_textures() -> None:
    assert set(texture_names()) == set(PHOTOGRAPHS) | set(PAINTERS) | set(PICTURES)
    assert len(set(texture_names())) == len(texture_names())


def test_every_carried_texture_has_three_held_out_windows_of_the_size_of_a_canvas(texture: Texture) -> None:
    windows = (texture.train, *texture.held_out)
    assert len(texture.held_out) >= 3
    assert {window.shape for window in windows} == {(256, 256, 3)}
    assert {window.dtype for window in windows} == {np.dtype(np.uint8)}
    assert len({window.tobytes() for window in windows}) == len(windows)


def test_there_are_sixteen_textures_of_tuning_and_test_and_nothing_was_chosen_on_half_of_them() -> None:
    roles = [info.role for info in texture_infos() if info.name in CARRIED]
    assert roles.count(Role.TUNING) + roles.count(Role.TEST) >= 16
    assert roles.count(Role.TEST) >= 8
    assert Role.NONE not in roles


def test_the_windows_cannot_be_written(texture: Texture) -> None:
    with pytest.raises(ValueError, match="read-only"):
        texture.train[0, 0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        texture.scale = 2.0  # type: ignore[misc]


def test_loading_again_gives_the_same_facts(texture: Texture) -> None:
    assert load_texture(texture.name).facts() == texture.facts()


def test_a_window_is_painted_the_same_again() -> None:
    window = _fixed_realisation.__wrapped__("cloth", "train")
    np.testing.assert_array_equal(window, load_texture("cloth").train)


def test_the_facts_hold_the_hashes_and_boxes_of_the_windows(texture: Texture) -> None:
    facts = texture.facts()
    assert facts.train.sha256 == hashlib.sha256(bytes(texture.train.ravel().tolist())).hexdigest()
    assert len(set(facts.hashes)) == 1 + len(facts.held_out)
    assert (facts.train.height, facts.train.width) == texture.train.shape[:2]
    assert facts.kind in {"natural", "procedural"}
    assert facts.licence
    assert facts.source


@pytest.mark.parametrize("name", NATURAL)
def test_natural_windows_are_disjoint_parts_of_one_picture(name: str) -> None:
    texture = load_texture(name)
    boxes = (texture.train_box, *texture.held_out_boxes)
    assert all(overlap(first, second) == 0 for first, second in combinations(boxes, 2))
    file = resources.files("skimage").joinpath("data", PHOTOGRAPHS[name].file)
    with Image.open(str(file)) as image:
        size = (round(image.width * texture.scale), round(image.height * texture.scale))
        whole = np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    for box, pixels in zip(boxes, (texture.train, *texture.held_out), strict=True):
        np.testing.assert_array_equal(whole[box.top : box.top + box.height, box.left : box.left + box.width], pixels)


def test_natural_windows_are_alike_in_colour() -> None:
    """No window may hold what another lacks: their mean colours differ by less than half of their spread."""
    for name in NATURAL:
        texture = load_texture(name)
        for window in texture.held_out:
            gap = np.abs(texture.train.mean(axis=(0, 1)) - window.mean(axis=(0, 1)))
            assert np.all(gap < texture.train.std(axis=(0, 1)) / 2), name


def test_natural_licences_are_those_of_scikit_images_documentation() -> None:
    data = pytest.importorskip("skimage.data")
    for info in texture_infos():
        if info.kind is not Kind.NATURAL:
            continue
        function = Path(PHOTOGRAPHS[info.name].file).stem
        words = " ".join(getattr(data, function).__doc__.split())
        stated = "Creative Commons CC0 License" if info.licence == "CC0-1.0" else info.licence
        assert stated in words, info.name


@pytest.mark.parametrize("name", NATURAL)
def test_natural_textures_are_read_without_a_network_or_a_cache(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a texture asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert load_texture(name).kind is Kind.NATURAL


def fake_skimage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = folder / "skimage" / "data"
    data.mkdir(parents=True)
    monkeypatch.setattr("inng_bench.textures.natural.resources.files", lambda package: folder / package)
    return data


def test_a_photograph_that_the_wheel_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_skimage(tmp_path, monkeypatch)
    with pytest.raises(InputError, match=r"has no data/grass\.png; install scikit-image"):
        load_texture("grass")


def test_another_photograph_under_the_same_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = fake_skimage(tmp_path, monkeypatch)
    Image.new("L", (512, 512), 7).save(data / "grass.png")
    with pytest.raises(InputError, match=r"data/grass\.png .* is not the expected picture"):
        load_texture("grass")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("bricks", "brick"), ("Gras", "grass"), ("hubbel", "hubble"), ("peebles", "pebbles")],
)
def test_an_unknown_texture_is_answered_with_the_nearest_one(wrong: str, right: str) -> None:
    with pytest.raises(InputError, match=f"{wrong!r}; did you mean {right!r}"):
        load_texture(wrong)


def test_an_unknown_texture_unlike_all_others_is_answered_with_the_list() -> None:
    with pytest.raises(InputError, match=r"choose from bark, .*field"):
        load_texture("xyzzy")


@given(st.integers(1, 700), st.integers(1, 700))
def test_windows_are_equal_disjoint_and_lie_in_the_picture(height: int, width: int) -> None:
    whole = Box(3, 5, height, width)
    windows = cut_windows(whole)
    assert len({(box.height, box.width) for box in windows}) == 1
    assert all(overlap(box, whole) == box.height * box.width for box in windows)
    assert all(overlap(first, second) == 0 for first, second in combinations(windows, 2))
    lost = height * width - sum(box.height * box.width for box in windows)
    assert lost <= 3 * max(height, width)  # lines that do not divide


@pytest.mark.parametrize(
    ("size", "count", "expected"),
    [
        ((256, 256), 1, (256, 256)),
        ((512, 512), 4, (256, 256)),
        ((258, 300), 4, (129, 150)),
        ((200, 300), 2, (200, 150)),
        ((301, 200), 2, (150, 200)),
        ((150, 600), 4, (150, 150)),
        ((700, 140), 4, (175, 140)),
    ],
)
def test_a_picture_is_quartered_halved_or_left_whole(
    size: tuple[int, int], count: int, expected: tuple[int, int]
) -> None:
    windows = cut_windows(Box(0, 0, *size))
    assert (len(windows), windows[0].height, windows[0].width) == (count, *expected)


def test_extracting_copies() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    window = extract(pixels, Box(2, 2, 4, 4))
    pixels[:] = 9
    assert window.max() == 0
    assert not window.flags.writeable


def test_resizing_does_not_alias() -> None:
    """Stripes at the limit of resolution become grey, not a moiré."""
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize(stripes, 0.4).astype(float)[8:-8, 8:-8]
    assert small.shape == (102 - 16, 102 - 16, 3)
    assert np.abs(small - 127.5).max() < 12


def test_a_scale_of_one_changes_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    assert resize(pixels, 1.0) is pixels


def test_black_and_white_become_the_ends_of_the_range() -> None:
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 0] = (0, 255, 51)
    tensor = to_tensor(pixels)
    assert tensor.dtype is torch.float32
    assert tensor.shape == (3, 2, 3)
    torch.testing.assert_close(tensor[:, 0, 0], torch.tensor([-1.0, 1.0, -0.6]))


def test_pixels_survive_the_way_to_a_tensor_and_back() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    pixels[..., 1] = pixels[..., 0].T
    np.testing.assert_array_equal(to_pixels(to_tensor(pixels)[None])[0], pixels)


def test_values_are_rounded_and_clipped() -> None:
    levels = torch.tensor([-7.0, 0.4, 0.6, 99.49, 254.6, 400.0])
    pictures = ((levels - 127.5) / 127.5).reshape(1, 1, 1, 6).expand(2, 3, 1, 6)
    pixels = to_pixels(pictures)
    assert pixels.shape == (2, 1, 6, 3)
    assert pixels[1, 0, :, 2].tolist() == [0, 0, 1, 99, 255, 255]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_pictures_that_are_not_finite_are_not_passed_off_as_grey(value: float) -> None:
    pictures = torch.zeros(1, 3, 4, 4)
    pictures[0, 1, 2, 3] = value
    with pytest.raises(ValueError, match="not finite"):
        to_pixels(pictures)


def test_the_sheet_of_textures_shows_the_middle_of_every_train_window(tmp_path: Path) -> None:
    assert cli.main(["textures", "sheet", str(tmp_path / "sheet.png")]) == 0
    with Image.open(tmp_path / "sheet.png") as made, Image.open(DOCS / "pictures" / "textures.png") as stored:
        shown = np.asarray(made.convert("RGB"))
        difference = shown.astype(float) - np.asarray(stored.convert("RGB"))
    assert np.abs(difference).mean() < 0.5  # processors round the painters' floating point differently
    first = load_texture("grass").train[32 : 32 + SIDE, 32 : 32 + SIDE]
    np.testing.assert_array_equal(shown[60 : 60 + SIDE, 20 : 20 + SIDE], first)
