"""Whole-or-nothing file writes."""

import contextlib
import os
import tempfile
from pathlib import Path

from inng_bench.errors import InputError

_UNFINISHED = ".tmp"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    The content goes to a temporary file in the same folder, is flushed to disk and then takes the name.

    Raises
    ------
    InputError
        When the folder cannot be created or written, or the disk is full. The old file then stands whole, or the new
        one if it was there already when flushing its folder failed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_UNFINISHED, dir=path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # it has its name already, or the disk is gone
            Path(temporary).unlink()


def remove_unfinished(folder: Path) -> None:
    """Remove what :func:`write_atomically` leaves in a folder when its process is killed."""
    for path in folder.glob(f".*{_UNFINISHED}"):
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot write {path}: {error.strerror or error}; free some space or name another folder with --out."
    )
