import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Snapshot
from inng_bench.inng.choices import Stop, Together, Update
from inng_bench.inng.field import Field
from inng_bench.inng.langevin import Ascent, Sampler, ascend
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.resume import decode, encode

PLAIN = Preconditioner(torch.eye(3, dtype=torch.float64))


def gaussian(variance: float) -> Field:
    """ln g of a Gaussian, for each pixel of a canvas."""

    def field(canvases: Tensor, step: int, images: Tensor) -> tuple[Tensor, Tensor]:
        return -canvases.square().mean((1, 2, 3))[:, None] / (2 * variance), -canvases / variance

    return field


def uphill(canvases: Tensor, step: int, images: Tensor) -> tuple[Tensor, Tensor]:
    return canvases.mean((1, 2, 3))[:, None], torch.ones_like(canvases)


def endless(
    update: Update = Update.LANGEVIN, step_size: float = 1e-3, temperature: float = 0.0, steps: int = 10
) -> Sampler:
    return Sampler(update, step_size, temperature, 0.5, steps, threshold=math.inf)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 0.05


def test_langevin_on_a_gaussian_has_the_variance_of_its_discretised_chain() -> None:
    # x' = (1 - ε/2σ²) x + N(0, εT) has the stationary variance Tσ² / (1 - ε/4σ²).
    variance, step_size, temperature = 0.01, 0.008, 0.7
    sampler = endless(step_size=step_size, temperature=temperature, steps=60)
    last = ascend(gaussian(variance), draw(2, 3, 48, 48), PLAIN, sampler, torch.Generator().manual_seed(1)).canvases
    expected = temperature * variance / (1 - step_size / (4 * variance))
    z = math.log(float(last.square().mean()) / expected) / math.sqrt(2 / last.numel())
    assert abs(z) < 4


def test_a_chain_along_the_colours_has_the_covariance_of_its_discretisation() -> None:
    # x' = (I - ε/2σ² P) x + N(0, ε P) with P = A Aᵀ has the stationary covariance σ² (I - ε/4σ² P)⁻¹.
    variance, step_size = 0.01, 0.05
    colours = torch.tensor([[0.5, 0.0, 0.0], [0.2, 0.3, 0.0], [0.1, 0.0, 0.4]], dtype=torch.float64)
    sampler = endless(step_size=step_size, temperature=1.0, steps=80)
    along = Preconditioner(colours)
    last = ascend(gaussian(variance), draw(2, 3, 96, 96), along, sampler, torch.Generator().manual_seed(1)).canvases
    pull = torch.eye(3, dtype=torch.float64) - step_size / (4 * variance) * colours @ colours.T
    expected = variance * torch.linalg.inv(pull)
    found = torch.cov(last.transpose(0, 1).flatten(1))
    standard_error = float(expected.max()) * math.sqrt(2 / (2 * 96 * 96))
    torch.testing.assert_close(found, expected, atol=4 * standard_error, rtol=0)


def test_a_grey_texture_stays_grey() -> None:
    grey = torch.zeros((3, 3), dtype=torch.float64)
    grey[:, 0] = 0.2
    start = draw(1, 1, 16, 16).expand(1, 3, 16, 16)
    for update in Update:
        moved = ascend(
            gaussian(0.5), start, Preconditioner(grey), endless(update, 0.05, 1.0), torch.Generator().manual_seed(1)
        ).canvases
        torch.testing.assert_close(moved[:, 0], moved[:, 1])
        torch.testing.assert_close(moved[:, 0], moved[:, 2])
        assert not torch.equal(moved, start)


def test_langevin_without_temperature_is_gradient_ascent() -> None:
    start = draw(1, 3, 16, 16)
    moved = ascend(gaussian(0.5), start, PLAIN, endless(step_size=0.1, steps=7), torch.Generator()).canvases
    expected = start
    for step in range(7):
        expected = expected + 0.05 * gaussian(0.5)(expected, step, torch.arange(1))[1]
    assert torch.equal(moved, expected)
    torch.testing.assert_close(moved, start * (1 - 0.05 / 0.5) ** 7)


def test_adam_ascent_equals_the_library_s_adam() -> None:
    start = draw(2, 3, 16, 16)
    parameter = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.Adam([parameter], lr=0.01, betas=(0.5, 0.999))
    for _ in range(9):
        parameter.grad = parameter.detach() / 0.5
        optimiser.step()
    moved = ascend(gaussian(0.5), start, PLAIN, endless(Update.ADAM, 0.01, steps=9), torch.Generator()).canvases
    torch.testing.assert_close(moved, parameter.detach())


def test_the_layout_of_the_start_does_not_matter() -> None:
    start = draw(2, 3, 16, 16)
    expected = ascend(gaussian(0.5), start, PLAIN, endless(Update.ADAM, 0.01), torch.Generator()).canvases
    for laid_out in (start.contiguous(memory_format=torch.channels_last), start.mT.contiguous().mT):
        moved = ascend(gaussian(0.5), laid_out, PLAIN, endless(Update.ADAM, 0.01), torch.Generator()).canvases
        assert torch.equal(moved, expected)


