import math

import pytest
import torch
from torch import Tensor

from inng_bench.baselines.dcgan import DCGAN, DCGANConfig, step_flops
from inng_bench.contract import Execution, Progress
from inng_bench.errors import InputError

SETTINGS = {"generator_filters": 4, "discriminator_filters": 4, "batch": 4, "latent": 10, "intervals": 5}
STEP = step_flops(DCGANConfig(**SETTINGS))


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


def test_reports_are_counted_from_one_and_end_with_the_budget() -> None:
    _, heard, _ = train(23)
    assert [progress.step for progress in heard] == [1, 2, 3, 4, 5, 6]
    assert heard[-1].fraction == 1.0
    assert heard[-1].flops == pytest.approx(23 * STEP)
    assert {"discriminator_loss", "generator_loss", "real_logit", "fake_logit", "diversity"} <= set(heard[0].values)


def test_the_discriminator_learns_to_tell_real_from_generated() -> None:
    _, heard, _ = train(60, rate=2e-3)
    assert heard[-1].values["real_logit"] > heard[-1].values["fake_logit"]
    assert heard[-1].values["discriminator_loss"] < math.log(2)


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
    assert warnings[0].startswith("ended collapsed: at the least, tiles differed 0.0")


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
