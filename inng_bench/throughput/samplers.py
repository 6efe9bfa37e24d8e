"""The sampler of each case as a task of a fixed number of steps."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.inng.algorithm import climb_stage
from inng_bench.inng.alternatives import UPDATES, saturating
from inng_bench.inng.dense import Roll, Weigh, torus_logits_and_gradient
from inng_bench.inng.frozen import FrozenClassifier, freeze, picture_logits
from inng_bench.inng.method import NEVER, TIMED_STEPS
from inng_bench.inng.network import WINDOW_STEP, Design, new_classifier
from inng_bench.inng.preconditioner import BANDS, Preconditioner
from inng_bench.inng.presets import AUTHORS, FAST
from inng_bench.inng.state import Sampler, Stage
from inng_bench.inng.windows import DensePass, DenseTorus, RandomPatches, Reading, evaluation_flops
from inng_bench.seeds import torch_generator
from inng_bench.throughput.cases import Case, Scheme

COLOURS = ((0.5, 0.0, 0.0), (0.2, 0.3, 0.0), (0.1, 0.0, 0.4))
"""A factor of a colour covariance, as textures have."""

LIKE_A_TEXTURE = Preconditioner(torch.tensor(COLOURS), torch.logspace(0.0, -1.0, BANDS))
"""Directions of steps as the preset ``fast`` takes them."""

_PRECONDITIONERS = {
    "pixels": Preconditioner(torch.eye(3)),
    "principal-colours": Preconditioner(torch.tensor(COLOURS)),
    "spectrum": LIKE_A_TEXTURE,
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
    design = Design(case.filters, "padded" if padded else "unpadded")
    classifier = freeze(new_classifier(design, torch_generator(0)).to(execution.device), execution.dtype)
    canvases = (torch.rand((case.batch, 3, *size), generator=torch_generator(1)) * 2 - 1).to(execution.device)
    windows = _windows(case, design.geometry.window)
    dense = isinstance(windows, DenseTorus)
    spent = evaluation_flops(classifier, DenseTorus() if dense else windows, size)
    leanest = spent if padded else evaluation_flops(classifier, DenseTorus(), size)
    if case.scheme is Scheme.TORCHEBM:
        run = _torchebm(classifier, canvases, steps)
        return Task(run, case.batch * steps, 1.0, _grid(case), leanest, _halo_flops(classifier, size))
    sampler = Sampler(
        windows=windows,
        update=UPDATES[case.update],
        may_stop=NEVER,
        directions=_PRECONDITIONERS["pixels" if padded else case.directions],
        step_size=FAST.step_size,
        final_step_share=1.0,
        temperature=1.0,
    )
    stage = Stage(classifier, steps)
    # The sampler evaluates the logit once more than it moves, to know that the boundary is reached.
    evaluations, moving = case.batch * (steps + 1), TIMED_STEPS / (TIMED_STEPS + 1)
    count = windows.patches if isinstance(windows, RandomPatches) else _grid(case)
    return Task(
        lambda: climb_stage(stage, canvases, sampler, torch_generator(2)), evaluations, moving, count, leanest, spent
    )


def _grid(case: Case) -> int:
    """Return the number of windows of a dense pass."""
    along: int = case.side // WINDOW_STEP
    return along * along


def _windows(case: Case, side: int) -> DenseTorus | RandomPatches:
    area = case.side**2
    if case.scheme is Scheme.PATCHES:
        return RandomPatches(side, _grid(case), area, wraps=True)
    if case.scheme is Scheme.AUTHORS:
        return RandomPatches(side, AUTHORS.patches, area, saturating, wraps=True)
    return DenseTorus(dense_pass=_compiled()) if case.scheme is Scheme.COMPILED else DenseTorus()


def _compiled() -> DensePass:
    """Return the dense pass, compiled; the roll around it has other shapes at every step."""
    compiled = torch.compile(torus_logits_and_gradient)

    def dense_pass(frozen: FrozenClassifier, canvases: Tensor, roll: Roll, weigh: Weigh | None) -> Reading:
        logits, gradient = compiled(frozen, canvases.roll(roll, (2, 3)), (0, 0), weigh)
        return logits, gradient.roll((-roll[0], -roll[1]), (2, 3))

    return dense_pass


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
