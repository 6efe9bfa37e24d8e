import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inng_bench.baselines.adversarial import squared_gradient
from inng_bench.baselines.dcgan import (
    DCGAN,
    PRESETS,
    DCGANConfig,
    Generator,
    Trainer,
    configure,
    looks_flops,
    new_discriminator,
    new_generator,
    step_flops,
)
from inng_bench.baselines.moments import FILTERS, PATCHES, STRIDE, TILES, Likeness
from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Execution, Progress, Snapshot, Training
from inng_bench.errors import InputError
from inng_bench.resume import decode, encode

SETTINGS: dict[str, Any] = {
    "preset": "radford",
    "generator_filters": 4,
    "discriminator_filters": 4,
    "batch": 4,
    "latent": 10,
    "intervals": 5,
}
BEST = SETTINGS | {
    "preset": "best",
    "resized_layers": 2,
    "local_verdicts": True,
    "average_decay": 0.9,
    "best_moment": True,
    "palette": True,
}


def config_of(settings: Mapping[str, Any]) -> DCGANConfig:
    return configure(settings)[1]


STEP, BEST_STEP = step_flops(config_of(SETTINGS)), step_flops(config_of(BEST))
LOOKS = looks_flops(config_of(BEST), 5)


def window() -> Tensor:
    return torch.rand((3, 96, 80), generator=torch.Generator().manual_seed(0)) * 2 - 1


def train(steps: int, **changes: float) -> tuple[DCGAN, list[Progress], tuple[str, ...]]:
    heard: list[Progress] = []
    method = DCGAN(SETTINGS | changes, Execution())
    outcome = method.train(window(), seed=0, budget=steps * STEP, events=heard.append)
    assert outcome.flops == pytest.approx(steps * STEP)
    return method, heard, outcome.warnings


def draw(method: DCGAN) -> Tensor:
    tiles: Tensor = method.sample(3, (64, 64), generator=torch.Generator().manual_seed(1))
    return tiles


def test_counted_operations_of_a_step_agree_with_arithmetic() -> None:
    f, batch, latent = 4, 4, 10
    hidden = [(16, f, 2 * f), (8, 2 * f, 4 * f), (4, 4 * f, 8 * f)]  # side of the coarser map, channels
    between = sum(2 * side**2 * 16 * a * b for side, a, b in hidden)
    picture, judged, seeded = 2 * 32**2 * 16 * 3 * f, 2 * 16 * 8 * f, 2 * 16 * latent * 8 * f
    discriminator, generator = picture + between + judged, seeded + between + picture
    discriminator_step = 2 * (3 * discriminator - picture)  # real and generated; no gradient of the pictures
    generator_step = 2 * discriminator + 3 * generator - seeded  # through the discriminator; no gradient of z
    assert pytest.approx(batch * (discriminator_step + generator_step)) == STEP


