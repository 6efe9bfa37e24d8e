"""Records of older schemas, brought to the present one step at a time.

Each function takes the content of a record of one version and returns that of the next. Facts that the older version
did not keep become what says "not known". A file of every version stands in ``tests/golden``.
"""

from collections.abc import Callable
from typing import Any

from inng_bench.records.schema import SCHEMA_VERSION

Content = dict[str, Any]


def migrate(content: Content) -> Content:
    """Bring the content of a record to the present schema; that of a damaged one may come out as damaged."""
    for version in range(content["schema_version"], SCHEMA_VERSION):
        content = {**MIGRATIONS[version](content), "schema_version": version + 1}
    return content


def _from_1(content: Content) -> Content:
    """Version 2 keeps limits, the hash of the source, libraries and environment."""
    known = _with(content.get("provenance"), source_sha256=None, libraries={}, environment={})
    return {**content, "limits": {"minutes": None, "memory_gib": None}, "provenance": known}


def _from_2(content: Content) -> Content:
    """Version 3 keeps the size of the model, what its density detects, its chain's figures, and what was remeasured."""
    return {**content, "model": None, "detection": [], "chain": [], "remeasured": []}


def _from_3(content: Content) -> Content:
    """Version 4 counts the operations of one sample; those of version 3 were of one or of all, nothing says which."""
    return {**content, "model": _with(content.get("model"), sample_flops=None)}


def _from_4(content: Content) -> Content:
    """Version 5 asks the whole density as well, not the ratio to the model's start alone."""
    return _with_detection(content, whole_auc=None)


def _from_5(content: Content) -> Content:
    """Version 6 asks how typical a window is; the noise among its foils is not clipped, and a tint unlikely."""
    return _with_detection(content, typical_auc=None)


def _from_6(content: Content) -> Content:
    """Version 7 has several held-out windows and the texture's role; its figures are means over pairs of windows."""
    texture = content.get("texture")
    if not isinstance(texture, dict):
        return content
    held_out = texture.get("held_out")
    return {**content, "texture": {**texture, "role": "none", "held_out": [] if held_out is None else [held_out]}}


def _with_detection(content: Content, **more: Any) -> Content:
    detection = content.get("detection")
    if not isinstance(detection, list):
        return content
    return {**content, "detection": [_with(found, **more) for found in detection]}


def _with(content: Any, **more: Any) -> Any:
    """Add to a part of a record, unless that is damaged."""
    return {**content, **more} if isinstance(content, dict) else content


MIGRATIONS: dict[int, Callable[[Content], Content]] = {
    1: _from_1,
    2: _from_2,
    3: _from_3,
    4: _from_4,
    5: _from_5,
    6: _from_6,
}
