"""A reproducibility benchmark suite for Introspective Neural Networks for Generative Modeling (INNg)."""

from pathlib import Path

__version__: str

_TREE = Path(__file__).parents[1]
if (_TREE / "benchmarks" / "suites").is_dir():  # a checkout, where two of the packages lie beside this one
    __path__ += [str(_TREE), str(_TREE / "benchmarks")]


def __getattr__(name: str) -> str:
    """Read the version on use: the installed packages take a while to search."""
    if name == "__version__":
        from importlib.metadata import version

        return version("inng-bench")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
