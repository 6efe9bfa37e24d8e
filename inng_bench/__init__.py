"""A reproducibility benchmark suite for Introspective Neural Networks for Generative Modeling (INNg)."""

from importlib.metadata import version

__version__ = version("inng-bench")