def test_each_image_stops_at_its_own_decision_and_no_image_influences_another() -> None:
    starts = torch.cat([draw(1, 3, 16, 16, seed=seed) * scale for seed, scale in ((1, 1.0), (2, 4.0), (3, 8.0))])
    sampler = Sampler(Update.LANGEVIN, 0.02, 1e-4, 0.5, 200, threshold=-0.001)
    together = ascend(gaussian(0.5), starts, PLAIN, sampler, torch.Generator().manual_seed(5))
    assert len(set(together.steps.tolist())) == 3
    assert bool((together.logits >= sampler.threshold).all())
    changed = starts.clone()
    changed[0] *= 9
    again = ascend(gaussian(0.5), changed, PLAIN, sampler, torch.Generator().manual_seed(5))
    assert torch.equal(again.canvases[1:], together.canvases[1:])
    assert not torch.equal(again.canvases[0], together.canvases[0])


class Stopper(Checkpoint):
    """Keeps the snapshot of one step and gives it back."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._kept: bytes | None = None

    def load(self) -> Snapshot | None:
        return None if self._kept is None else decode(self._kept)

    def offer(self, take: Callable[[], Snapshot]) -> None:
        if self._kept is None and (snapshot := take()).values["step"] == self._step:
            self._kept = encode(snapshot)


@pytest.mark.parametrize("update", Update)
def test_an_ascent_that_goes_on_from_any_step_ends_where_it_would_have_ended(update: Update) -> None:
    starts = torch.cat([draw(1, 3, 16, 16, seed=seed) * scale for seed, scale in ((1, 1.0), (2, 4.0), (3, 8.0))])
    sampler = Sampler(update, 0.02, 1e-4, 0.5, 200, threshold=-0.01)

    def outcome(checkpoint: Checkpoint) -> Ascent:
        return ascend(gaussian(0.5), starts, PLAIN, sampler, torch.Generator().manual_seed(5), checkpoint)

    whole = outcome(NO_CHECKPOINT)
    last = int(whole.steps.max())
    assert len(set(whole.steps.tolist())) == 3  # so that there are snapshots with some images at rest
    for step in (1, last // 2, last):
        stopper = Stopper(step)
        outcome(stopper)
        assert stopper.load() is not None
        again = outcome(stopper)
        assert torch.equal(again.canvases, whole.canvases)
        assert torch.equal(again.logits, whole.logits)
        assert torch.equal(again.reached, whole.reached)
        assert (again.steps.tolist(), again.evaluations) == (whole.steps.tolist(), whole.evaluations)


def test_an_image_beyond_the_boundary_is_left_as_it_is() -> None:
    start = draw(2, 3, 16, 16)
    outcome = ascend(gaussian(0.5), start, PLAIN, Sampler(threshold=-1.0), torch.Generator())
    assert torch.equal(outcome.canvases, start)
    assert outcome.steps.tolist() == [0, 0]
    assert outcome.evaluations == 2


def test_the_loss_rule_stops_at_the_cross_entropy_and_the_logit_rule_at_the_mean() -> None:
    logits = torch.tensor([[2.0, -2.0], [0.2, 0.1], [8.0, -8.0]])
    losses = torch.log1p(torch.exp(-logits)).mean(1)
    assert Sampler(threshold=0.0).reached(logits).tolist() == [True, True, True]
    rule = Sampler(stop=Stop.LOSS, threshold=float(losses[0]) + 1e-6)
    assert rule.reached(logits).tolist() == [True, True, False]


def test_a_rule_of_the_batch_stops_all_images_together() -> None:
    logits = torch.tensor([[3.0, 3.0], [-1.0, -1.0], [-1.0, -1.0]])
    assert Sampler(together=Together.BATCH).reached(logits).tolist() == [True] * 3
    assert Sampler(together=Together.BATCH, threshold=0.5).reached(logits).tolist() == [False] * 3


def test_a_step_limit_ends_an_ascent_that_cannot_reach_its_boundary() -> None:
    outcome = ascend(gaussian(0.5), draw(2, 3, 16, 16), PLAIN, endless(steps=4), torch.Generator())
    assert outcome.steps.tolist() == [4, 4]
    assert outcome.evaluations == 10
    assert not bool(outcome.reached.any())


def test_the_step_size_falls_geometrically_to_its_final_share() -> None:
    sampler = Sampler(Update.LANGEVIN, 0.02, 0.0, 0.5, 4, final_step_share=1 / 16, threshold=math.inf)
    start = torch.zeros((1, 3, 16, 16), dtype=torch.float64)
    moved = ascend(uphill, start, PLAIN, sampler, torch.Generator()).canvases
    torch.testing.assert_close(moved, torch.full_like(moved, 0.01 * (1 + 1 / 2 + 1 / 4 + 1 / 8)))


def test_pixels_stay_within_their_range() -> None:
    moved = ascend(uphill, draw(1, 3, 16, 16), PLAIN, endless(step_size=4.0, steps=3), torch.Generator()).canvases
    assert float(moved.max()) == 1.0


def test_the_sampler_leaves_its_start_and_the_global_random_state_untouched() -> None:
    start, before = draw(2, 3, 16, 16), torch.random.get_rng_state()
    copy = start.clone()
    ascend(gaussian(0.5), start, PLAIN, endless(temperature=0.5), torch.Generator().manual_seed(1))
    assert torch.equal(start, copy)
    assert torch.equal(torch.random.get_rng_state(), before)
