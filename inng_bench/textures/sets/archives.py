"""Sets in the files that others have published: CelebA, SVHN, CIFAR-10, MNIST. Nothing is fetched, no pickle is opened.

Of each file the pictures alone are read, one after the other.
"""

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from inng_bench.errors import InputError
from inng_bench.textures.decoding import CheckSize, decode_stream

Pixels = NDArray[np.uint8]

Sample = tuple[Path, Callable[[CheckSize], Pixels]]
"""What names a picture in a sentence, and what reads it once its size is checked; may raise an InputError."""

MOST_PICTURES = 250_000
"""Of a set; CelebA has 202 599."""

SIDES = range(8, 129)
"""Sides in pixels that a picture of a set may have."""

MOST_BYTES = 64_000_000
"""Of a picture file in an archive."""

PUBLISHED = {
    "00d2c5bc6d35e252742224ab0c1e8fcb": "CelebA, aligned and cropped",
    "e26dedcc434d2e4c54c9b2d4a06d8373": "SVHN, train",
    "eb5a983be6a315427106f1b164d9cef3": "SVHN, test",
    "c32a1d4ab5d03f1284b67883e8d87530": "CIFAR-10, binary version",
    "f68b3c2dcbeaaa9fbdd348bbdeb94873": "MNIST, train",
    "9fb629c4189551a2d022fa330f9573f3": "MNIST, test",
}
"""Sets by the MD5 sum of their file, as torchvision (CelebA, SVHN, MNIST) and the page of CIFAR-10 state it."""

CIFAR_SIDE, CIFAR_BATCH = 32, "data_batch_"

IMAGES_MAGIC = 0x803
"""First number of a file of MNIST that holds pictures in bytes."""

PICKLES = (
    "is the Python version of CIFAR-10, whose pickles could run any code; take the binary version, "
    "cifar-10-binary.tar.gz."
)


def published(path: Path) -> str:
    """Return the name of a published set by the MD5 sum of its file; empty if it is none of them."""
    with path.open("rb") as stream:
        return PUBLISHED.get(hashlib.file_digest(stream, "md5").hexdigest(), "")


def samples_of(path: Path) -> Iterator[Sample]:
    """Return the pictures of an archive by its name.

    Parameters
    ----------
    path : pathlib.Path
        A ``.zip`` of picture files, a ``.mat`` of SVHN, a file of MNIST, a ``.tar.gz`` of CIFAR-10 or a batch of it.

    Raises
    ------
    InputError
        When the archive is damaged, holds other things, or too many; while it is read.
    """
    read = next((read for suffix, read in _READERS.items() if path.name.endswith(suffix)), None)
    if read is None:
        raise InputError(f"{path} is neither a folder nor an archive; name one that ends in {', '.join(_READERS)}.")
    try:
        yield from read(path)
    except InputError:
        raise
    except Exception as error:  # damaged files make the readers raise nearly anything
        raise InputError(f"{path} cannot be read ({type(error).__name__}: {error}); get the file again.") from error


def is_archive(path: Path) -> bool:
    """Say whether a file's name is that of an archive."""
    return path.name.endswith(tuple(_READERS))


def cifar_files(folder: Path) -> list[Path]:
    """Return the batches of a folder of CIFAR-10's binary version; none of any other folder."""
    if (folder / f"{CIFAR_BATCH}1").is_file():
        raise InputError(f"{folder} {PICKLES}")
    return sorted(folder.glob(f"{CIFAR_BATCH}*.bin"))


def _of_zip(path: Path) -> Iterator[Sample]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not _is_hidden(member)]
        _check_count(path, len(members))
        for member in members:
            yield path / member.filename, partial(_read_member, archive, member, path / member.filename)


def _is_hidden(member: zipfile.ZipInfo) -> bool:
    return member.is_dir() or any(part.startswith((".", "__MACOSX")) for part in Path(member.filename).parts)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: Path, check_size: CheckSize) -> Pixels:
    if member.file_size > MOST_BYTES:
        raise InputError(f"{name} has {member.file_size / 1e6:.0f} MB, far more than a picture of a set.")
    try:
        content = archive.read(member)
    except Exception as error:
        raise InputError(f"{name} cannot be read ({type(error).__name__}: {error}).") from error
    return decode_stream(name, io.BytesIO(content), check_size)


def _of_mat(path: Path) -> Iterator[Sample]:
    from scipy.io import loadmat, whosmat  # here, since it takes time to load

    shapes = {name: (shape, kind) for name, shape, kind in whosmat(path)}
    shape, kind = shapes.get("X", ((), ""))
    if len(shape) != 4 or shape[2] != 3 or kind != "uint8":
        raise InputError(f"{path} holds no pictures X of SVHN, uint8 (side, side, 3, number); get the file again.")
    _check_count(path, shape[3])
    if shape[0] != shape[1] or shape[0] not in SIDES:
        raise InputError(f"{path} holds pictures of {shape[1]}x{shape[0]} px, and SVHN has 32x32; get the file again.")
    pictures: Pixels = loadmat(path, variable_names=["X"])["X"]
    for number in range(shape[3]):
        yield path, partial(_checked, pictures[..., number])


def _of_idx(path: Path) -> Iterator[Sample]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        magic, count, height, width = np.frombuffer(_exactly(stream, 16), ">u4").tolist()
        if magic != IMAGES_MAGIC:
            raise InputError(f"{path} holds no pictures in the format of MNIST; name train-images-idx3-ubyte.gz.")
        _check_count(path, count)
        if height not in SIDES or width not in SIDES:
            raise InputError(f"{path} holds pictures of {width}x{height} px, and MNIST has 28x28; get the file again.")
        for _ in range(count):
            grey = np.frombuffer(_exactly(stream, height * width), np.uint8).reshape(height, width)
            yield path, partial(_checked, np.repeat(grey[..., np.newaxis], 3, axis=2))


def _of_tar(path: Path) -> Iterator[Sample]:
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name)
            if name.name == f"{CIFAR_BATCH}1":
                raise InputError(f"{path} {PICKLES}")
            if name.match(f"{CIFAR_BATCH}*.bin") and (stream := archive.extractfile(member)) is not None:
                with closing(stream):
                    yield from _of_batch(path / name, stream)


def _of_bin(path: Path) -> Iterator[Sample]:
    with path.open("rb") as stream:
        yield from _of_batch(path, stream)


def _of_batch(path: Path, stream: IO[bytes]) -> Iterator[Sample]:
    size = 1 + 3 * CIFAR_SIDE**2
    while record := stream.read(size):
        if len(record) < size:
            raise InputError(f"{path} ends within a picture of CIFAR-10; get the file again.")
        planes = np.frombuffer(record, np.uint8, offset=1).reshape(3, CIFAR_SIDE, CIFAR_SIDE)
        yield path, partial(_checked, planes.transpose(1, 2, 0))


_READERS: dict[str, Callable[[Path], Iterator[Sample]]] = {
    ".zip": _of_zip,
    ".mat": _of_mat,
    ".tar.gz": _of_tar,
    ".bin": _of_bin,
    "idx3-ubyte": _of_idx,
    "idx3-ubyte.gz": _of_idx,
}


def _checked(pixels: Pixels, check_size: CheckSize) -> Pixels:
    check_size((pixels.shape[0], pixels.shape[1]))
    return pixels


def _check_count(path: Path, count: int) -> None:
    if not 0 < count <= MOST_PICTURES:
        raise InputError(f"{path} holds {count} pictures, and a set has at most {MOST_PICTURES}; give another file.")


def _exactly(stream: IO[bytes] | gzip.GzipFile, count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise EOFError("the file ends too early")
    return content
