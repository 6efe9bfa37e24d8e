"""Bringing the paper's pictures to this machine, from the authors' repository or from a folder.

Pooch writes each to a temporary file, checks its SHA-256 and only then gives it its name, so that nothing wrong or half
is ever left.
"""

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

import pooch
import requests

from inng_bench.errors import InputError
from inng_bench.textures.catalogue import PAPER_COMMIT
from inng_bench.textures.paper import CACHE_VARIABLE, FETCH, PICTURES, file_name, is_present, picture_folder

BASE_URL = f"https://raw.githubusercontent.com/jlazarow/inn/{PAPER_COMMIT}/datasets/textures"

Downloader = Callable[[str, str, object], None]
"""Takes the address and the path to write to; Pooch hands over itself, too."""


class Outcome(StrEnum):
    """What became of one picture."""

    PRESENT = "was there already"
    FETCHED = "fetched"
    MISSING = "not found"
    DIFFERENT = "another file (its SHA-256 differs), not kept"


def fetch_pictures(source: Path | None, say: Callable[[str], None]) -> Path:
    """Fetch those of the paper's pictures that are not present.

    Parameters
    ----------
    source : Path or None
        A folder that holds them under the authors' names; None for the authors' repository.
    say : Callable[[str], None]
        Gets a line about each picture.

    Returns
    -------
    Path
        The folder where all of them are.

    Raises
    ------
    InputError
        When the source cannot be reached, or lacks some or has others in their place; what is right is kept.
    """
    if source is not None and not source.is_dir():
        raise InputError(f"there is no folder {source}; name one that holds the pictures, or leave out --from.")
    base, downloader = (BASE_URL, pooch.HTTPDownloader()) if source is None else (str(source), _copy)
    outcomes = {}
    with _quiet_pooch():
        for number, name in enumerate(PICTURES, start=1):
            outcomes[name] = Outcome.PRESENT if is_present(name) else _fetch(name, base, downloader)
            say(f"[{number:2}/{len(PICTURES)}] {name}: {outcomes[name]}")
    _refuse_the_rest(outcomes, base)
    return picture_folder()


def _copy(path: str, target: str, _: object) -> None:
    shutil.copyfile(path, target)


def _fetch(name: str, base: str, downloader: Downloader) -> Outcome:
    address, folder = f"{base}/{file_name(name)}", picture_folder()
    try:
        path = pooch.retrieve(address, PICTURES[name], file_name(name), folder, downloader=downloader)
        Path(path).chmod(0o644)  # it was a temporary file, which its owner alone may read
    except requests.RequestException as error:
        if _status(error) == HTTPStatus.NOT_FOUND:
            return Outcome.MISSING
        raise InputError(
            f"{address} cannot be downloaded ({_reason(error)}); check the network and repeat the command, or give "
            "a folder that holds the pictures with --from DIR."
        ) from error
    except FileNotFoundError:
        return Outcome.MISSING
    except ValueError:  # what Pooch raises for a wrong hash
        return Outcome.DIFFERENT
    except OSError as error:
        raise InputError(
            f"{address} cannot be written to {folder} ({error}); free some space, change the permissions, or name "
            f"another folder in the environment variable {CACHE_VARIABLE}."
        ) from error
    return Outcome.FETCHED


def _status(error: requests.RequestException) -> int | None:
    return None if error.response is None else int(error.response.status_code)


def _reason(error: requests.RequestException) -> str:
    match error:
        case requests.HTTPError():
            return f"status {_status(error)}"
        case requests.Timeout():
            return "no answer in time"
        case requests.exceptions.ChunkedEncodingError():
            return "the connection broke off"
        case _:
            return f"no connection: {type(error).__name__}"


def _refuse_the_rest(outcomes: Mapping[str, Outcome], base: str) -> None:
    """Name the pictures that could not be had, if there are any."""
    complaints = []
    for outcome in (Outcome.MISSING, Outcome.DIFFERENT):
        files = [file_name(name) for name, met in outcomes.items() if met is outcome]
        if files:
            complaints.append(f"{outcome}: {', '.join(files)}")
    if complaints:
        raise InputError(
            f"{base} does not hold all of the paper's pictures ({'; '.join(complaints)}); the right ones are kept, and "
            f"{FETCH} takes the rest from another folder with --from DIR or, without it, from the authors' repository."
        )


@contextlib.contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep Pooch from announcing each download in its own words."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
