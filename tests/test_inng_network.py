from itertools import product

import pytest
import torch
from torch import Tensor

from inng_bench.inng.choices import Architecture, Ascended, Canvas, Normalisation, Output, Overlap
from inng_bench.inng.field import Reading, dense_torus, make_field
from inng_bench.inng.frozen import (
    FrozenClassifier,
    Roll,
    freeze,
    picture_logits,
    recalibrate,
    torus_logits_and_gradient,
)
from inng_bench.inng.network import GEOMETRIES, WINDOW_STEP, Classifier, Design, new_classifier

HEIGHT, WIDTH = 96, 64
WINDOW = GEOMETRIES[Architecture.UNPADDED].window
COVERING = WINDOW**2 / WINDOW_STEP**2


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
        [canvases.roll((-top, -left), (2, 3)) for left in range(0, WIDTH, WINDOW_STEP)]
        for top in range(0, HEIGHT, WINDOW_STEP)
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


@pytest.mark.parametrize("ascended", list(Ascended))
@pytest.mark.parametrize("roll", [(0, 0), (1, 0), (7, 13), (15, 15)])
def test_the_dense_gradient_is_the_mean_of_the_gradients_of_the_windows(
    classifier: Classifier, canvases: Tensor, roll: tuple[int, int], ascended: Ascended
) -> None:
    rolled = canvases.roll(roll, (2, 3)).requires_grad_()
    windows = explicit_windows(rolled)
    logits = classifier(windows.flatten(0, 2)).reshape(len(canvases), -1)
    objective = logits if ascended is Ascended.LOGIT else torch.nn.functional.logsigmoid(logits)
    (expected,) = torch.autograd.grad(objective.sum(), rolled)
    values, gradient = torus_logits_and_gradient(freeze(classifier, torch.float64), rolled.detach(), ascended)
    torch.testing.assert_close(values, logits)
    torch.testing.assert_close(gradient * COVERING, expected)


def test_the_mean_over_the_windows_holds_for_every_roll() -> None:
    network = make_classifier(Design(2))
    frozen, canvas = freeze(network, torch.float64), draw_picture(HEIGHT, WIDTH)
    for down, right in product(range(WINDOW_STEP), repeat=2):
        rolled = canvas.roll((down, right), (2, 3)).requires_grad_()
        expected = network(explicit_windows(rolled).flatten(0, 2)).reshape(1, -1)
        (slope,) = torch.autograd.grad(expected.sum(), rolled)
        logits, gradient = torus_logits_and_gradient(frozen, canvas, roll=(down, right))
        torch.testing.assert_close(logits, expected)
        torch.testing.assert_close(gradient * COVERING, slope.roll((-down, -right), (2, 3)))


