"""Metrics on weights that the user has: VGG-19 and Inception from a checked file."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from inng_bench.errors import InputError
from inng_bench.metrics import gram_vgg, inception, local_weights
from inng_bench.metrics.catalogue import INCEPTION_FID_CROPS
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.gram import gram_matrix
from inng_bench.metrics.local_weights import INCEPTION, VGG19, LocalWeights, check_weights


def noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def compared(samples: Pixels, window: Pixels) -> Comparison:
    return Comparison(Pictures(samples), Pictures(window), 0)


@pytest.mark.usefixtures("vgg_file")
def test_the_layers_of_vgg_are_those_of_gatys_with_average_pooling(vgg_file: Path) -> None:
    state = torch.load(vgg_file, weights_only=True)
    pictures = torch.from_numpy(noise(0, 2, 64, 64)).permute(0, 3, 1, 2)
    grams = gram_vgg.gram_layers(pictures)
    assert list(grams) == ["conv1_1", "pool1", "pool2", "pool3", "pool4"]
    x = (pictures / 255 - torch.tensor(gram_vgg.MEAN).view(3, 1, 1)) / torch.tensor(gram_vgg.STD).view(3, 1, 1)

    def convolve(x: torch.Tensor, number: int) -> torch.Tensor:
        weight, bias = (state[f"features.{number}.{part}"] for part in ("weight", "bias"))
        return functional.conv2d(x, weight, bias, padding=1).relu()

    first = convolve(x, 0)
    pool1 = functional.avg_pool2d(convolve(first, 2), 2)
    for tap, name in ((first, "conv1_1"), (pool1, "pool1")):
        rows = tap.permute(0, 2, 3, 1).flatten(0, 2).double()
        torch.testing.assert_close(gram_matrix(grams[name]), rows.T @ rows / len(rows), rtol=1e-4, atol=1e-6)
    assert round((8 * grams["pool4"].shape[1] + 1) ** 0.5 - 1) // 2 == 512


@pytest.mark.usefixtures("vgg_file")
def test_the_vgg_gram_is_nothing_between_a_picture_and_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram_vgg, "VGG_CROPS", 2)
    window = noise(0, 1, 80, 80)
    same, other = (gram_vgg.gram_vgg(compared(samples, window)) for samples in (window, window // 2))
    assert same.value == pytest.approx(0, abs=1e-6)
    assert other.value is not None
    assert other.value > 0.01


def test_vgg_weights_of_another_hash_are_refused_unless_the_user_states_it(
    vgg_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_weights(["gram_vgg", "gram"])
    monkeypatch.delenv(f"{VGG19.variable}_SHA256")
    for attempt in (gram_vgg.vgg_network, lambda: check_weights(["gram_vgg"])):
        with pytest.raises(InputError, match=r"vgg19\.pth have SHA-256 .*, not dcbb9e9d.*; set INNG_BENCH_VGG19"):
            attempt()


@pytest.mark.parametrize("metric", ["gram_vgg", "patch_fid_inception", "patch_kid_inception"])
def test_a_metric_whose_weights_are_not_named_is_refused_before_any_work(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for weights in (VGG19, INCEPTION):
        monkeypatch.delenv(weights.variable, raising=False)
    with pytest.raises(InputError, match=r"not found; set INNG_BENCH_\w+ to the path of the file"):
        check_weights(["gram", metric])


def test_a_file_that_holds_more_than_tensors_is_not_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"weight": Path("anything that is no tensor")}, path)
    weights = LocalWeights("weights", "SOME_WEIGHTS", hashlib.sha256(path.read_bytes()).hexdigest(), "http://nowhere")
    monkeypatch.setenv("SOME_WEIGHTS", str(path))
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        weights.read()


def test_inception_weights_of_a_wrong_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    path.write_bytes(b"not the weights")
    monkeypatch.setenv(INCEPTION.variable, str(path))
    with pytest.raises(InputError, match=r"have SHA-256 .*, not 6726825d.*; set INNG_BENCH_INCEPTION"):
        inception.inception.__wrapped__("64")


def test_the_inception_extractor_has_the_weights_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With weights of our own, since the published ones are not shipped."""
    path = tmp_path / "inception.pth"
    with torch.device("meta"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
        shapes = FeatureExtractorInceptionV3("x", ["64"], verbose=False).state_dict()
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.rand(one.shape, generator=generator) * 0.1 + (0.5 if "running_var" in name else 0.0)
        if one.is_floating_point()
        else torch.zeros(one.shape, dtype=one.dtype)
        for name, one in shapes.items()
    }
    torch.save(state, path)
    monkeypatch.setenv(INCEPTION.variable, str(path))
    monkeypatch.setenv(f"{INCEPTION.variable}_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(inception, "INCEPTION_FID_CROPS", 1024)
    extractor = inception.inception.__wrapped__("64")
    for name, one in extractor.state_dict().items():
        torch.testing.assert_close(one, state[name])
    (found,) = extractor(torch.from_numpy(noise(0, 1, 64, 64)).permute(0, 3, 1, 2))
    assert found.shape == (1, inception.FID_WIDTH)


def test_a_frechet_distance_of_too_few_crops_is_refused() -> None:
    inception.refuse_too_few(INCEPTION_FID_CROPS, inception.FID_WIDTH)
    with pytest.raises(ValueError, match="1023 crops are too few for 64 dimensions; take 1024"):
        inception.refuse_too_few(1023, 64)


def test_the_published_files_are_pinned_by_the_hash_in_their_names() -> None:
    for weights in (VGG19, INCEPTION):
        assert weights.url.endswith(f"-{weights.sha256[:8]}.pth")
        assert len(weights.sha256) == 64
    assert dataclasses.fields(local_weights.LocalWeights)
