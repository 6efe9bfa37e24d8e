"""The last states of something that goes on changing, in a folder of its own.

Each state is a numbered file with its SHA-256 beside it, as ``sha256sum --check`` reads it::

    000041.safetensors   000041.safetensors.sha256
    000042.safetensors   000042.safetensors.sha256

The hash is written last, so that a state whose writing was interrupted has none and does not count.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from inng_bench.errors import InputError
from inng_bench.files import remove_unfinished, write_atomically

KEPT = 2
"""States that stay: the newest, and the one before in case that the newest comes to harm."""

_STATE = re.compile(r"(\d{6,})\.safetensors(\.sha256|\.damaged)?")


class Generations:
    """The states in one folder, which need not exist.

    Parameters
    ----------
    folder : Path
        Holds nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, content: bytes) -> None:
        """Write the newest state, then forget all but the last two.

        Raises
        ------
        InputError
            When it cannot be written; the states before it stand.
        """
        number = 1 + max(self._numbers(), default=0)
        path = self._path(number)
        write_atomically(path, content)
        write_atomically(_hash_path(path), _hash_line(path, content))
        self._forget(before=number - KEPT + 1)

    def complete(self) -> list[Path]:
        """Return the states that were written to their end, the newest first, whether or not they are whole still."""
        return [
            path for number in sorted(self._numbers(), reverse=True) if _hash_path(path := self._path(number)).exists()
        ]

    def newest(self, on_damage: Callable[[str], None]) -> bytes | None:
        """Return the newest whole state, or None.

        Parameters
        ----------
        on_damage : Callable[[str], None]
            Is told of each damaged state, which is set aside under the ending ``.damaged``.
        """
        for path in self.complete():
            try:
                return read_state(path)
            except InputError as error:
                on_damage(str(error))
                _set_aside(path)
        return None

    def remove(self) -> None:
        """Remove all states and the folder."""
        if self._folder.exists():
            self._forget(before=1 + max(self._numbers(), default=0))
            remove_unfinished(self._folder)
            with contextlib.suppress(OSError):  # somebody keeps other things in it
                self._folder.rmdir()

    def _numbers(self) -> set[int]:
        names = (_STATE.fullmatch(path.name) for path in self._folder.glob("*.safetensors*"))
        return {int(name[1]) for name in names if name}

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.safetensors"

    def _forget(self, *, before: int) -> None:
        for number in sorted(self._numbers()):
            if number < before:
                path = self._path(number)
                # The hash first: what is left of an interruption here does not count as a state.
                for file in (_hash_path(path), path, _damaged_path(path)):
                    file.unlink(missing_ok=True)


def read_state(path: Path) -> bytes:
    """Read one state.

    Raises
    ------
    InputError
        When it is missing or does not agree with its hash.
    """
    try:
        content = path.read_bytes()
        expected = _hash_path(path).read_bytes()
    except OSError as error:
        raise InputError(f"the checkpoint {path} cannot be read ({error.strerror}); delete it.") from error
    if expected != _hash_line(path, content):
        raise InputError(f"the checkpoint {path} is damaged: it does not agree with its SHA-256; delete it.")
    return content


def _set_aside(path: Path) -> None:
    _hash_path(path).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.replace(_damaged_path(path))


def _hash_line(path: Path, content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {path.name}\n".encode()


def _hash_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _damaged_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")
