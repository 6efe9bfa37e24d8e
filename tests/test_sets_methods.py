"""Methods on sets: networks sized by the pictures, trainings that repeat and go on, closed forms of noise."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from inng_bench.baselines import dcgan
from inng_bench.baselines.dcgan import DCGAN
from inng_bench.baselines.energy import Energy
from inng_bench.baselines.one_network import OneNetwork
from inng_bench.baselines.reference_rows import MatchedNoise
from inng_bench.baselines.winn import WINN
from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Execution, LearnsPictures, Method, Snapshot
from inng_bench.errors import InputError
from inng_bench.inng.frozen import picture_logits
from inng_bench.inng.method import INNg
from inng_bench.inng.network import Classifier, Design
from inng_bench.inng.presets import configure
from inng_bench.pictures import TrainingPictures, as_tensor
from inng_bench.resume import decode, encode
from inng_bench.seeds import torch_generator

SMALL_ONE_NETWORK: dict[str, Any] = {"filters": 2, "canvases": 2, "crops": 2}

SMALL: dict[type[Method], dict[str, Any]] = {
    INNg: {"filters": 2, "canvases": 4, "crops": 4, "classifier_steps": 4, "max_steps": 3, "max_stages": 3},
    DCGAN: {"generator_filters": 2, "discriminator_filters": 2, "latent": 4, "batch": 4, "intervals": 3},
    Energy: SMALL_ONE_NETWORK | {"steps": 2},
    WINN: SMALL_ONE_NETWORK | {"critics": 2, "critic_steps": 1, "max_steps": 3},
    MatchedNoise: {"per_place": True},
}

METHODS = list(SMALL)

STEPS = 4
"""Of a short training."""


def shades(side: int = 16) -> NDArray[np.uint8]:
    """Thirty pictures, dark at the left and light at the right, by more or less."""
    ramp = np.linspace(0, 1, side)[None, None, :, None] * np.linspace(80, 255, 30)[:, None, None, None]
    return np.broadcast_to(ramp, (30, side, side, 3)).astype(np.uint8)


def made(kind: type[Method], side: int = 16, **more: Any) -> Any:
    return kind(SMALL[kind] | {"picture_side": side} | more, Execution())


def trained(kind: type[Method], side: int = 16, seed: int = 0, checkpoint: Checkpoint = NO_CHECKPOINT) -> Any:
    method = made(kind, side)
    method.train_on(TrainingPictures(shades(side)), seed=seed, budget=short(method, side), checkpoint=checkpoint)
    return method


def short(method: Any, side: int) -> float:
    """Return a budget of few steps; INNg's are bounded by its stages."""
    if isinstance(method, DCGAN):
        return STEPS * float(dcgan.step_flops(method._config))
    if not isinstance(method, OneNetwork):
        return 3e8
    trainer = method.trainer(TrainingPictures(shades(side)), method._config, Execution(), 0)
    begun = float(trainer.spent(0))
    trainer.step(1, 0.0)
    return begun + STEPS * (float(trainer.spent(1)) - begun)


def drawn(method: Method, side: int = 16) -> torch.Tensor:
    return method.sample(3, (side, side), generator=torch_generator(5))


@pytest.mark.parametrize("side", [8, 16, 28, 32, 64, 128])
def test_the_network_of_whole_pictures_is_sized_by_them(side: int) -> None:
    design = Design(2, "padded", side=side)
    assert 2 < design.sides[-1] <= 7
    assert len(design.sides) == {8: 1, 16: 2, 28: 2, 32: 3, 64: 4, 128: 5}[side]
    assert Classifier(design)(torch.zeros(2, 3, side, side)).shape == (2, 1, 1, 1)