def test_counted_operations_of_the_looks_agree_with_arithmetic() -> None:
    f, latent = 4, 10
    resized = 32**2 * 9 * 2 * f * f + 64**2 * 9 * f * 3  # multiplications of the last two layers
    drawn = 16 * latent * 8 * f + 16 * (4**2 * 8 * f * 4 * f + 8**2 * 4 * f * 2 * f) + resized
    answers = {side: ((64 - side) // STRIDE + 1) ** 2 for side in FILTERS}
    compared = sum(answers[side] * (count * 3 * side**2 + (count + 1) ** 2) for side, count in FILTERS.items())
    looks = 2 * (5 * TILES * (drawn + compared) + PATCHES * compared)
    assert pytest.approx(looks) == LOOKS
    assert looks_flops(config_of(SETTINGS), 5) == 0


def test_reports_are_counted_from_one_and_end_with_the_budget() -> None:
    _, heard, _ = train(23)
    assert [progress.step for progress in heard] == [1, 2, 3, 4, 5]
    assert heard[-1].fraction == 1.0
    assert heard[-1].flops == pytest.approx(23 * STEP)
    assert {"discriminator_loss", "generator_loss", "real_logit", "fake_logit", "diversity"} <= set(heard[0].values)


def test_the_discriminator_learns_to_tell_real_from_generated() -> None:
    _, heard, _ = train(60, rate=2e-3)
    assert heard[-1].values["real_logit"] > heard[-1].values["fake_logit"]
    assert heard[-1].values["discriminator_loss"] < math.log(2)


def layers_of(network: nn.Module) -> list[tuple[int, int, tuple[int, ...], tuple[int, ...], bool]]:
    """Return channels in and out, kernel, stride and bias of each convolution."""
    return [
        (one.in_channels, one.out_channels, one.kernel_size, one.stride, one.bias is not None)
        for one in network.modules()
        if isinstance(one, nn.Conv2d | nn.ConvTranspose2d)
    ]


def test_radford_is_what_was_published() -> None:
    config, random = PRESETS["radford"], torch.Generator().manual_seed(0)
    generator, discriminator = new_generator(config, random), new_discriminator(config, random)
    up = down = ((4, 4), (2, 2))
    assert layers_of(generator) == [
        (100, 512, (4, 4), (1, 1), False),
        *((channels, channels // 2, *up, False) for channels in (512, 256, 128)),
        (64, 3, *up, True),
    ]
    assert layers_of(discriminator) == [
        (3, 64, *down, True),
        *((channels, 2 * channels, *down, False) for channels in (64, 128, 256)),
        (512, 1, (4, 4), (1, 1), True),
    ]
    assert not any(isinstance(one, nn.Upsample) for one in generator.modules())
    assert isinstance(generator.layers[-1], nn.Tanh)
    assert [type(one) for one in generator.layers[1:3]] == [nn.BatchNorm2d, nn.ReLU]
    assert [one.negative_slope for one in discriminator.modules() if isinstance(one, nn.LeakyReLU)] == [0.2] * 4
    assert float(generator.layers[3].weight.detach().std()) == pytest.approx(0.02, rel=0.01)
    assert (config.rate, config.final_rate_share) == (2e-4, 1.0)
    assert (config.gradient_penalty, config.average_decay) == (0.0, 0.0)
    assert not config.best_moment
    assert not config.palette


def test_local_verdicts_are_of_parts_and_that_of_the_whole_is_of_all_pixels() -> None:
    picture = window()[None, :, :64, :64]
    changed = picture.clone()
    changed[:, :, -1, -1] = 1.0  # of the last part alone
    for settings, expected in ((BEST, [False] * 15 + [True]), (SETTINGS, [True])):
        judge = new_discriminator(config_of(settings), torch.Generator().manual_seed(0)).eval()
        with torch.no_grad():
            differs = (judge(picture) != judge(changed))[0]
        assert differs.tolist() == expected


def test_settings_win_over_those_of_the_preset_and_an_unknown_preset_is_answered_with_the_nearest() -> None:
    configuration = DCGAN({"preset": "radford", "batch": 5}, Execution()).configuration()
    assert (configuration["preset"], configuration["batch"], configuration["rate"]) == ("radford", 5, 2e-4)
    with pytest.raises(InputError, match="dcgan has no preset 'radfort'; did you mean 'radford'"):
        DCGAN({"preset": "radfort"}, Execution())


def test_the_rate_falls_steadily_to_its_last_share() -> None:
    config = config_of(SETTINGS | {"rate": 1e-3, "final_rate_share": 0.2})
    trainer = Trainer(window(), config, Execution(), 0)
    assert [trainer.rate(share) for share in (0.0, 0.5, 1.0)] == pytest.approx([1e-3, 6e-4, 2e-4])


def weights_of(generator: Generator) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in generator.parameters()])


def test_the_average_of_the_weights_is_that_of_an_exponential_window() -> None:
    config = config_of(SETTINGS | {"average_decay": 0.9})
    trainer = Trainer(window(), config, Execution(), 0)
    moments = [weights_of(trainer.generator)]
    for number in range(1, 7):
        trainer.step(number, 0.0)
        moments.append(weights_of(trainer.generator))
    latest = sum(0.1 * 0.9 ** (6 - number) * moments[number] for number in range(1, 7))
    torch.testing.assert_close(weights_of(trainer.averaged), 0.9**6 * moments[0] + latest)


def test_the_gradient_of_the_penalty_is_that_of_its_closed_form() -> None:
    """For D(x) = ½ xᵀAx with a symmetric A it is the mean of |Ax|², whose gradient is the mean of Axxᵀ + xxᵀA."""
    random = torch.Generator().manual_seed(0)
    pictures = torch.randn((5, 7), generator=random, dtype=torch.float64, requires_grad=True)
    half = torch.randn((7, 7), generator=random, dtype=torch.float64)
    matrix = (half + half.T).requires_grad_()
    logits = torch.einsum("ni,ij,nj->n", pictures, matrix, pictures) / 2
    penalty = squared_gradient(logits[:, None], pictures)
    known = pictures.detach()
    slopes = known @ matrix.detach()
    torch.testing.assert_close(penalty.detach(), slopes.square().sum(1).mean())
    (found,) = torch.autograd.grad(penalty, matrix)
    torch.testing.assert_close((found + found.T) / 2, (slopes.T @ known + known.T @ slopes) / 5)


def test_a_penalty_flattens_the_discriminator_and_is_counted() -> None:
    free, flat = SETTINGS, SETTINGS | {"gradient_penalty": 100.0}
    assert step_flops(config_of(flat)) > 1.1 * step_flops(config_of(free))
    margins = []
    for settings in (free, flat):
        trainer = Trainer(window(), config_of(settings), Execution(), 0)
        values = [trainer.step(number, 0.0) for number in range(1, 41)]
        margins.append(values[-1]["real_logit"] - values[-1]["fake_logit"])
    assert margins[1] < margins[0] / 2


def test_the_moment_that_is_kept_is_the_nearest_to_the_train_window_whatever_comes_after() -> None:
    config = config_of(BEST)
    trainer = Trainer(window(), config, Execution(), 0)
    watch = trainer.watch
    moments = []
    for number in range(1, 25):
        trainer.step(number, 0.0)
        watch.look()
        moments.append(weights_of(trainer.averaged))
    nearest = watch.distances.index(min(watch.distances))
    with torch.no_grad():
        for weight in trainer.averaged.parameters():
            weight.fill_(1.0)
    assert watch.look()[0]["distance"] > watch.distances[nearest]
    assert torch.equal(weights_of(watch.kept), moments[nearest])


def test_a_likeness_prefers_patches_of_the_window_to_blurred_noisy_and_recoloured_ones() -> None:
    smooth = nn.functional.avg_pool2d(window(), 3, 1, 1)
    likeness = Likeness(smooth, torch.Generator().manual_seed(0))
    tiles = smooth[None, :, 16:80, 8:72]
    noise = torch.randn(tiles.shape, generator=torch.Generator().manual_seed(1))
    honest = likeness.distance(tiles)
    for other in (nn.functional.avg_pool2d(tiles, 3, 1, 1), tiles + 0.1 * noise, tiles + 0.2, tiles.flip(1) * 0.5):
        assert likeness.distance(other) > 2 * honest


@pytest.mark.parametrize("palette", [True, False])
def test_a_grey_window_has_grey_samples_with_its_palette_and_coloured_ones_without(palette: bool) -> None:
    grey = window()[:1].expand(3, -1, -1).contiguous()
    method = DCGAN(BEST | {"palette": palette}, Execution())
    method.train(grey, seed=0, budget=5 * BEST_STEP + LOOKS)
    tiles = draw(method)
    assert (float((tiles - tiles.mean(1, keepdim=True)).abs().max()) < 1e-5) is palette


def test_samples_come_from_the_average_of_the_generators_weights() -> None:
    averaged, plain = train(20, average_decay=0.97)[0], train(20, average_decay=0.0)[0]
    assert not torch.equal(draw(averaged), draw(plain))
    name = "layers.0.weight"
    start = train(1, average_decay=0.0)[0].state()[name]
    assert (averaged.state()[name] - start).norm() < (plain.state()[name] - start).norm()


def test_a_collapse_is_named_with_its_least_diversity() -> None:
    _, heard, warnings = train(8)  # hardly trained: all tiles are one grey
    assert heard[-1].values["diversity"] < 0.2
    assert len(warnings) == 1
    assert warnings[0].startswith("the generator has collapsed: tiles differed only 0.0")


def test_only_tiles_of_64_px_are_drawn() -> None:
    method, _, _ = train(1)
    assert [method.supports(size) for size in ((64, 64), (128, 128), (64, 128), (32, 32))] == [
        True,
        False,
        False,
        False,
    ]
    assert draw(method).shape == (3, 3, 64, 64)


def test_weights_of_other_settings_are_refused() -> None:
    state = train(1)[0].state()
    with pytest.raises(InputError, match="lacks weights or has others than its settings"):
        DCGAN(SETTINGS | {"generator_filters": 5}, Execution()).restore(state)


class StopError(Exception):
    pass


class StopsAt(Checkpoint):
    """Goes on from a snapshot; takes one at an offer and stops the training there."""

    def __init__(self, offer: int, snapshot: Snapshot | None = None) -> None:
        self._left = offer
        self.snapshot = snapshot

    def load(self) -> Snapshot | None:
        return self.snapshot

    def offer(self, take: Callable[[], Snapshot]) -> None:
        self._left -= 1
        if self._left == 0:
            self.snapshot = decode(encode(take()))
            raise StopError


def train_with(checkpoint: Checkpoint, steps: int = 13) -> tuple[DCGAN, list[Progress], Training]:
    heard: list[Progress] = []
    method = DCGAN(BEST, Execution())
    outcome = method.train(
        window(), seed=0, budget=steps * BEST_STEP + LOOKS, events=heard.append, checkpoint=checkpoint
    )
    assert outcome.flops == pytest.approx(steps * BEST_STEP + LOOKS)
    return method, heard, outcome


@pytest.mark.parametrize("offers", [[1], [7], [12], [13], [3, 1, 1, 5], [2, 2, 2, 2, 2]])
def test_a_training_stopped_by_an_exception_at_any_step_ends_with_the_same_bytes(offers: list[int]) -> None:
    straight, heard, outcome = train_with(NO_CHECKPOINT)
    snapshot = None
    for offer in offers:
        stopping = StopsAt(offer, snapshot)
        with pytest.raises(StopError):
            train_with(stopping)
        snapshot = stopping.snapshot
    resumed, left, again = train_with(StopsAt(0, snapshot))
    assert {name: tensor.numpy().tobytes() for name, tensor in resumed.state().items()} == {
        name: tensor.numpy().tobytes() for name, tensor in straight.state().items()
    }
    assert torch.equal(draw(resumed), draw(straight))
    assert again == outcome
    assert [progress.values for progress in left] == [progress.values for progress in heard[len(heard) - len(left) :]]
    assert [progress.step for progress in left] == [progress.step for progress in heard[len(heard) - len(left) :]]


def a_snapshot() -> Snapshot:
    stopping = StopsAt(3)
    with pytest.raises(StopError):
        train_with(stopping)
    assert stopping.snapshot is not None
    return stopping.snapshot


def test_a_snapshot_that_lacks_anything_is_refused_and_the_missing_part_named() -> None:
    whole = a_snapshot()
    for name in whole.tensors:
        tensors = {other: tensor for other, tensor in whole.tensors.items() if other != name}
        with pytest.raises(InputError, match=f"the checkpoint has no '{re.escape(name)}'; delete it and train"):
            train_with(StopsAt(0, Snapshot(tensors, whole.values)))
    for name in whole.values:
        values = {other: value for other, value in whole.values.items() if other != name}
        with pytest.raises(InputError, match=f"the checkpoint has no '{name}'"):
            train_with(StopsAt(0, Snapshot(whole.tensors, values)))


def test_the_estimated_size_of_a_snapshot_is_that_of_its_tensors_but_for_the_small_ones() -> None:
    tensors = [tensor for name, tensor in a_snapshot().tensors.items() if name != "random"]
    found = sum(tensor.nbytes for tensor in tensors)
    assert DCGAN(BEST, Execution()).snapshot_bytes(1e12) == pytest.approx(found, rel=0.1)


@pytest.mark.parametrize("change", [lambda tensor: tensor[:1], lambda tensor: tensor.double()])
def test_a_snapshot_of_another_shape_or_type_is_refused(change: Callable[[Tensor], Tensor]) -> None:
    whole = a_snapshot()
    name = "discriminator.layers.2.weight"
    with pytest.raises(InputError, match=f"'{name}' of another shape"):
        train_with(StopsAt(0, Snapshot({**whole.tensors, name: change(whole.tensors[name])}, whole.values)))


@pytest.mark.parametrize(
    ("part", "distance"),
    [  # so far from the window that a later moment is kept, or so near that none is
        ("generator.", 1e9),
        ("discriminator.", 1e9),
        ("averaged.", 1e9),
        ("generator_optimiser.", 1e9),
        ("discriminator_optimiser.", 1e9),
        ("kept.", 0.0),
    ],
)
def test_every_part_of_a_snapshot_matters(part: str, distance: float) -> None:
    """Ones in the place of any part change the end, so that none of them is there in vain."""
    whole = a_snapshot()
    values = {**whole.values, "distances": [distance]}
    tensors = {
        name: torch.ones_like(tensor) if name.startswith(part) else tensor for name, tensor in whole.tensors.items()
    }
    end, other = (train_with(StopsAt(0, Snapshot(some, values)))[0].state() for some in (whole.tensors, tensors))
    assert not all(torch.equal(end[name], tensor) for name, tensor in other.items())
