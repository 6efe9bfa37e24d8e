"""Weights in files: read by tensors alone, and only when their hash is the expected one. Nothing is downloaded."""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import torch
from torch import Tensor

from inng_bench.errors import InputError


def read_weights(path: Path, sha256: str, mend: str) -> dict[str, Tensor]:
    """Read the parameters in a file and nothing else.

    Parameters
    ----------
    path : Path
        As ``torch.save`` writes it.
    sha256 : str
        What its bytes must hash to.
    mend : str
        What the user can do otherwise, as a clause.

    Raises
    ------
    InputError
        When the file cannot be read or has another hash.
    """
    with _opened(path, sha256, mend) as stream:
        return cast(dict[str, Tensor], torch.load(stream, map_location="cpu", weights_only=True))


@contextlib.contextmanager
def _opened(path: Path, sha256: str, mend: str) -> Iterator[BinaryIO]:
    """Open a file, at its beginning, whose bytes have been compared with their hash."""
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != sha256:
                raise InputError(f"the weights {path} have SHA-256 {found}, not {sha256}; {mend}.")
            stream.seek(0)
            yield stream
    except OSError as error:
        raise InputError(f"the weights {path} cannot be read ({error.strerror}); {mend}.") from error


@dataclass(frozen=True)
class LocalWeights:
    """A file that the user brings along.

    Attributes
    ----------
    title : str
        What it is, for people.
    variable : str
        Environment variable that names its path. A file of another hash is taken where the variable of the same name
        with ``_SHA256`` states it.
    sha256 : str
        Of the published file.
    url : str
        Where that can be had.
    """

    title: str
    variable: str
    sha256: str
    url: str

    @property
    def expected_sha256(self) -> str:
        """The hash that the user states, else the published one."""
        return os.environ.get(f"{self.variable}_SHA256", self.sha256).lower()

    def check(self) -> None:
        """Refuse, before any work, what :meth:`read` would refuse.

        Raises
        ------
        InputError
            When no file is named, or it is not the expected one.
        """
        with _opened(self._path(), self.expected_sha256, self._mend):
            pass

    def read(self) -> dict[str, Tensor]:
        """Read the file that the user names.

        Raises
        ------
        InputError
            When none is named, or it is not the expected one.
        """
        return read_weights(self._path(), self.expected_sha256, self._mend)

    def _path(self) -> Path:
        if self.variable not in os.environ:
            raise InputError(f"the {self.title} are not found; {self._mend}.")
        return Path(os.environ[self.variable])

    @property
    def _mend(self) -> str:
        return f"set {self.variable} to the path of the file from {self.url}"


VGG19 = LocalWeights(
    title="VGG-19 weights",
    variable="INNG_BENCH_VGG19",
    sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
)

INCEPTION = LocalWeights(
    title="Inception weights",
    variable="INNG_BENCH_INCEPTION",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
)

_NEEDED = {"gram_vgg": VGG19, "patch_fid_inception": INCEPTION, "patch_kid_inception": INCEPTION}


def check_weights(metrics: Iterable[str]) -> None:
    """Refuse metrics whose weights are not at hand.

    Raises
    ------
    InputError
        Names the first file that is missing or not the expected one.
    """
    for weights in dict.fromkeys(_NEEDED[name] for name in metrics if name in _NEEDED):
        weights.check()
