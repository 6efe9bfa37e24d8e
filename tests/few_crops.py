"""Metrics on fewer crops: enough for what some tests ask, in a fraction of the time."""

import pytest
from gate_faults import remembering

from inng_bench.metrics import chain, fidelity, gram_lite, lite_features, patch_distances, prdc

FEW = 128

EXTRACT = remembering(fidelity.extract)
"""The extraction of features, which does not compute those of a picture again that a test has just asked for."""


def take_few_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the metrics on EfficientNet-Lite0 look at few crops."""
    for user in (chain, lite_features, gram_lite, patch_distances, prdc):
        monkeypatch.setattr(user, "CROPS", FEW)
    monkeypatch.setattr(fidelity, "extract", EXTRACT)
