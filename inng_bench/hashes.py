"""SHA-256 of JSON values and of files."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHECKSUM = "checksum"
"""Key under which a JSON file keeps the hash of all its other keys."""


def canonical_hash(content: Any) -> str:
    """Return the SHA-256 of a JSON value, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; an unreadable file raises :class:`OSError`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with its checksum."""
    return {**content, CHECKSUM: canonical_hash(content)}


def unsealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object without its checksum.

    Raises
    ------
    ValueError
        When there is none or it is another one.
    """
    fields = {name: value for name, value in content.items() if name != CHECKSUM}
    if content.get(CHECKSUM) != canonical_hash(fields):
        raise ValueError("its content does not agree with its checksum")
    return fields
