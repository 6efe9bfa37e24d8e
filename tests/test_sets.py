"""Sets of pictures: what is shipped, a folder of one's own, and what methods learn from."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from inng_bench import tiles
from inng_bench.errors import InputError
from inng_bench.metrics.sets import nearest
from inng_bench.pictures import TrainingPictures, as_tensor
from inng_bench.seeds import torch_generator
from inng_bench.textures import folders, load_folder, load_own_texture, load_texture
from inng_bench.textures.decoding import decode_picture
from inng_bench.textures.paper import CACHE_VARIABLE
from inng_bench.textures.sets import folder as folder_module
from inng_bench.textures.sets.bundled import digits

Pixels = NDArray[np.uint8]

COUNT, SIDE = 90, 16


def noise(count: int = COUNT, side: int = SIDE, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def write(folder: Path, pictures: Pixels, first: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number, picture in enumerate(pictures, start=first):
        Image.fromarray(picture).save(folder / f"{number:03d}.png", compress_level=0)
    return folder


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return write(tmp_path / "Mine", noise())


def known(pictures: Pixels) -> set[bytes]:
    return {picture.tobytes() for picture in pictures}


def test_the_faces_are_2048_drawings_and_512_of_other_seeds() -> None:
    faces = load_texture("faces")
    assert faces.is_set
    assert faces.licence == "CC0-1.0"
    assert tiles.of_strip(faces.train).shape == (2048, 64, 64, 3)
    assert tiles.of_strip(faces.held_out[0]).shape == (512, 64, 64, 3)
    # Two seeds may give one drawing, for the style has finitely many.
    assert len(known(tiles.of_strip(faces.train)) & known(tiles.of_strip(faces.held_out[0]))) < 512 / 50


def test_the_digits_are_the_levels_of_scikit_learn_enlarged() -> None:
    pictures, classes = digits()
    assert pictures.shape == (1797, 32, 32, 3)
    assert np.bincount(classes).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    held_out = tiles.of_strip(load_texture("digits").held_out[0])
    np.testing.assert_array_equal(held_out, pictures[1437:])


@pytest.mark.parametrize("count", [1, 15, 16, 300])
def test_mosaics_hold_all_pictures_in_their_order(count: int) -> None:
    pictures = noise(count, 8)
    found = tiles.mosaics(pictures)
    assert [one.shape[1] for one in found] == [min(16, count) * 8] * len(found)
    np.testing.assert_array_equal(tiles.of_mosaics(found, 8, count), pictures)


def test_a_strip_has_the_pixels_of_a_set_in_their_order() -> None:
    pictures = noise()
    assert tiles.as_strip(pictures).tobytes() == pictures.tobytes()
    np.testing.assert_array_equal(tiles.of_strip(tiles.as_strip(pictures)), pictures)


def test_whole_pictures_are_drawn_alike_often() -> None:
    levels = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    drawn = TrainingPictures(levels).draw(4000, 8, torch_generator(0))
    assert drawn.shape == (4000, 3, 8, 8)
    with pytest.raises(ValueError, match="do not have 9 px a side"):
        TrainingPictures(levels).draw(1, 9, torch_generator(0))
    counts = torch.bincount(((drawn[:, 0, 0, 0] + 1) * 127.5).round().long(), minlength=4)
    assert 900 < int(counts.min()) <= int(counts.max()) < 1100


def test_a_folder_is_read_once_and_mapped_into_memory(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_folder(own)
    monkeypatch.setattr(folders, "decode_picture", None)
    again = load_folder(own)
    assert again.facts() == first.facts() == replace(first, hashes=()).facts()
    assert isinstance(again.train.base, np.memmap | np.ndarray)
    assert (again.name, again.kind) == ("mine", "own set")
    assert known(tiles.of_strip(again.train)) | known(tiles.of_strip(again.held_out[0])) == known(noise())


def test_what_is_held_out_stays_so_when_pictures_are_added_and_renamed(own: Path) -> None:
    before = known(tiles.of_strip(load_folder(own).held_out[0]))
    write(own, noise(40, seed=1), first=500)
    (own / "000.png").rename(own / "zzz.png")
    after = known(tiles.of_strip(load_folder(own).held_out[0]))
    assert before == after & known(noise())


def test_a_copy_of_a_picture_goes_with_it_to_its_side_of_the_split(own: Path) -> None:
    write(own, noise(), first=500)
    texture = load_folder(own)
    assert not known(tiles.of_strip(texture.train)) & known(tiles.of_strip(texture.held_out[0]))


def broken(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"no picture")


def of_another_size(folder: Path) -> None:
    write(folder, noise(1, 24), first=999)


def leading_out(folder: Path) -> None:
    write(folder.parent / "elsewhere", noise(1, seed=3))
    (folder / "link.png").symlink_to(folder.parent / "elsewhere" / "000.png")


def not_square(folder: Path) -> None:
    Image.fromarray(noise()[0, :, :10]).save(folder / "narrow.png")


UNUSABLE = {
    broken: "broken.png is not a PNG",
    of_another_size: "999.png has 24x24 px and others 16x16",
    leading_out: "link.png is a link that leads out of the folder",
    not_square: "narrow.png has 10x16 px",
}


@pytest.mark.parametrize(("spoil", "sentence"), UNUSABLE.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_a_file_that_cannot_be_used_is_named_and_on_request_passed_over(
    own: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(own)
    with pytest.raises(InputError, match=sentence) as caught:
        load_folder(own)
    assert "1 of 91 files" in str(caught.value)
    assert "--pass-over" in str(caught.value)
    texture = load_folder(own, pass_over=True)
    assert texture.source == "Mine: 90 pictures, 1 files passed over"


def test_a_picture_that_changes_while_it_is_read_is_refused(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def read_and_change(path: Path, check: Callable[[tuple[int, int]], None]) -> Pixels:
        found = decode_picture(path, check)
        if path.name == "007.png":
            os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr(folders, "decode_picture", read_and_change)
    with pytest.raises(InputError, match=r"007\.png changed while it was read"):
        load_folder(own)


def test_an_empty_folder_two_pictures_and_too_many_files_are_refused(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="is empty"):
        load_folder(empty)
    with pytest.raises(InputError, match="holds 2 pictures that can be used and a set needs 64"):
        load_folder(write(tmp_path / "two", noise(2)))
    with pytest.raises(InputError, match="cannot be read"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="too many copies of one picture"):
        load_folder(write(tmp_path / "copies", np.repeat(noise(1), 70, axis=0)))
    monkeypatch.setattr(folder_module, "MOST_PICTURES", 80)
    with pytest.raises(InputError, match="more than 80 files"):
        load_folder(own)


def test_nothing_is_left_in_the_cache_of_a_folder_that_was_refused(own: Path, tmp_path: Path) -> None:
    broken(own)
    with pytest.raises(InputError):
        load_folder(own)
    assert [path.name for path in (tmp_path / "cache" / "sets").iterdir()] == []


def test_a_single_picture_is_still_one_texture(tmp_path: Path) -> None:
    Image.fromarray(noise(1, 128)[0]).save(tmp_path / "one.png")
    assert not load_own_texture(tmp_path / "one.png").is_set


def test_a_hundred_thousand_pictures_take_the_memory_of_those_that_are_drawn(tmp_path: Path) -> None:
    many = np.lib.format.open_memmap(tmp_path / "many.npy", "w+", np.uint8, (100_000, 64, 64, 3))  # a hole in the disk
    many[99_999] = 255
    drawn = TrainingPictures(many).draw(64, 64, torch.Generator().manual_seed(1))
    assert drawn.nbytes < 4 * 2**20
    assert float(as_tensor(many[-1:]).min()) == 1.0


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells the memory of a mapped file")
def test_what_was_read_of_a_map_of_a_file_does_not_stay_in_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", noise(1000, 64))
    many = np.load(tmp_path / "set.npy", mmap_mode="r").reshape(-1, 64, 3)  # as a set stands in a texture
    pictures = TrainingPictures(tiles.of_strip(many))
    first = pictures.draw(200, 64, torch_generator(0))
    nearest(noise(4, 64), pictures.pictures)
    assert resident_kib(tmp_path / "set.npy") == 0
    assert torch.equal(first, pictures.draw(200, 64, torch_generator(0)))


def resident_kib(path: Path) -> int:
    """Return how much of a mapped file is in the memory of this process."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    sizes = [next(line for line in lines if line.startswith("Rss:")) for header in lines if header.endswith(str(path))]
    assert sizes
    return sum(int(size.split()[1]) for size in sizes)


def test_a_cache_that_cannot_be_written_is_named(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"cannot be kept in .*; make room there, or name another folder by"):
        load_folder(own)


def test_what_was_lost_of_the_cache_is_made_again(own: Path, tmp_path: Path) -> None:
    first = load_folder(own).facts()
    (packed,) = (tmp_path / "cache" / "sets").glob("*.npy")
    packed.unlink()
    assert load_folder(own).facts() == first
