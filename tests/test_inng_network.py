"""A classifier in training and frozen, and what a step reads of a canvas, against explicit windows and autograd."""

from itertools import product
from typing import get_args

import pytest
import torch
from torch import Tensor

from inng_bench.inng.alternatives import saturating
from inng_bench.inng.dense import Roll, Weigh, torus_logits_and_gradient
from inng_bench.inng.frozen import FrozenClassifier, freeze, picture_logits
from inng_bench.inng.network import (
    GEOMETRIES,
    WINDOW_STEP,
    Architecture,
    Classifier,
    Design,
    Output,
    new_classifier,
    recalibrate,
)
from inng_bench.inng.whole import logits_and_gradient
from inng_bench.inng.windows import DenseTorus, RandomPatches

HEIGHT, WIDTH = 96, 64
WINDOW = GEOMETRIES["unpadded"].window
COVERING = WINDOW**2 / WINDOW_STEP**2
WEIGHS = pytest.mark.parametrize("weigh", [None, saturating])


def make_classifier(design: Design) -> Classifier:
    """A classifier in evaluation mode whose batch normalisation is far from the identity."""
    generator = torch.Generator().manual_seed(3)
    network = new_classifier(design, generator).double().eval()
    for norm in network.norms:
        if isinstance(norm, torch.nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.normal_(generator=generator)
            norm.running_var.uniform_(0.5, 2.0, generator=generator)
    return network


@pytest.fixture
def classifier() -> Classifier:
    return make_classifier(Design(4))


@pytest.fixture
def canvases() -> Tensor:
    return torch.rand((2, 3, HEIGHT, WIDTH), dtype=torch.float64, generator=torch.Generator().manual_seed(4)) * 2 - 1


def objective(logits: Tensor, weigh: Weigh | None) -> Tensor:
    """What a step climbs: the sum of the logits, or of ln of their sigmoids."""
    return (logits if weigh is None else torch.nn.functional.logsigmoid(logits)).sum()


def window_logits(classifier: FrozenClassifier, canvases: Tensor) -> Tensor:
    """The dense logits as a map, (N, rows, columns)."""
    logits, _ = torus_logits_and_gradient(classifier, canvases)
    return logits.reshape(-1, canvases.shape[2] // WINDOW_STEP, canvases.shape[3] // WINDOW_STEP)


def draw_picture(height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(6)
    return torch.rand((1, 3, height, width), dtype=torch.float64, generator=generator) * 2 - 1


def explicit_windows(canvases: Tensor) -> Tensor:
    """Cut every window of the grid out of the torus, (N, rows, columns, 3, 62, 62)."""
    grid = [
        [canvases.roll((-top, -left), (2, 3)) for left in range(0, canvases.shape[3], WINDOW_STEP)]
        for top in range(0, canvases.shape[2], WINDOW_STEP)
    ]
    return torch.stack([torch.stack([tile(window) for window in row], 1) for row in grid], 1)


def tile(rolled: Tensor) -> Tensor:
    wrapped = torch.cat([rolled, rolled], 3) if rolled.shape[3] < WINDOW else rolled
    return wrapped[:, :, :WINDOW, :WINDOW]


def test_the_window_is_62_pixels_and_the_grid_step_16() -> None:
    assert (WINDOW, WINDOW_STEP) == (62, 16)


def test_one_dense_pass_gives_the_logit_of_every_window_of_the_grid(classifier: Classifier, canvases: Tensor) -> None:
    windows = explicit_windows(canvases)
    expected = classifier(windows.flatten(0, 2)).reshape(windows.shape[:3])
    torch.testing.assert_close(window_logits(freeze(classifier, torch.float64), canvases), expected)


@WEIGHS
@pytest.mark.parametrize("roll", [(0, 0), (1, 0), (7, 13), (15, 15)])
def test_the_dense_gradient_is_the_mean_of_the_gradients_of_the_windows(
    classifier: Classifier, canvases: Tensor, roll: Roll, weigh: Weigh | None
) -> None:
    rolled = canvases.roll(roll, (2, 3)).requires_grad_()
    windows = explicit_windows(rolled)
    logits = classifier(windows.flatten(0, 2)).reshape(len(canvases), -1)
    (expected,) = torch.autograd.grad(objective(logits, weigh), rolled)
    values, gradient = torus_logits_and_gradient(freeze(classifier, torch.float64), rolled.detach(), weigh=weigh)
    torch.testing.assert_close(values, logits)
    torch.testing.assert_close(gradient * COVERING, expected)


def test_the_mean_over_the_windows_holds_for_every_roll() -> None:
    network = make_classifier(Design(2))
    frozen, canvas = freeze(network, torch.float64), draw_picture(64, 64)
    for down, right in product(range(WINDOW_STEP), repeat=2):
        weigh = saturating if (down + right) % 2 else None
        rolled = canvas.roll((down, right), (2, 3)).requires_grad_()
        expected = network(explicit_windows(rolled).flatten(0, 2)).reshape(1, -1)
        (slope,) = torch.autograd.grad(objective(expected, weigh), rolled)
        logits, gradient = torus_logits_and_gradient(frozen, canvas, (down, right), weigh)
        torch.testing.assert_close(logits, expected)
        torch.testing.assert_close(gradient * COVERING, slope.roll((-down, -right), (2, 3)))


@pytest.mark.parametrize("output", get_args(Output))
@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_a_frozen_classifier_gives_the_logits_of_the_trained_one(architecture: Architecture, output: Output) -> None:
    network = make_classifier(Design(4, architecture, output))
    side = GEOMETRIES[architecture].window
    pictures = torch.rand((3, 3, side, side), dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    expected = network(pictures)[:, 0]
    assert expected.shape == (3, 1, 1)
    torch.testing.assert_close(picture_logits(freeze(network, torch.float64), pictures), expected)


def test_the_padded_classifier_reads_pictures_as_tensorflow_s_same_convolutions_do() -> None:
    # SAME: the output is half as large; of the zeros that this takes, the smaller half lies before the picture.
    side = GEOMETRIES["padded"].window
    assert side == 64
    network = new_classifier(Design(2, "padded"), torch.Generator().manual_seed(3)).double().eval()
    picture = torch.rand((1, 3, side, side), dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    hidden = picture
    for convolution, norm in zip(network.convolutions, [torch.nn.Identity(), *network.norms], strict=True):
        length = hidden.shape[2]
        zeros = max((-(-length // 2) - 1) * 2 + 5 - length, 0)
        before = zeros // 2
        padded = hidden.new_zeros((1, hidden.shape[1], length + zeros, length + zeros))
        padded[:, :, before : before + length, before : before + length] = hidden
        hidden = torch.nn.functional.leaky_relu(norm(convolution(padded)), 0.2)
    assert hidden.shape[2:] == (4, 4)
    torch.testing.assert_close(network(picture), network.head(hidden))


def test_the_cross_entropy_of_two_classes_is_that_of_a_sigmoid_on_their_difference() -> None:
    network = make_classifier(Design(4, output="softmax"))
    pictures = torch.rand((5, 3, WINDOW, WINDOW), dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    both: list[Tensor] = []
    network.head.register_forward_hook(lambda _module, _arguments, result: both.append(result[:, :, 0, 0]))
    logits = network(pictures).flatten()
    labels = torch.tensor([0, 1, 1, 0, 1])
    torch.testing.assert_close(
        torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.double()),
        torch.nn.functional.cross_entropy(both[0], labels),
    )


@WEIGHS
@pytest.mark.parametrize("wraps", [True, False])
def test_random_patches_give_the_gradient_of_their_explicit_cuts(
    classifier: Classifier, canvases: Tensor, weigh: Weigh | None, wraps: bool
) -> None:
    windows = RandomPatches(WINDOW, 3, HEIGHT * WIDTH, weigh, wraps)
    frozen = freeze(classifier, torch.float64)
    place = windows.places(canvases, 2, torch.Generator().manual_seed(8))[1]
    assert place.shape == (2, 3, 2)
    logits, gradient = windows.read(frozen, canvases, place, torch.arange(2))
    whole = canvases.clone().requires_grad_()
    patches = torch.stack([
        tile(whole[image : image + 1].roll((-top, -left), (2, 3)))[0]
        for image in range(2) for top, left in place[image].tolist()
    ])  # fmt: skip
    expected = classifier(patches).reshape(2, 3)
    (slope,) = torch.autograd.grad(objective(expected, weigh), whole)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(gradient, slope / (3 * WINDOW**2 / (HEIGHT * WIDTH)))


@pytest.mark.parametrize("wraps", [True, False])
def test_random_patches_lie_everywhere_and_reach_over_the_border_of_a_torus_alone(wraps: bool) -> None:
    canvas = torch.empty((1, 3, 70, 66))
    corners = RandomPatches(62, 4000, 70 * 66, wraps=wraps).places(canvas, 1, torch.Generator().manual_seed(0))
    most = (69, 65) if wraps else (70 - 62, 66 - 62)
    assert corners.amin((0, 1, 2)).tolist() == [0, 0]
    assert tuple(corners.amax((0, 1, 2)).tolist()) == most


def test_images_that_still_climb_keep_their_own_patches(classifier: Classifier, canvases: Tensor) -> None:
    windows, frozen = RandomPatches(WINDOW, 3, HEIGHT * WIDTH, wraps=True), freeze(classifier, torch.float64)
    place = windows.places(canvases, 1, torch.Generator().manual_seed(8))[0]
    both, alone = (
        windows.read(frozen, canvases[asked], place, asked) for asked in (torch.arange(2), torch.tensor([1]))
    )
    torch.testing.assert_close(alone, (both[0][1:], both[1][1:]))


@WEIGHS
@pytest.mark.parametrize("side", [8, 28, 64])
def test_the_pass_over_whole_pictures_gives_the_logits_and_gradients_of_autograd(
    side: int, weigh: Weigh | None
) -> None:
    network = make_classifier(Design(3, "padded", side=side))
    pictures = torch.rand((3, 3, side, side), dtype=torch.float64, generator=torch.Generator().manual_seed(4)) * 2 - 1
    logits, gradient = logits_and_gradient(freeze(network, torch.float64), pictures, weigh)
    leaf = pictures.requires_grad_()
    expected = network(leaf)[:, :, 0, 0]
    (slope,) = torch.autograd.grad(objective(expected, weigh), leaf)
    torch.testing.assert_close((logits, gradient), (expected.detach(), slope))


def test_canvases_evaluated_in_parts_have_the_logits_and_gradients_of_the_whole(
    classifier: Classifier, canvases: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, place, asked, seen = freeze(classifier, torch.float64), torch.tensor([5, 11]), torch.arange(2), []

    def counted(frozen: FrozenClassifier, part: Tensor, roll: Roll, weigh: Weigh | None) -> tuple[Tensor, Tensor]:
        seen.append(len(part))
        return torus_logits_and_gradient(frozen, part, roll, weigh)

    windows = DenseTorus(saturating, counted)
    whole = windows.read(frozen, canvases, place, asked)
    monkeypatch.setattr("inng_bench.inng.windows.PIXELS_TOGETHER", HEIGHT * WIDTH)
    parts = windows.read(frozen, canvases, place, asked)
    assert seen == [2, 1, 1]
    torch.testing.assert_close(parts, whole)


def test_a_dense_step_reads_the_grid_of_the_canvases_rolled_to_its_place(
    classifier: Classifier, canvases: Tensor
) -> None:
    frozen, windows = freeze(classifier, torch.float64), DenseTorus()
    places = windows.places(canvases, 200, torch.Generator().manual_seed(0))
    assert places.amin(0).tolist() == [0, 0]
    assert places.amax(0).tolist() == [WINDOW_STEP - 1, WINDOW_STEP - 1]
    down, right = places[3].tolist()
    logits, gradient = windows.read(frozen, canvases, places[3], torch.arange(2))
    rolled, slope = torus_logits_and_gradient(frozen, canvases.roll((down, right), (2, 3)))
    torch.testing.assert_close((logits, gradient), (rolled, slope.roll((-down, -right), (2, 3))))


def test_a_larger_canvas_has_as_many_random_patches_for_its_area() -> None:
    windows = RandomPatches(WINDOW, patches=3, area=64**2)
    for side, expected in ((64, 3), (128, 12)):
        places = windows.places(draw_picture(side, side), 5, torch.Generator().manual_seed(8))
        assert places.shape == (5, 1, expected, 2)


def test_recalibrated_statistics_are_those_of_the_present_weights_over_all_batches() -> None:
    network = make_classifier(Design(4))
    for norm in network.norms:
        norm.momentum = 0.3  # type: ignore[assignment]
    pictures = draw_picture(126, 126 * 8).unfold(3, 126, 126)[0].permute(2, 0, 1, 3)
    stale = network(pictures)
    recalibrate(network, [pictures[:4], pictures[4:]], torch.float32)
    recalibrated, training = network.eval()(pictures), network.train()(pictures)
    # Two batches' mean statistics are those of their union but for the spread of the batches' means and for 1/n.
    torch.testing.assert_close(recalibrated, training, rtol=0.02, atol=0.005)
    assert not torch.allclose(stale, training, rtol=0.1)
    assert all(norm.momentum == 0.3 for norm in network.norms)


def test_folded_norms_and_wrapping_per_layer_equal_the_classifier_on_one_halo_around_the_canvas(
    classifier: Classifier, canvases: Tensor
) -> None:
    halo = WINDOW - WINDOW_STEP
    wrapped = torch.cat([canvases, canvases[:, :, :halo]], 2)
    wrapped = torch.cat([wrapped, wrapped[:, :, :, :halo]], 3)
    torch.testing.assert_close(window_logits(freeze(classifier, torch.float64), canvases), classifier(wrapped)[:, 0])


def test_bfloat16_logits_stay_near_the_exact_ones(classifier: Classifier, canvases: Tensor) -> None:
    exact = window_logits(freeze(classifier, torch.float64), canvases)
    rough = window_logits(freeze(classifier.float(), torch.bfloat16), canvases.float())
    assert (rough - exact).abs().max() < 0.02 * exact.abs().max()


def test_building_a_network_leaves_the_global_random_state_untouched() -> None:
    before = torch.random.get_rng_state()
    new_classifier(Design(2), torch.Generator().manual_seed(0))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("balanced", [True, False])
def test_balanced_kernels_draw_no_grid_on_a_plain_canvas(balanced: bool) -> None:
    classifier = new_classifier(Design(4, balanced=balanced), torch.Generator().manual_seed(0))
    plain = torch.full((1, 3, 64, 64), 0.3)
    _, gradient = torus_logits_and_gradient(freeze(classifier, torch.float64), plain.double())
    grid = float((gradient.amax((2, 3)) - gradient.amin((2, 3))).max() / gradient.abs().max())
    assert (grid < 1e-4) == balanced
