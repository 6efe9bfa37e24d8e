"""The key of a page and the answers to it, as they are stored."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from inng_bench.errors import InputError

PageId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
"""It names a folder, and answers come from strangers."""

SittingId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class Choice(StrEnum):
    """What a person said of a pair."""

    FIRST = "first"
    SECOND = "second"
    CANNOT_TELL = "cannot tell"


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Shown(_Closed):
    """A sample of a pair: whose it is, and its file in the results folder."""

    method: str
    picture: str


class Question(_Closed):
    """A pair of a page, under the random name that it has there."""

    pair: str
    texture: str
    first: Shown
    second: Shown


class Key(_Closed):
    """What a page hides: which method drew which sample."""

    version: Literal[1] = 1
    page: PageId
    seed: int
    copying: tuple[str, ...]
    """Methods that copy the picture on some texture of the page."""
    questions: tuple[Question, ...]


class Answer(_Closed):
    """What a person said of one pair."""

    pair: str
    choice: Choice


class Answers(_Closed):
    """The file that a page saves."""

    version: Literal[1]
    page: PageId
    sitting: SittingId
    """Of one person in front of one page, however often they save."""
    answers: tuple[Answer, ...]


def read_key(path: Path) -> Key:
    """Read the key of a page.

    Raises
    ------
    InputError
        When it cannot be read or is damaged.
    """
    try:
        return Key.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"the key {path} cannot be read: {error.strerror}; make the page again.") from error
    except ValidationError as error:
        raise InputError(f"the key {path} is damaged; make the page again with the same command.") from error


def read_answers(path: Path) -> Answers:
    """Read a file that a page saved.

    Raises
    ------
    InputError
        When it cannot be read, is damaged or none of a page, or holds no answer or two to one pair.
    """
    try:
        answers = Answers.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check its name.") from error
    except ValidationError as error:
        raise InputError(
            f"{path} is damaged, cut short, or not a file of answers from a page of `judge`; save it from the page "
            "again."
        ) from error
    pairs = [answer.pair for answer in answers.answers]
    if not pairs:
        raise InputError(f"{path} contains no answers; answer at least one pair of the page before you save.")
    if len(set(pairs)) < len(pairs):
        raise InputError(f"{path} has two answers to one pair; save it from the page again.")
    return answers
