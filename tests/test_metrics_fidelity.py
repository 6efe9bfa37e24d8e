import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from torch import Tensor
from torch_fidelity import metric_fid
from torchmetrics.image import fid, kid

from inng_bench.errors import InputError
from inng_bench.metrics import features, fidelity, standardisation
from inng_bench.metrics.crops import cut, grid
from inng_bench.metrics.gram import gram_matrix, gram_triangle, relative_distance
from inng_bench.metrics.local_weights import read_weights

Floats = NDArray[np.float64]


def _crops(name: str, count: int) -> NDArray[np.uint8]:
    picture = np.repeat(getattr(skimage.data, name)()[..., None], 3, axis=2)
    return cut(picture[None], grid(count, 1, picture.shape[:2], 48), 48)


def _with_moments(mean: Floats, covariance: Floats, count: int, seed: int) -> Tensor:
    """Return a sample whose mean and covariance are exactly these."""
    rows = np.random.default_rng(seed).normal(size=(count, len(mean)))
    rows -= rows.mean(0)
    white = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows, rowvar=False))).T
    return torch.from_numpy(white @ np.linalg.cholesky(covariance).T + mean)


def _nuclear_norm_frechet(first: Floats, second: Floats) -> float:
    a, b = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (first, second))
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * cross)


def _eigenvalue_frechet(first: Floats, second: Floats) -> float:
    covariances = [np.cov(x, rowvar=False) for x in (first, second)]
    roots = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(0)).sum()
    traces = sum(np.trace(covariance) for covariance in covariances)
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + traces - 2 * roots)


def _kernel_distance(first: Floats, second: Floats) -> float:
    def kernel(x: Floats, y: Floats) -> Floats:
        return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)

    n = len(first)
    within = [(kernel(x, x).sum() - np.trace(kernel(x, x))) / (n * (n - 1)) for x in (first, second)]
    return float(sum(within) - 2 * kernel(first, second).mean())


@pytest.fixture(scope="module")
def brick() -> fidelity.Features:
    return fidelity.extract(_crops("brick", 128), fidelity.LAYERS)


@pytest.fixture(scope="module")
def grass() -> fidelity.Features:
    return fidelity.extract(_crops("grass", 128), fidelity.LAYERS)


def test_the_frechet_distance_is_the_closed_form_of_gaussians() -> None:
    mean = np.arange(5.0), np.ones(5)
    deviation = np.linspace(1, 2, 5), np.linspace(3, 0.5, 5)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    first, second = (
        _with_moments(m @ turn, turn.T @ np.diag(d**2) @ turn, 40, seed)
        for seed, (m, d) in enumerate(zip(mean, deviation, strict=True))
    )
    expected = ((mean[0] - mean[1]) ** 2).sum() + ((deviation[0] - deviation[1]) ** 2).sum()
    assert fidelity.frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("layer", ["tap_16", "tap_112"])
def test_the_frechet_distance_equals_two_independent_forms(
    brick: fidelity.Features, grass: fidelity.Features, layer: str
) -> None:
    found = fidelity.frechet_distance(brick[layer], grass[layer])
    for form in (_nuclear_norm_frechet, _eigenvalue_frechet):
        assert found == pytest.approx(form(brick[layer].numpy(), grass[layer].numpy()), rel=1e-6)


def test_the_frechet_distance_does_not_change_when_the_features_are_turned(
    brick: fidelity.Features, grass: fidelity.Features
) -> None:
    turn = torch.from_numpy(np.linalg.qr(np.random.default_rng(1).normal(size=(40, 40)))[0])
    distance = fidelity.frechet_distance(brick["tap_40"], grass["tap_40"])
    assert fidelity.frechet_distance(brick["tap_40"] @ turn, grass["tap_40"] @ turn) == pytest.approx(
        distance, rel=1e-9
    )


