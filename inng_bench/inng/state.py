"""What changes while INNg learns and draws: plain data, which :mod:`inng_bench.inng.algorithm` works on."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from inng_bench.inng.frozen import FrozenClassifier
from inng_bench.inng.network import Classifier
from inng_bench.inng.preconditioner import Factor, Preconditioner
from inng_bench.inng.presets import Recipe
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.windows import Windows
from inng_bench.pictures import DrawReal


@dataclass(frozen=True)
class Stage:
    """What synthesis needs of a stage.

    Attributes
    ----------
    classifier : FrozenClassifier
        C_t.
    max_steps : int
        Steps after which its samples stop although the boundary was not reached.
    step_size : float
        ε of the first step, in the units of the sampler's directions.
    """

    classifier: FrozenClassifier
    max_steps: int
    step_size: float


@dataclass(eq=False)
class Climb:
    """Samples on their way up ln g_t, between two steps.

    Attributes
    ----------
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1]: where those that have stopped stand.
    places : Tensor
        Where the windows of each step lie, see :class:`inng_bench.inng.windows.Windows`.
    noise : list[torch.Generator]
        One an image, so that no image influences another; none without noise.
    factor : Factor
        A of the directions of the steps.
    active : Tensor
        int64, which of the canvases still climb.
    current, first, second : Tensor
        float32 (active, 3, H, W): where these are, and Adam's moments.
    steps : Tensor
        int64 (N,), steps that each image took.
    logits : Tensor
        float32 (N,), the last mean logit of each image.
    reached : Tensor
        bool (N,), whether the image stopped because it might, not for want of steps.
    step : int
        Steps so far.
    evaluations : int
        Gradient evaluations so far, summed over the images.
    """

    canvases: Tensor
    places: Tensor
    noise: list[torch.Generator]
    factor: Factor
    active: Tensor
    current: Tensor
    first: Tensor
    second: Tensor
    steps: Tensor
    logits: Tensor
    reached: Tensor
    step: int = 0
    evaluations: int = 0

    @classmethod
    def begin(
        cls, canvases: Tensor, places: Tensor, noise: list[torch.Generator], directions: Preconditioner
    ) -> "Climb":
        """Begin at canvases, which stay as they are.

        All that a step changes lies in memory alike, plane by plane: torch's Adam walks through it without strides.
        """
        count, device = len(canvases), canvases.device
        current = canvases.contiguous()
        return cls(
            canvases=canvases.clone(),
            places=places,
            noise=noise,
            factor=directions.on(canvases),
            active=torch.arange(count, device=device),
            current=current,
            first=torch.zeros_like(current),
            second=torch.zeros_like(current),
            steps=torch.zeros(count, dtype=torch.int64, device=device),
            logits=torch.zeros(count, dtype=canvases.dtype, device=device),
            reached=torch.zeros(count, dtype=torch.bool, device=device),
        )

    def keep(self, stays: Tensor, stops: Tensor) -> None:
        """Let some of those that climb stand where they are; others, named by their index, go on."""
        self.canvases[self.active[stops]] = self.current[stops]
        self.active, self.current = self.active[stays], self.current[stays]
        self.first, self.second = self.first[stays], self.second[stays]


Update = Callable[[Climb, Tensor, float, float], Tensor]
"""Maps a climb, the gradient with respect to u, ε and T to the move of u; both (N, 3, H, W)."""

MayStop = Callable[[Tensor], Tensor]
"""Maps the logits of the windows of images (N, windows) to bool (N,)."""


@dataclass(frozen=True)
class Sampler:
    """How samples climb, whichever classifier it is.

    Attributes
    ----------
    windows : Windows
        What a step reads.
    update : callable
        Rule of a step.
    may_stop : callable
        Says which images have climbed far enough.
    directions : Preconditioner
        A of the coordinates u in x = A·u, in which steps are taken.
    final_step_share : float
        The step size falls geometrically to this share of itself over the steps of a stage, so that an image which
        cannot reach its boundary at the full step size cools down; 1 keeps it constant.
    temperature : float
        T of the noise.
    """

    windows: Windows
    update: Update
    may_stop: MayStop
    directions: Preconditioner
    final_step_share: float
    temperature: float


@dataclass
class Work:
    """What a training has computed, in counts; :class:`inng_bench.inng.costs.Prices` makes operations of them.

    Attributes
    ----------
    classifier_steps : int
        Forward and backward passes of as many real as pseudo-negative crops.
    classifier_passes : int
        Forward passes of as many crops.
    evaluations : int
        Of the gradient of a logit at one canvas.
    """

    classifier_steps: int = 0
    classifier_passes: int = 0
    evaluations: int = 0


@dataclass(eq=False)
class Training:
    """A training at the border of two steps.

    Attributes
    ----------
    recipe : Recipe
        Every choice.
    draw_real : callable
        Draws real crops on the device that computes, see :data:`inng_bench.pictures.DrawReal`.
    device : torch.device
        That computes.
    crop_side : int
        Of the crops that the classifier sees, in pixels.
    p0 : NoisePrior
        Where every chain starts.
    sampler : Sampler
        How samples climb.
    dtype : torch.dtype
        Of the convolutions.
    generator : torch.Generator
        On the CPU, the only source of randomness.
    classifier, optimiser
        C_t, which goes on from the weights of C_{t-1}.
    chain : Tensor
        float32 (N, 3, H, W): samples of p_{t-1}, trained along.
    start : Tensor
        Where the samples of this stage begin: the chain as it was when the last classifier was kept.
    history : list[Tensor]
        float16, the chain after each of the last stages, p0 included, newest last: the pseudo-negatives.
    stages : list[Stage]
        C_1..C_T; the last gives way to the next one while ``unkept`` is above zero.
    unkept : int
        Stages since a classifier was kept.
    number : int
        Finished stages.
    losses : list[float]
        Cross-entropy of each classifier step of the present stage.
    energy_gap : float
        E(negative) - E(real) of the last of them: mean logit of the real windows less that of the negative ones.
    has_learnt : bool
        Whether the present stage's classifier is trained.
    climb : Climb or None
        The present stage's samples on their way; None before.
    work : Work
        Done so far.
    step_share : float
        Share of the recipe's step size with which the present stage's samples climb.
    stalled : int
        Stages in a row, up to the last, that made no progress.
    missed : list[int]
        Stages in which an image ran out of steps.
    """

    recipe: Recipe
    draw_real: DrawReal
    device: torch.device
    crop_side: int
    p0: NoisePrior
    sampler: Sampler
    dtype: torch.dtype
    generator: torch.Generator
    classifier: Classifier
    optimiser: torch.optim.Optimizer
    chain: Tensor
    start: Tensor
    history: list[Tensor]
    stages: list[Stage] = field(default_factory=list)
    unkept: int = 0
    number: int = 0
    losses: list[float] = field(default_factory=list)
    energy_gap: float = 0.0
    has_learnt: bool = False
    climb: Climb | None = None
    work: Work = field(default_factory=Work)
    step_share: float = 1.0
    stalled: int = 0
    missed: list[int] = field(default_factory=list)
