"""The sampler of each case as a task of a fixed number of steps."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.inng.choices import Architecture, Ascended, Directions, Overlap, Stop
from inng_bench.inng.field import Field, Reading, dense_torus, evaluation_flops, make_field
from inng_bench.inng.frozen import FrozenClassifier, Roll, freeze, picture_logits, torus_logits_and_gradient
from inng_bench.inng.langevin import Sampler, ascend
from inng_bench.inng.method import TIMED_STEPS
from inng_bench.inng.network import WINDOW_STEP, Design, new_classifier
from inng_bench.inng.preconditioner import BANDS, Preconditioner
from inng_bench.inng.presets import AUTHORS
from inng_bench.seeds import torch_generator
from inng_bench.throughput.cases import Case, Scheme

COLOURS = ((0.5, 0.0, 0.0), (0.2, 0.3, 0.0), (0.1, 0.0, 0.4))
"""A factor of a colour covariance, as textures have."""

LIKE_A_TEXTURE = Preconditioner(torch.tensor(COLOURS), torch.logspace(0.0, -1.0, BANDS))
"""Directions of steps as the preset ``fast`` takes them."""

_PRECONDITIONERS = {
    Directions.PIXELS: Preconditioner(torch.eye(3)),
    Directions.PRINCIPAL_COLOURS: Preconditioner(torch.tensor(COLOURS)),
    Directions.SPECTRUM: LIKE_A_TEXTURE,
}


@dataclass(frozen=True)
class Task:
    """What a round of a case does.

    Attributes
    ----------
    run : callable
        One round.
    evaluations : int
        Of the logit's gradient in a round, over all canvases.
    moving : float
        Share of the evaluations after which a canvas moves, in an ascent of
        :data:`inng_bench.inng.method.TIMED_STEPS` steps.
    windows : int
        Windows that an evaluation of one canvas reads.
    leanest_flops : float
        Floating-point operations of an evaluation of these windows by the leanest exact pass.
    spent_flops : float
        Those of the pass that the case takes.
    """

    run: Callable[[], object]
    evaluations: int
    moving: float
    windows: int
    leanest_flops: float
    spent_flops: float


def make_task(case: Case, steps: int) -> Task:
    """Return the task of a case, with random weights and canvases."""
    execution = case.execution
    size = (case.side, case.side)
    padded = case.scheme is Scheme.AUTHORS
    design = Design(case.filters, Architecture.PADDED if padded else Architecture.UNPADDED)
    classifier = freeze(new_classifier(design, torch_generator(0)).to(execution.device), execution.dtype)
    canvases = (torch.rand((case.batch, 3, *size), generator=torch_generator(1)) * 2 - 1).to(execution.device)
    reading = _reading(case)
    leanest = evaluation_flops(classifier, reading if padded else Reading(), size)
    if case.scheme is Scheme.TORCHEBM:
        run = _torchebm(classifier, canvases, steps)
        return Task(run, case.batch * steps, 1.0, _grid(case), leanest, _halo_flops(classifier, size))
    sampler = Sampler(case.update, temperature=1.0, max_steps=steps, stop=Stop.LOGIT, threshold=float("inf"))
    preconditioner = _PRECONDITIONERS[Directions.PIXELS if padded else case.directions]
    field = _compiled_field(classifier) if case.scheme is Scheme.COMPILED else None

    def run_sampler() -> None:
        with torch.no_grad():
            generator = torch_generator(2)
            chosen = field or make_field([classifier], None, reading, canvases, steps + 1, generator)
            ascend(chosen, canvases, preconditioner, sampler, generator)

    windows = reading.patches if reading.overlap is Overlap.RANDOM_PATCHES else _grid(case)
    # The sampler evaluates the logit once more than it moves, to know that the boundary is reached.
    spent = evaluation_flops(classifier, reading, size)
    return Task(run_sampler, case.batch * (steps + 1), TIMED_STEPS / (TIMED_STEPS + 1), windows, leanest, spent)


def _grid(case: Case) -> int:
    """Return the number of windows of a dense pass."""
    along: int = case.side // WINDOW_STEP
    return along * along


def _reading(case: Case) -> Reading:
    area = case.side**2
    if case.scheme is Scheme.PATCHES:
        return Reading(Overlap.RANDOM_PATCHES, patches=_grid(case), patch_area=area)
    if case.scheme is Scheme.AUTHORS:
        return Reading(Overlap.RANDOM_PATCHES, ascended=AUTHORS.ascended, patches=AUTHORS.patches, patch_area=area)
    return Reading()


def _compiled_field(classifier: FrozenClassifier) -> Field:
    """Return the dense field with its pass compiled; the roll around it has other shapes at every step."""
    compiled = torch.compile(torus_logits_and_gradient)
    offsets = torch.randint(WINDOW_STEP, (64, 2), generator=torch_generator(3))

    def rolled(frozen: FrozenClassifier, canvases: Tensor, ascended: Ascended, roll: Roll) -> tuple[Tensor, Tensor]:
        logits, gradient = compiled(frozen, canvases.roll(roll, (2, 3)), ascended)
        return logits, gradient.roll((-roll[0], -roll[1]), (2, 3))

    def field(current: Tensor, step: int, images: Tensor) -> tuple[Tensor, Tensor]:
        del images
        return dense_torus(classifier, current, offsets[step], Ascended.LOGIT, rolled)

    return field


def _torchebm(classifier: FrozenClassifier, canvases: Tensor, steps: int) -> Callable[[], object]:
    """Return a round of torchebm's sampler, as its users write an energy: -ln g over all windows of the torus."""
    from torchebm.core import BaseModel
    from torchebm.samplers import LangevinDynamics

    class Energy(BaseModel):
        def forward(self, x: Tensor) -> Tensor:
            return -picture_logits(classifier, _with_halo(classifier, x)).sum((1, 2))

    sampler = LangevinDynamics(
        Energy(device=canvases.device), step_size=0.01, noise_scale=1.0, clamp=(-1.0, 1.0), device=canvases.device
    )
    return lambda: sampler.sample(x=canvases, n_steps=steps, generator=torch_generator(2, canvases.device))


def _with_halo(classifier: FrozenClassifier, canvases: Tensor) -> Tensor:
    halo = classifier.geometry.window - WINDOW_STEP
    return F.pad(canvases, (0, halo, 0, halo), mode="circular")


def _halo_flops(classifier: FrozenClassifier, size: tuple[int, int]) -> float:
    """Count forward and input gradient on the canvas with its halo."""
    whole = _with_halo(classifier, torch.empty((1, 3, *size), device="meta")).requires_grad_()
    with FlopCounterMode(display=False) as counter, torch.enable_grad():
        picture_logits(classifier.to_meta(), whole).sum().backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops())