def test_the_distances_are_those_of_torchmetrics_and_torch_fidelity_on_the_same_features(
    brick: fidelity.Features, grass: fidelity.Features
) -> None:
    first, second = brick["tap_24"], grass["tap_24"]
    statistics = [value for x in (first, second) for value in (x.mean(0), torch.cov(x.T))]
    ours = fidelity.frechet_distance(first, second)
    assert float(fid._compute_fid(*statistics)) == pytest.approx(ours, rel=1e-6)
    theirs = metric_fid.fid_statistics_to_metric(
        *(metric_fid.fid_features_to_statistics(x) for x in (first, second)), verbose=False
    )
    assert theirs[metric_fid.KEY_METRIC_FID] == pytest.approx(ours, rel=1e-6)
    theirs = float(kid.poly_mmd(brick["head"], grass["head"]))
    assert theirs == pytest.approx(fidelity.kernel_distance(brick["head"], grass["head"], seed=0), rel=1e-6)


def test_the_frechet_distance_is_symmetric_blind_to_order_and_nothing_to_itself(
    brick: fidelity.Features, grass: fidelity.Features
) -> None:
    first, second = brick["tap_40"], grass["tap_40"]
    distance = fidelity.frechet_distance(first, second)
    assert fidelity.frechet_distance(second, first) == pytest.approx(distance, rel=1e-9)
    assert fidelity.frechet_distance(first.flip(0), second) == pytest.approx(distance, rel=1e-9)
    assert fidelity.frechet_distance(first, first.flip(0)) == pytest.approx(0, abs=1e-9)


def test_one_crop_has_no_frechet_distance() -> None:
    with pytest.raises(ValueError, match="at least two crops"):
        fidelity.frechet_distance(torch.zeros(1, 3), torch.zeros(5, 3))


def test_the_kernel_distance_equals_an_independent_form(brick: fidelity.Features, grass: fidelity.Features) -> None:
    expected = _kernel_distance(brick["head"].numpy(), grass["head"].numpy())
    assert fidelity.kernel_distance(brick["head"], grass["head"], seed=1) == pytest.approx(expected, rel=1e-9)
    assert fidelity.kernel_distance(brick["head"], grass["head"], seed=2**62) == pytest.approx(expected, rel=1e-9)


def test_the_kernel_distance_of_equal_distributions_is_zero_on_average() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = [
        fidelity.kernel_distance(*torch.randn(2, 50, 8, generator=generator, dtype=torch.float64), seed=0)
        for _ in range(200)
    ]
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(len(draws))
    shifted = torch.randn(2, 50, 8, generator=generator, dtype=torch.float64) + torch.tensor([[[0.0]], [[1.0]]])
    assert fidelity.kernel_distance(*shifted, seed=0) > 4 * np.std(draws)


