import math
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inng_bench.baselines.dcgan import DCGAN, DCGANConfig, step_flops
from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Execution, Progress, Snapshot, Training
from inng_bench.errors import InputError
from inng_bench.resume import decode, encode

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
    method = DCGAN(SETTINGS, Execution())
    return (
        method,
        heard,
        method.train(window(), seed=0, budget=steps * STEP, events=heard.append, checkpoint=checkpoint),
    )


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


def test_a_snapshot_that_lacks_anything_is_refused_and_the_missing_part_named(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = a_snapshot()
    monkeypatch.setattr("inng_bench.baselines.dcgan.method.step_flops", lambda _: STEP)  # most of the time here
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
    assert DCGAN(SETTINGS, Execution()).snapshot_bytes(1e12) == pytest.approx(found, rel=0.1)


@pytest.mark.parametrize("change", [lambda tensor: tensor[:1], lambda tensor: tensor.double()])
def test_a_snapshot_of_another_shape_or_type_is_refused(change: Callable[[Tensor], Tensor]) -> None:
    whole = a_snapshot()
    name = "discriminator.layers.2.weight"
    with pytest.raises(InputError, match=f"'{name}' of another shape"):
        train_with(StopsAt(0, Snapshot({**whole.tensors, name: change(whole.tensors[name])}, whole.values)))


def test_every_part_of_a_snapshot_matters() -> None:
    """Ones in the place of any part change the end, so that none of them is there in vain."""
    whole = a_snapshot()
    end = train_with(StopsAt(0, whole))[0].state()
    for part in ("generator.", "discriminator.", "averaged.", "generator_optimiser.", "discriminator_optimiser."):
        tensors = {
            name: torch.ones_like(tensor) if name.startswith(part) else tensor for name, tensor in whole.tensors.items()
        }
        other = train_with(StopsAt(0, Snapshot(tensors, whole.values)))[0].state()
        assert not all(torch.equal(end[name], tensor) for name, tensor in other.items()), part