def test_of_64_px_it_is_the_network_of_the_authors() -> None:
    shapes = [
        {name: weight.shape for name, weight in Classifier(Design(4, "padded", side=side)).state_dict().items()}
        for side in (None, 64)
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize("side", [8, 28])
def test_a_method_draws_pictures_of_the_sets_size_alone(kind: type[Method], side: int) -> None:
    method = trained(kind, side)
    assert issubclass(kind, LearnsPictures)
    assert method.supports((side, side))
    assert not method.supports((2 * side, 2 * side))
    pictures = drawn(method, side)
    assert pictures.shape == (3, 3, side, side)
    assert float(pictures.abs().max()) <= 1
    assert not method.tiles((side, side))


@pytest.mark.parametrize("kind", METHODS)
def test_one_seed_gives_the_same_bytes_and_a_stored_model_draws_them_too(kind: type[Method]) -> None:
    first, again, stored = trained(kind), trained(kind), made(kind)
    stored.restore(first.state())
    assert torch.equal(drawn(first), drawn(again))
    assert torch.equal(drawn(first), drawn(stored))
    assert kind is MatchedNoise or not torch.equal(drawn(first), drawn(trained(kind, seed=1)))
    assert kind(first.configuration(), Execution()).configuration() == first.configuration()


class InterruptionError(Exception):
    pass


class Kept(Checkpoint):
    """Interrupts a training at its n-th offer, and gives what was offered then."""

    def __init__(self, last: int) -> None:
        self.left, self.kept = last, b""

    def load(self) -> Snapshot | None:
        return decode(self.kept) if self.kept else None

    def offer(self, take: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.kept = encode(take())
            raise InterruptionError


@pytest.mark.parametrize("kind", [INNg, DCGAN, Energy, WINN])
@pytest.mark.parametrize("last", [1, 2])
def test_a_training_on_a_set_goes_on_with_the_same_bytes(kind: type[Method], last: int) -> None:
    checkpoint = Kept(last)
    with pytest.raises(InterruptionError):
        trained(kind, checkpoint=checkpoint)
    assert torch.equal(drawn(trained(kind, checkpoint=checkpoint)), drawn(trained(kind)))


def test_inng_climbs_towards_the_pictures_of_a_set() -> None:
    method = made(INNg, filters=8, canvases=16, crops=16, classifier_steps=20, max_steps=20, max_stages=12)
    method.train_on(TrainingPictures(shades()), seed=0, budget=1e10)
    wanted = as_tensor(shades()).mean((0, 1, 2))
    ramp = method.sample(16, (16, 16), generator=torch_generator(1)).mean((0, 1, 2))
    assert float(torch.corrcoef(torch.stack([ramp, wanted]))[0, 1]) > 0.9


def test_configurations_of_textures_are_what_they_were_before_there_were_sets() -> None:
    for kind in METHODS:
        assert not {"picture_side", "per_place"} & kind({}, Execution()).configuration().keys()


def test_wrong_sizes_and_choices_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="inng learns sets of pictures of 8 to 128 px a side, not of 7"):
        configure({"picture_side": 7})
    with pytest.raises(InputError, match="up to 7 px times a power of 2"):
        made(DCGAN, 36)
    for kind in (Energy, WINN):
        with pytest.raises(InputError, match=r"'picture_side' of .* is wrong"):
            kind({"picture_side": 7}, Execution())
        with pytest.raises(InputError, match="are whole pictures; remove canvas_side and crop_side"):
            kind({"picture_side": 64, "canvas_side": 64, "crop_side": 64}, Execution())
        with pytest.raises(InputError, match="set first_negatives to 'gaussian'"):
            kind({"picture_side": 64, "first_negatives": "random-phase"}, Execution())
    for wrong in ({"directions": "spectrum"}, {"architecture": "unpadded"}, {"crop_side": 32}):
        with pytest.raises(InputError, match="do not go together"):
            configure({"picture_side": 16} | wrong)
    with pytest.raises(InputError, match="the sampler of a set begins at noise"):
        trained(INNg).continue_from(torch.zeros(1, 3, 16, 16), stage=1, generator=torch_generator(0))


def test_noise_of_each_place_has_its_mean_and_covariance_and_noise_of_the_set_those_of_all_places() -> None:
    random = np.random.default_rng(0)
    common = random.normal(0, 20, (4000, 8, 8, 1))
    pixels = 100 + 10 * np.arange(8)[:, None] + common + random.normal(0, 5, (4000, 8, 8, 3))
    pictures = TrainingPictures(pixels.clip(0, 255).astype(np.uint8))
    for per_place in (True, False):
        method = made(MatchedNoise, 8, per_place=per_place)
        method.train_on(pictures, seed=0, budget=0.0)
        found = method.sample(4000, (8, 8), generator=torch_generator(0)).permute(0, 2, 3, 1).flatten(1, 2).double()
        wanted = as_tensor(pictures.pictures).permute(0, 2, 3, 1).flatten(1, 2).double()
        axes = (0,) if per_place else (0, 1)
        torch.testing.assert_close(found.mean(axes), wanted.mean(axes), atol=0.015, rtol=0)
        torch.testing.assert_close(covariance(found, axes), covariance(wanted, axes), atol=0.006, rtol=0)


def covariance(pixels: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    centred = pixels - pixels.mean(axes, keepdim=True)
    return (centred[..., :, None] * centred[..., None, :]).mean(axes)


def test_the_features_of_a_set_are_what_the_head_of_the_last_classifier_reads() -> None:
    method = trained(INNg)
    pictures = as_tensor(shades())
    classifier = method.stages[-1].classifier
    features = method.features(pictures)
    assert features.shape == (30, 8 * 4 * 4 // 2)
    logits = features @ classifier.weights[-1].flatten() + classifier.biases[-1]
    torch.testing.assert_close(logits, picture_logits(classifier, pictures).flatten(), atol=1e-5, rtol=1e-4)
