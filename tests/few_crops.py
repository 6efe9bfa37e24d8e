"""Metrics on fewer crops: enough for what some tests ask, in a fraction of the time."""

import pytest

from inng_bench.metrics import gram_lite, lite_features, patch_distances, prdc


def take_few_crops(monkeypatch: pytest.MonkeyPatch, crops: int = 128) -> None:
    """Let the metrics on EfficientNet-Lite0 look at so many crops."""
    for user in (lite_features, gram_lite, patch_distances, prdc):
        monkeypatch.setattr(user, "CROPS", crops)
