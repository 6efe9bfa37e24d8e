"""Metrics: pure functions of (samples, train window, held-out windows, seed); ``catalogue`` needs no torch."""