def test_the_folded_network_gives_the_features_of_the_published_one() -> None:
    published = EfficientNet.from_name("efficientnet-lite0").eval()
    published.load_state_dict(features.published_weights())
    crops = torch.from_numpy(_crops("grass", 4)).permute(0, 3, 1, 2)
    x = (crops.float() - 127) / 128
    with torch.inference_mode():
        taps, head = features.feature_network()(crops)
        expected_head = published.extract_features(x)
        x = published._swish(published._bn0(published._conv_stem(x)))
        for number, block in enumerate(published._blocks):
            x = block(x)
            if number in features.TAP_BLOCKS.values():
                torch.testing.assert_close(taps[x.shape[1]], x, rtol=1e-4, atol=1e-4)
    assert list(taps) == [16, 24, 40, 80, 112]
    torch.testing.assert_close(head, expected_head, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("content", [b"", b"not the weights"])
def test_weights_of_another_hash_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "efficientnet-lite0.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"SHA-256 .* reinstall"):
        read_weights(path, features.WEIGHTS_SHA256, "reinstall it")


def test_missing_weights_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.pth cannot be read"):
        read_weights(tmp_path / "absent.pth", features.WEIGHTS_SHA256, "reinstall it")


def test_the_stored_standardisation_is_the_one_of_the_pool() -> None:
    stored, computed = standardisation.read_standardisation(), standardisation.compute_standardisation()
    assert list(stored) == list(computed) == list(fidelity.TAPS)
    for layer, scale in computed.items():
        np.testing.assert_allclose(stored[layer].mean, scale.mean, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(stored[layer].std, scale.std, rtol=1e-3)
    text = standardisation.as_json(computed)
    assert json.loads(text).keys() == {"version", "weights_sha256", "pool", "taps"}


def test_the_means_of_a_tap_come_standardised_and_those_of_the_head_as_they_are(brick: fidelity.Features) -> None:
    with torch.inference_mode():
        taps, head = features.feature_network()(torch.from_numpy(_crops("brick", 128)).permute(0, 3, 1, 2))
    assert head is not None
    for layer, width in fidelity.TAPS.items():
        scale = standardisation.read_standardisation()[layer]
        expected = (taps[width].mean((2, 3)).numpy() - np.array(scale.mean)) / np.array(scale.std)
        np.testing.assert_allclose(brick[layer], expected, atol=1e-4)
    np.testing.assert_allclose(brick["head"], head.mean((2, 3)), atol=1e-4)


def test_a_standardisation_of_other_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standardisation, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="compute it anew"):
        standardisation.read_standardisation.__wrapped__()


def test_the_batch_size_changes_features_by_round_off_only(brick: fidelity.Features, grass: fidelity.Features) -> None:
    again = fidelity.extract(_crops("brick", 128), fidelity.LAYERS, batch=7)
    for layer in fidelity.TAPS:
        distance = fidelity.frechet_distance(brick[layer], grass[layer])
        assert fidelity.frechet_distance(again[layer], grass[layer]) == pytest.approx(distance, rel=1e-5)
    for layer in fidelity.GRAMS:
        assert relative_distance(gram_matrix(again[layer]), gram_matrix(brick[layer])) < 1e-5
    distance = fidelity.kernel_distance(brick["head"], grass["head"], seed=0)
    assert fidelity.kernel_distance(again["head"], grass["head"], seed=0) == pytest.approx(distance, rel=1e-5)


def test_the_number_of_threads_changes_features_by_round_off_only(brick: fidelity.Features) -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3 if threads == 1 else 1)
        again = fidelity.extract(_crops("brick", 128), fidelity.LAYERS)
    finally:
        torch.set_num_threads(threads)
    for layer in (*fidelity.TAPS, fidelity.HEAD_LAYER):
        spread = brick[layer].std()
        assert (again[layer] - brick[layer]).abs().max() < 1e-5 * max(1.0, float(spread)), layer
    for layer in fidelity.GRAMS:
        assert relative_distance(gram_matrix(again[layer]), gram_matrix(brick[layer])) < 1e-5


def test_a_gram_matrix_is_the_mean_outer_product_of_the_features() -> None:
    tap = torch.randn(6, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    rows = tap.permute(0, 2, 3, 1).reshape(-1, 5).double().numpy()
    np.testing.assert_allclose(gram_matrix(gram_triangle(tap)), rows.T @ rows / len(rows), atol=1e-6)
    np.testing.assert_allclose(gram_matrix(gram_triangle(3 * tap)), 9 * rows.T @ rows / len(rows), atol=1e-5)


def test_gram_matrices_are_symmetric_positive_and_blind_to_the_order_of_crops(brick: fidelity.Features) -> None:
    for layer, width in fidelity.GRAMS.items():
        matrix = gram_matrix(brick[layer])
        assert matrix.shape == (width, width)
        assert torch.equal(matrix, matrix.T)
        eigenvalues = torch.linalg.eigvalsh(matrix)
        assert eigenvalues[0] > -1e-6 * eigenvalues[-1]
        assert relative_distance(gram_matrix(brick[layer].flip(0)), matrix) < 1e-12


def test_the_gram_distance_is_relative_to_the_reference() -> None:
    matrix = torch.eye(4, dtype=torch.float64)
    assert relative_distance(matrix, matrix) == 0
    assert relative_distance(3 * matrix, matrix) == pytest.approx(2)
    assert relative_distance(matrix, 4 * matrix) == pytest.approx(0.75)
