"""Metrics: pure functions of (samples, train window, held-out window, seed); ``catalogue`` needs no torch."""
