"""What a worker is asked, and what it answers: JSON, so that nothing but Dask's own envelopes is unpickled."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from inng_bench.harness.cluster.parcel import Parcel
from inng_bench.harness.cluster.site import Demands, Site
from inng_bench.harness.messages import Message, Request
from inng_bench.records.store import RunKey


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(_Closed):
    """A file of the client that a request needs.

    Attributes
    ----------
    name, sha256 : str
        Of the file, and of its bytes.
    run : tuple[str, str, int] or None
        The run in whose folder it lies; None of a picture of one's own.
    """

    name: str
    sha256: str
    run: RunKey | None = None


class Job(_Closed):
    """One request and what goes with it.

    Attributes
    ----------
    request : Request
        What is to be done; the folder of the results is the client's.
    demands, site : Demands, Site
        What the worker's machine must have, and what it must be like.
    token : str
        Stands in a file of the results folder: a worker that reads it there shares the folder.
    pixels : tuple[str, ...]
        Hashes of the texture's windows, as the client has them.
    topic : str
        Under which the worker tells how it goes on.
    inputs : tuple[Input, ...]
        Files that a worker without the folder needs.
    """

    request: Request
    demands: Demands
    site: Site
    token: str
    pixels: tuple[str, ...]
    topic: str
    inputs: tuple[Input, ...] = ()


class Verdict(StrEnum):
    """How a worker answers."""

    SERVED = "served"
    """The message tells how the request ended."""
    UNFIT = "unfit"
    """The worker's machine cannot serve it; the message's error says why."""
    NEEDS = "needs"
    """Files have to come first."""


class Answer(_Closed):
    """What a worker returns.

    Attributes
    ----------
    verdict : Verdict
        Which of the other fields count.
    message : Message
        Done or failed, with the worker's name.
    address : str
        The worker's.
    parcel : Parcel or None
        The run's files, where the worker does not share the folder; they lie in ``place`` there.
    place : str
        The folder of the parcel on the worker.
    needs : tuple[Input, ...]
        Files that are not there.
    """

    verdict: Verdict
    message: Message
    address: str
    parcel: Parcel | None = None
    place: str = ""
    needs: tuple[Input, ...] = ()


class News(_Closed):
    """What a worker tells while it serves a request."""

    key: str
    message: Message

    @classmethod
    def of_event(cls, event: tuple[Any, Any]) -> "News":
        """Read an event of Dask: when, and what."""
        return cls.model_validate_json(event[1])