@pytest.mark.parametrize("output", list(Output))
@pytest.mark.parametrize("normalisation", list(Normalisation))
@pytest.mark.parametrize("architecture", list(Architecture))
def test_a_frozen_classifier_gives_the_logits_of_the_trained_one(
    architecture: Architecture, normalisation: Normalisation, output: Output
) -> None:
    network = make_classifier(Design(4, architecture, output, normalisation))
    side = GEOMETRIES[architecture].window
    pictures = torch.rand((3, 3, side, side), dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    expected = network(pictures)[:, 0]
    assert expected.shape == (3, 1, 1)
    torch.testing.assert_close(picture_logits(freeze(network, torch.float64), pictures), expected)


def test_the_padded_classifier_reads_pictures_as_tensorflow_s_same_convolutions_do() -> None:
    # SAME: the output is half as large; of the zeros that this takes, the smaller half lies before the picture.
    side = GEOMETRIES[Architecture.PADDED].window
    assert side == 64
    network = make_classifier(Design(2, Architecture.PADDED, normalisation=Normalisation.NONE))
    picture = torch.rand((1, 3, side, side), dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    hidden = picture
    for convolution in network.convolutions:
        assert isinstance(convolution, torch.nn.Conv2d)
        length = hidden.shape[2]
        zeros = max((-(-length // 2) - 1) * 2 + 5 - length, 0)
        before = zeros // 2
        padded = hidden.new_zeros((1, hidden.shape[1], length + zeros, length + zeros))
        padded[:, :, before : before + length, before : before + length] = hidden
        hidden = torch.nn.functional.leaky_relu(convolution(padded), 0.2)
    assert hidden.shape[2:] == (4, 4)
    torch.testing.assert_close(network(picture), network.head(hidden))


def test_the_cross_entropy_of_two_classes_is_that_of_a_sigmoid_on_their_difference() -> None:
    network = make_classifier(Design(4, output=Output.SOFTMAX))
    pictures = torch.rand((5, 3, WINDOW, WINDOW), dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    both: list[Tensor] = []
    network.head.register_forward_hook(lambda _module, _arguments, result: both.append(result[:, :, 0, 0]))
    logits = network(pictures).flatten()
    labels = torch.tensor([0, 1, 1, 0, 1])
    torch.testing.assert_close(
        torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.double()),
        torch.nn.functional.cross_entropy(both[0], labels),
    )


@pytest.mark.parametrize("ascended", list(Ascended))
def test_random_patches_give_the_gradient_of_their_explicit_cuts(
    classifier: Classifier, canvases: Tensor, ascended: Ascended
) -> None:
    reading = Reading(Overlap.RANDOM_PATCHES, ascended=ascended, patches=3, patch_area=HEIGHT * WIDTH)
    frozen, generator = freeze(classifier, torch.float64), torch.Generator().manual_seed(8)
    logits, gradient = make_field([frozen], None, reading, canvases, 2, generator)(canvases, 1, torch.arange(2))
    generator.manual_seed(8)
    rows, columns = (torch.randint(length, (2, 2, 3), generator=generator)[1] for length in (HEIGHT, WIDTH))
    whole = canvases.clone().requires_grad_()
    patches = torch.stack([
        tile(whole[image : image + 1].roll((-int(rows[image, patch]), -int(columns[image, patch])), (2, 3)))[0]
        for image in range(2) for patch in range(3)
    ])  # fmt: skip
    expected = classifier(patches).reshape(2, 3)
    objective = expected if ascended is Ascended.LOGIT else torch.nn.functional.logsigmoid(expected)
    (slope,) = torch.autograd.grad(objective.sum(), whole)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(gradient, slope / (3 * WINDOW**2 / (HEIGHT * WIDTH)))


def test_canvases_evaluated_in_parts_have_the_logits_and_gradients_of_the_whole(
    classifier: Classifier, canvases: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, asked = freeze(classifier, torch.float64), torch.arange(2)
    field = make_field([frozen], None, Reading(), canvases, 1, torch.Generator().manual_seed(8))
    whole = field(canvases, 0, asked)
    monkeypatch.setattr("inng_bench.inng.field.PIXELS_TOGETHER", HEIGHT * WIDTH)
    seen: list[int] = []
    exact = torus_logits_and_gradient

    def counted(frozen: FrozenClassifier, part: Tensor, ascended: Ascended, roll: Roll) -> tuple[Tensor, Tensor]:
        seen.append(len(part))
        return exact(frozen, part, ascended, roll)

    roll = torch.randint(WINDOW_STEP, (1, 2), generator=torch.Generator().manual_seed(8))[0]
    parts = dense_torus(frozen, canvases, roll, Ascended.LOGIT, counted)
    assert seen == [1, 1]
    torch.testing.assert_close(parts, whole)


def test_a_larger_canvas_has_as_many_random_patches_for_its_area(classifier: Classifier) -> None:
    reading, frozen = Reading(Overlap.RANDOM_PATCHES, patches=3, patch_area=64**2), freeze(classifier, torch.float64)
    for side, expected in ((64, 3), (128, 12)):
        canvas = draw_picture(side, side)
        field = make_field([frozen], None, reading, canvas, 1, torch.Generator().manual_seed(8))
        assert field(canvas, 0, torch.arange(1))[0].shape == (1, expected)


def test_an_expanded_canvas_is_read_without_wrapping(classifier: Classifier) -> None:
    frozen, canvas = freeze(classifier, torch.float64), draw_picture(96, 112)
    field = make_field([frozen], None, Reading(canvas=Canvas.EXPANDED), canvas, 1, torch.Generator().manual_seed(8))
    top, left = torch.randint(WINDOW_STEP, (1, 2), generator=torch.Generator().manual_seed(8))[0].tolist()
    logits, gradient = field(canvas, 0, torch.arange(1))
    torch.testing.assert_close(logits, classifier(canvas[:, :, top:, left:]).flatten(1))
    assert bool((gradient[:, :, :top] == 0).all())
    whole = canvas.clone().requires_grad_()
    (slope,) = torch.autograd.grad(classifier(whole[:, :, top:, left:]).sum(), whole)
    torch.testing.assert_close(gradient * COVERING, slope)


def test_the_full_sum_adds_the_gradients_of_all_stages_and_of_the_prior(canvases: Tensor) -> None:
    first, second = (freeze(make_classifier(Design(width)), torch.float64) for width in (2, 3))

    def alone(classifier: object) -> tuple[Tensor, Tensor]:
        field = make_field([classifier], None, Reading(), canvases, 1, torch.Generator().manual_seed(1))  # type: ignore[list-item]
        return field(canvases, 0, torch.arange(2))

    field = make_field([first, second], torch.neg, Reading(), canvases, 1, torch.Generator().manual_seed(1))
    logits, gradient = field(canvases, 0, torch.arange(2))
    torch.testing.assert_close(logits, alone(second)[0])
    torch.testing.assert_close(gradient, alone(first)[1] + alone(second)[1] - canvases)


def test_recalibrated_statistics_are_those_of_the_present_weights_over_all_batches() -> None:
    network = make_classifier(Design(4, norm_momentum=0.3))
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
    new_classifier(Design(2, normalisation=Normalisation.NONE), torch.Generator().manual_seed(0))
    assert torch.equal(torch.random.get_rng_state(), before)
