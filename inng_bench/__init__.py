"""A reproducibility benchmark suite for Introspective Neural Networks for Generative Modeling (INNg)."""

__version__: str


def __getattr__(name: str) -> str:
    """Read the version on use: the installed packages take a while to search."""
    if name == "__version__":
        from importlib.metadata import version

        return version("inng-bench")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
