"""What is timed: one factor at a time about one setting."""

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import torch

from inng_bench.contract import Execution, Precision
from inng_bench.harness.hardware import available_cores, resolve_precision

COMPILERS = ("g++", "clang++", "c++")


class Scheme(StrEnum):
    """How a step evaluates the windows of a canvas."""

    DENSE = "dense"
    """One exact pass over the torus, batch normalisation folded, gradient in closed form."""
    PATCHES = "patches"
    """As many windows of the same network, each cut out, by autograd."""
    AUTHORS = "authors"
    """The authors' code: 10 random 64 px patches an image and step through the padded 5×5 network, by autograd."""
    COMPILED = "compiled"
    """The dense pass through ``torch.compile``."""
    TORCHEBM = "torchebm"
    """torchebm's ``LangevinDynamics`` on the same network, which it differentiates on a wrapped canvas."""


@dataclass(frozen=True)
class Case:
    """One setting.

    Attributes
    ----------
    title : str
        What differs from the base, in a phrase.
    update : str
        Rule of a step; both have noise.
    directions : str
        Coordinates of a step; the schemes ``authors`` and ``torchebm`` step along pixels.
    scheme : Scheme
        How windows are evaluated.
    side : int
        Of the canvases in pixels.
    batch : int
        Canvases that move together.
    filters : int
        Channels of the first convolution.
    precision : Precision
        Of the convolutions, resolved.
    threads : int
        Of torch.
    device : str
        ``cpu`` or ``cuda``.
    """

    title: str = "base"
    update: str = "adam"
    directions: str = "spectrum"
    scheme: Scheme = Scheme.DENSE
    side: int = 256
    batch: int = 4
    filters: int = 32
    precision: Precision = Precision.FLOAT32
    threads: int = 1
    device: str = "cpu"

    @property
    def execution(self) -> Execution:
        """Device and precision."""
        return Execution(torch.device(self.device), self.precision)


@dataclass(frozen=True)
class Effort:
    """How thoroughly a case is timed.

    Attributes
    ----------
    steps : int
        Sampler steps of a round.
    rounds : int
        Timed repetitions in one process.
    passes : int
        How often the whole list of cases is gone through, each case in a new process each time.
    """

    steps: int
    rounds: int
    passes: int = 1


FULL, QUICK = Effort(steps=8, rounds=7), Effort(steps=2, rounds=3)


def choose_cases(*, quick: bool) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Return the cases that this machine can time, the base first, and a sentence for each that it cannot."""
    base = Case(precision=resolve_precision(Precision.AUTO, torch.device("cpu")))
    cases = [base, *_schemes(base), *_sizes(base, quick=quick)]
    absent: list[str] = []
    if base.precision is Precision.BFLOAT16:
        cases += _single_precision(base, quick=quick)
    else:
        absent.append("bfloat16: this processor does not multiply it natively.")
    if (cores := available_cores()) > 1:
        cases.append(replace(base, title=f"{cores} threads", threads=cores))
    else:
        absent.append("all threads: this process may use one core.")
    if torch.cuda.is_available():
        precision = resolve_precision(Precision.AUTO, torch.device("cuda"))
        title = "CUDA" if precision is base.precision else f"CUDA, {precision}"
        cases.append(replace(base, title=title, device="cuda", precision=precision))
    else:
        absent.append("CUDA: torch finds no such device here.")
    if quick:
        absent.append("torch.compile, torchebm, canvas 1024², other widths and batches: not timed with --quick.")
    else:
        cases += _others(base, absent)
    return tuple(cases), tuple(absent)


def _schemes(base: Case) -> Iterator[Case]:
    yield replace(base, title="Langevin update", update="langevin")
    yield replace(base, title="steps along colours", directions="principal-colours")
    yield replace(base, title="explicit patches", scheme=Scheme.PATCHES)
    yield replace(base, title="authors' patches", scheme=Scheme.AUTHORS)


def _sizes(base: Case, *, quick: bool) -> Iterator[Case]:
    for side in (128, 512) if quick else (128, 512, 1024):
        yield replace(base, title=f"canvas {side}²", side=side)
    for batch in (1,) if quick else (1, 2, 8, 16):
        yield replace(base, title=f"batch {batch}", batch=batch)
    for filters in (64,) if quick else (16, 64):
        yield replace(base, title=f"width {filters}", filters=filters)


def _single_precision(base: Case, *, quick: bool) -> Iterator[Case]:
    single = replace(base, title="float32", precision=Precision.FLOAT32)
    yield single
    if not quick:
        yield replace(single, title="float32, width 64", filters=64)


def _others(base: Case, absent: list[str]) -> Iterator[Case]:
    """Yield what needs something installed; what is not there is added to ``absent``."""
    if any(map(shutil.which, COMPILERS)):
        yield replace(base, title="torch.compile", scheme=Scheme.COMPILED)
    else:
        absent.append("torch.compile: there is no C++ compiler here.")
    if importlib.util.find_spec("torchebm") is not None:
        yield replace(base, title="torchebm Langevin", scheme=Scheme.TORCHEBM, update="langevin")
    else:
        absent.append("torchebm: not installed; `pip install torchebm` adds its row.")
