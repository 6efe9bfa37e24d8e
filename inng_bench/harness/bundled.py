"""The suites of the package by name, without what reading them needs: lists should come at once."""

import tomllib
from importlib import resources

BUNDLED = "inng_bench.suites"


def suite_names() -> list[str]:
    """Return the names of the bundled suites."""
    names = (entry.name for entry in resources.files(BUNDLED).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def suite_text(name: str) -> str:
    """Return the TOML of a bundled suite."""
    return (resources.files(BUNDLED) / f"{name}.toml").read_text(encoding="utf-8")


def suite_descriptions() -> list[tuple[str, str]]:
    """Return name and description of each bundled suite."""
    return [(name, tomllib.loads(suite_text(name)).get("description", "")) for name in suite_names()]
