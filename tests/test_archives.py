"""Sets in the files that others have published, each fabricated here in its format with a few pictures."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat
from test_sets import known, noise

from inng_bench.cli import main
from inng_bench.errors import InputError
from inng_bench.harness.suite import own_set_suite
from inng_bench.textures import load_folder
from inng_bench.textures.paper import CACHE_VARIABLE
from inng_bench.textures.sets import archives
from inng_bench.tiles import of_strip

Pixels = NDArray[np.uint8]

COUNT = 80


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def as_mat(folder: Path, pictures: Pixels) -> Path:
    savemat(folder / "train_32x32.mat", {"X": pictures.transpose(1, 2, 3, 0), "y": np.ones((len(pictures), 1))})
    return folder / "train_32x32.mat"


def idx(pictures: Pixels, magic: int = 0x803) -> bytes:
    return struct.pack(">4I", magic, *pictures.shape[:3]) + pictures[..., 0].tobytes()


def as_idx(folder: Path, pictures: Pixels) -> Path:
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(pictures)))
    return path


def batch(pictures: Pixels) -> bytes:
    return b"".join(b"\7" + picture.transpose(2, 0, 1).tobytes() for picture in pictures)


def as_batches(folder: Path, pictures: Pixels) -> Path:
    place = folder / "cifar-10-batches-bin"
    place.mkdir()
    for number, part in enumerate(np.array_split(pictures, 5), start=1):
        (place / f"data_batch_{number}.bin").write_bytes(batch(part))
    (place / "test_batch.bin").write_bytes(batch(noise(3, 32, seed=9)))
    (place / "readme.html").write_text("CIFAR-10")
    return place


def as_tar(folder: Path, pictures: Pixels) -> Path:
    path = folder / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(as_batches(folder, pictures), "cifar-10-batches-bin")
    return path


def png(picture: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def as_zip(folder: Path, pictures: Pixels) -> Path:
    path = folder / "img_align_celeba.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("img_align_celeba/", "")
        archive.writestr("__MACOSX/img_align_celeba/._000.png", "")
        for number, picture in enumerate(pictures):
            archive.writestr(f"img_align_celeba/{number:03d}.png", png(picture))
    return path


FORMATS: dict[Callable[[Path, Pixels], Path], int] = {as_mat: 32, as_idx: 28, as_batches: 32, as_tar: 32, as_zip: 24}


@pytest.mark.parametrize(("write", "side"), FORMATS.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_every_format_gives_its_pictures(write: Callable[[Path, Pixels], Path], side: int, tmp_path: Path) -> None:
    pictures = noise(COUNT, side)
    if write is as_idx:
        pictures = np.repeat(pictures[..., :1], 3, axis=3)
    path = write(tmp_path, pictures)
    texture = load_folder(path)
    assert known(of_strip(texture.train)) | known(of_strip(texture.held_out[0])) == known(pictures)
    assert texture.source.endswith("80 pictures" if path.is_dir() else "80 pictures, of no published MD5")
    assert own_set_suite(path).of_sets


def test_a_published_file_is_known_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_mat(tmp_path, noise(COUNT, 32))
    monkeypatch.setitem(archives.PUBLISHED, hashlib.md5(path.read_bytes()).hexdigest(), "SVHN, train")
    assert load_folder(path).source == "train_32x32.mat: 80 pictures, by its MD5 SVHN, train"


def test_the_middle_of_larger_pictures_is_reduced_on_request(tmp_path: Path) -> None:
    tall = noise(COUNT, 60)[:, :, :40]
    path = as_zip(tmp_path, tall)
    with pytest.raises(InputError, match=r"has 40x60 px, and the pictures of a set are squares .* --side 64 reduces"):
        load_folder(path)
    texture = load_folder(path, side=20)
    assert texture.train.shape[1] == 20
    assert "middle squares of 20 px" in texture.source
    middle = Image.fromarray(tall[0, 10:50]).resize((20, 20), Image.Resampling.LANCZOS)
    pictures = known(of_strip(texture.train)) | known(of_strip(texture.held_out[0]))
    assert np.asarray(middle).tobytes() in pictures
    with pytest.raises(InputError, match="less than the side of 50 px"):
        load_folder(path, side=50)


def python_version(folder: Path) -> Path:
    place = folder / "cifar-10-batches-py"
    place.mkdir()
    (place / "data_batch_1").write_bytes(pickle.dumps({"data": []}))
    return place


def python_archive(folder: Path) -> Path:
    path = folder / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(python_version(folder), "cifar-10-batches-py")
    return path


def cut_short(write: Callable[[Path, Pixels], Path]) -> Callable[[Path], Path]:
    def damaged(folder: Path) -> Path:
        path = write(folder, noise(COUNT, 32))
        path = path / "data_batch_5.bin" if path.is_dir() else path
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2 + 99])
        return path.parent if path.suffix == ".bin" else path

    return damaged


def labels(folder: Path) -> Path:
    path = folder / "train-labels-idx3-ubyte"
    path.write_bytes(idx(noise(2, 28), 0x801))
    return path


def huge(folder: Path) -> Path:
    path = folder / "many-idx3-ubyte"
    path.write_bytes(struct.pack(">4I", 0x803, 2**31, 28, 28))
    return path


def wide(folder: Path) -> Path:
    path = folder / "wide-idx3-ubyte"
    path.write_bytes(struct.pack(">4I", 0x803, 9, 2**16, 2**16))
    return path


def other_mat(folder: Path) -> Path:
    savemat(folder / "x.mat", {"X": np.zeros((4, 4))})
    return folder / "x.mat"


def no_zip(folder: Path) -> Path:
    (folder / "a.zip").write_bytes(b"PK nothing")
    return folder / "a.zip"


def spoilt_member(folder: Path) -> Path:
    path = as_zip(folder, noise(COUNT, 24))
    content = path.read_bytes()
    place = content.index(b"IDAT") + 50
    path.write_bytes(content[:place] + b"\0\0\0\0" + content[place + 4 :])
    return path


def neither(folder: Path) -> Path:
    (folder / "notes.txt").write_text("faces")
    return folder / "notes.txt"


def missing(folder: Path) -> Path:
    return folder / "nothing.zip"


BAD: dict[Callable[[Path], Path], str] = {
    python_version: "pickles could run any code; take the binary version",
    python_archive: "pickles could run any code; take the binary version",
    cut_short(as_mat): "cannot be read",
    cut_short(as_idx): "cannot be read .*EOFError",
    cut_short(as_batches): "ends within a picture",
    cut_short(as_tar): "cannot be read",
    cut_short(as_zip): "cannot be read",
    labels: "holds no pictures in the format of MNIST",
    huge: "holds 2147483648 pictures",
    wide: "holds pictures of 65536x65536 px",
    other_mat: "holds no pictures X of SVHN",
    no_zip: "cannot be read",
    spoilt_member: "1 of 80 files .*000.png cannot be read .BadZipFile",
    neither: "is neither a folder nor an archive",
    missing: "cannot be read .No such file",
}


@pytest.mark.parametrize(("make", "sentence"), BAD.items(), ids=range(len(BAD)))
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(
    make: Callable[[Path], Path], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError, match=sentence):
        load_folder(path)
    assert main(["run", "--pictures", str(path), "--dry-run"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_member_that_is_damaged_is_passed_over_on_request(tmp_path: Path) -> None:
    texture = load_folder(spoilt_member(tmp_path), pass_over=True)
    assert texture.source.startswith("img_align_celeba.zip: 79 pictures, 1 files passed over")


def test_an_archive_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_idx(tmp_path, noise(COUNT, 28))
    readers = archives._READERS["idx3-ubyte.gz"]

    def changing(path: Path) -> Iterator[archives.Sample]:
        yield from readers(path)
        path.touch()

    monkeypatch.setitem(archives._READERS, "idx3-ubyte.gz", changing)
    with pytest.raises(InputError, match="changed while it was read"):
        load_folder(path)


def test_a_side_belongs_to_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--suite", "smoke", "--side", "64"]) == 2
    assert "--side belongs to --pictures" in capsys.readouterr().err
