"""C_t after training, as the sampler uses it: fixed weights, batch normalisation folded into the convolutions.

No convolution of the unpadded architecture is padded, so one dense pass over a picture *is* the evaluation of every
window of a regular grid: the window is the receptive field, the grid's step the product of the strides. On a toroidal
canvas each layer wraps its own input, which equals wrapping the canvas once by the receptive field, without computing
anything twice.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inng_bench.inng.choices import Architecture, Ascended
from inng_bench.inng.network import GEOMETRIES, LAYERS, LEAK, STRIDE, Classifier, Design, Geometry


@dataclass(frozen=True)
class FrozenClassifier:
    """Weights of C_t for the sampler; of a softmax the difference of its two outputs is kept.

    Attributes
    ----------
    architecture : Architecture
        Sizes and padding.
    weights : tuple[Tensor, ...]
        Of the four convolutions and of the head, in the sampler's data type, channels last.
    biases : tuple[Tensor, ...]
        Likewise.
    first_transposed : Tensor or None
        The first layer's weights arranged for its input gradient, see :func:`_transpose_for_shuffle`; None if padded.
    """

    architecture: Architecture
    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    first_transposed: Tensor | None

    @classmethod
    def build(cls, architecture: Architecture, weights: list[Tensor], biases: list[Tensor]) -> "FrozenClassifier":
        """Arrange weights and biases for the sampler."""
        arranged = tuple(weight.contiguous(memory_format=torch.channels_last) for weight in weights)
        unpadded = architecture is Architecture.UNPADDED
        return cls(architecture, arranged, tuple(biases), _transpose_for_shuffle(weights[0]) if unpadded else None)

    @property
    def geometry(self) -> Geometry:
        """Sizes of the architecture."""
        return GEOMETRIES[self.architecture]

    @property
    def dtype(self) -> torch.dtype:
        """Data type of the convolutions."""
        return self.weights[0].dtype

    def state(self) -> dict[str, Tensor]:
        """Return weights and biases by name."""
        named = {f"weight.{i}": weight for i, weight in enumerate(self.weights)}
        return named | {f"bias.{i}": bias for i, bias in enumerate(self.biases)}

    @classmethod
    def restore(
        cls, state: Mapping[str, Tensor], architecture: Architecture, device: torch.device, dtype: torch.dtype
    ) -> "FrozenClassifier":
        """Rebuild a classifier from its :meth:`state`, on a device and in a data type."""
        placed = {name: tensor.to(device, dtype) for name, tensor in state.items()}
        weights = [placed[f"weight.{layer}"] for layer in range(LAYERS + 1)]
        return cls.build(architecture, weights, [placed[f"bias.{layer}"] for layer in range(LAYERS + 1)])

    def to_meta(self) -> "FrozenClassifier":
        """Return a classifier of the same shapes that computes nothing, for counting operations."""
        return self.build(self.architecture, [w.to("meta") for w in self.weights], [b.to("meta") for b in self.biases])


def frozen_shapes(design: Design) -> dict[str, torch.Size]:
    """Return the shape of every tensor of a :meth:`FrozenClassifier.state`."""
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in freeze(Classifier(design), torch.float32).state().items()}


def freeze(classifier: Classifier, dtype: torch.dtype) -> FrozenClassifier:
    """Fold the batch normalisation (running statistics) into the convolutions; exact up to round-off.

    Parameters
    ----------
    classifier : Classifier
        Stays as it is.
    dtype : torch.dtype
        The sampler's data type.
    """
    weights, biases = [], []
    for convolution, norm in zip(classifier.convolutions, [nn.Identity(), *classifier.norms], strict=True):
        weight, bias = _folded(convolution, norm)
        weights.append(weight)
        biases.append(bias)
    weight, bias = _plain(classifier.head)
    two_classes = len(bias) == 2
    weights.append(weight[1:] - weight[:1] if two_classes else weight)
    biases.append(bias[1:] - bias[:1] if two_classes else bias)
    architecture = classifier.design.architecture
    return FrozenClassifier.build(
        architecture, [weight.to(dtype) for weight in weights], [bias.to(dtype) for bias in biases]
    )


def _folded(convolution: nn.Module, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that is followed by a normalisation."""
    if not isinstance(norm, nn.BatchNorm2d):
        return _plain(convolution)
    assert isinstance(convolution, nn.Conv2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    bias = norm.bias.detach() - norm.running_mean * scale
    return convolution.weight.detach() * scale[:, None, None, None], bias


def _plain(convolution: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.bias is not None
    return convolution.weight.detach().clone(), convolution.bias.detach().clone()


def recalibrate(classifier: Classifier, batches: list[Tensor], dtype: torch.dtype) -> None:
    """Replace the running statistics by averages over batches, evaluated with the present weights.

    Running averages lag behind weights that still move, by several logits after a short stage, which shifts the
    decision boundary that the sampler stops at.

    Parameters
    ----------
    classifier : Classifier
        Its batch normalisations are changed.
    batches : list[Tensor]
        Pictures, float32 (N, 3, H, W), half of them real, as in training.
    dtype : torch.dtype
        Of the convolutions.
    """
    norms = [norm for norm in classifier.norms if isinstance(norm, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the batches
    classifier.train()
    with torch.no_grad():
        for batch in batches:
            evaluate(classifier, batch, dtype)
    for norm in norms:
        norm.momentum = classifier.design.norm_momentum


def evaluate(classifier: Classifier, pictures: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the logit of every window, float32 (N, 1, rows, columns), with convolutions in a data type."""
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    lowered = nullcontext() if dtype is torch.float32 else torch.autocast(pictures.device.type, dtype=dtype)
    with lowered:
        logits: Tensor = classifier(pictures)
    return logits.float()


def picture_logits(classifier: FrozenClassifier, pictures: Tensor) -> Tensor:
    """Evaluate pictures that do not wrap, with an autograd graph if they ask for one.

    Parameters
    ----------
    classifier : FrozenClassifier
        C_t.
    pictures : Tensor
        (N, 3, H, W) in [-1, 1], at least one window large.

    Returns
    -------
    Tensor
        Logits in the pictures' data type, (N, rows, columns); one a picture if that is just one window large.
    """
    before, after = classifier.geometry.before, classifier.geometry.after
    hidden = pictures.to(classifier.dtype, memory_format=torch.channels_last)
    for layer in range(LAYERS):
        hidden = F.pad(hidden, (before, after, before, after)) if before or after else hidden
        hidden = F.leaky_relu(F.conv2d(hidden, classifier.weights[layer], classifier.biases[layer], STRIDE), LEAK)
    logits = F.conv2d(hidden, classifier.weights[LAYERS], classifier.biases[LAYERS])
    return logits[:, 0].to(pictures.dtype)


def ascent_weights(logits: Tensor, ascended: Ascended) -> Tensor:
    """Return d objective / d logit of each window: 1 for the logit, σ(-f) for its log-sigmoid."""
    return torch.sigmoid(-logits) if ascended is Ascended.LOG_SIGMOID else torch.ones_like(logits)


def coverage(windows: int, side: int, size: tuple[int, int]) -> float:
    """Return how many of a picture's windows cover a pixel, on average over the offsets of their grid."""
    return windows * side**2 / (size[0] * size[1])


Roll = tuple[int, int]
"""Pixels by which canvases are rolled down and to the right, each from 0 to below their length."""


def torus_logits_and_gradient(
    classifier: FrozenClassifier, canvases: Tensor, ascended: Ascended = Ascended.LOGIT, roll: Roll = (0, 0)
) -> tuple[Tensor, Tensor]:
    """Return the logits of the windows and the direction that raises them, without building an autograd graph.

    Where windows overlap, average (paper, practice note 1): the gradient at a pixel is the sum over the windows that
    cover it, divided by how many do on average over the offsets of the grid (15.02; of one grid 9, 12 or 16 do).

    Parameters
    ----------
    classifier : FrozenClassifier
        C_t, unpadded.
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1]; H and W are multiples of 16.
    ascended : Ascended
        What is differentiated.
    roll : tuple[int, int]
        The windows are those of the canvases rolled so; rolling costs no pass through memory of its own.

    Returns
    -------
    logits : Tensor
        float32 (N, windows), row by row of the grid; the first window has its corner at (0, 0) of the rolled canvases,
        the last ones wrap.
    gradient : Tensor
        float32 (N, 3, H, W), d ln g_t / d pixel of the canvases as they are given, in logits per unit.
    """
    activations, logits = _forward(classifier, canvases, roll)
    if ascended is Ascended.LOGIT:
        head_gradient = _constant_head_gradient(classifier, activations)
    else:
        weights = ascent_weights(logits, ascended).to(classifier.dtype)[:, None]
        head_gradient = _head_gradient(classifier, activations, weights)
    gradient = _backward(classifier, activations, head_gradient, canvases.dtype)
    covering = coverage(logits[0].numel(), classifier.geometry.window, (canvases.shape[2], canvases.shape[3]))
    return logits.flatten(1), _rolled_back(gradient, roll, 1.0 / covering)


_INNER_MARGIN = GEOMETRIES[Architecture.UNPADDED].kernel - STRIDE
_HEAD_MARGIN = GEOMETRIES[Architecture.UNPADDED].head - 1


def _forward(classifier: FrozenClassifier, canvases: Tensor, roll: Roll) -> tuple[list[Tensor], Tensor]:
    """Return the wrapped activations that each layer read, the head's included, and the logits."""
    inputs = [_wrap(_rolled(canvases, roll), _INNER_MARGIN, classifier.dtype)]
    for layer in range(LAYERS):
        hidden = F.conv2d(inputs[-1], classifier.weights[layer], classifier.biases[layer], STRIDE)
        margin = _INNER_MARGIN if layer + 1 < LAYERS else _HEAD_MARGIN
        inputs.append(_wrap_leak(hidden, margin))
    logits = F.conv2d(inputs[-1], classifier.weights[LAYERS], classifier.biases[LAYERS])
    return inputs, logits[:, 0].to(canvases.dtype)


def _backward(classifier: FrozenClassifier, inputs: list[Tensor], head_gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the gradient with respect to the canvases, from that with respect to the head's input."""
    gradient = _through_leak(head_gradient, _inside(inputs[LAYERS], _HEAD_MARGIN))
    for layer in range(LAYERS - 1, 0, -1):
        wrapped = _input_gradient(gradient, inputs[layer], classifier.weights[layer], STRIDE)
        in_front = 1 if layer == 1 else 0  # what the first layer's transposed convolution reads
        gradient = _through_leak(_unwrap(wrapped, _INNER_MARGIN), _inside(inputs[layer], _INNER_MARGIN), in_front)
    assert classifier.first_transposed is not None
    return _first_layer_gradient(classifier.first_transposed, gradient, dtype)


def _constant_head_gradient(classifier: FrozenClassifier, inputs: list[Tensor]) -> Tensor:
    """Return the gradient of the sum of all logits: on a torus each position takes part in every tap of the head."""
    top = _inside(inputs[LAYERS], _HEAD_MARGIN)
    return classifier.weights[LAYERS].sum((2, 3))[:, :, None, None].expand(top.shape[0], -1, *top.shape[2:])


def _head_gradient(classifier: FrozenClassifier, inputs: list[Tensor], weights: Tensor) -> Tensor:
    """Return the gradient of a weighted sum of logits (N, 1, rows, columns)."""
    return _unwrap(_input_gradient(weights, inputs[LAYERS], classifier.weights[LAYERS], 1), _HEAD_MARGIN)


def _input_gradient(gradient: Tensor, layer_input: Tensor, weight: Tensor, stride: int) -> Tensor:
    result: Any = torch.ops.aten.convolution_backward(
        gradient, layer_input, weight, None,
        [stride, stride], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False],
    )  # fmt: skip
    return result[0]  # type: ignore[no-any-return]


def _rolled(canvases: Tensor, roll: Roll) -> Tensor:
    """Return rolled canvases, channels last; layout and place change in one pass."""
    rolled = torch.empty_like(canvases, memory_format=torch.channels_last)
    for here, there in _quarters(canvases, roll):
        rolled[there].copy_(canvases[here])
    return rolled


def _rolled_back(gradient: Tensor, roll: Roll, factor: float) -> Tensor:
    """Return a factor times the gradient with respect to rolled canvases, with respect to the canvases themselves."""
    back = torch.empty_like(gradient)
    for here, there in _quarters(gradient, roll):
        torch.mul(gradient[there], factor, out=back[here])
    return back


def _quarters(canvases: Tensor, roll: Roll) -> list[tuple[tuple[EllipsisType | slice, ...], ...]]:
    """Return where each of the four parts of canvases is that a roll does not tear apart, and where it comes to lie."""
    rows, columns = (
        [(slice(None, length - by), slice(by, None)), (slice(length - by, None), slice(None, by))]
        for length, by in zip(canvases.shape[2:], roll, strict=True)
    )
    return [((..., up, left), (..., down, right)) for up, down in rows for left, right in columns]


def _wrap(canvases: Tensor, margin: int, dtype: torch.dtype) -> Tensor:
    """Append the first rows and columns of canvases, channels last, behind the last ones, in a data type.

    The layout was changed before: a copy that changes both at once takes three times as long.
    """
    wrapped = _framed(canvases, 0, margin, dtype)
    _inside(wrapped, margin).copy_(canvases)
    return _fill_behind(wrapped, margin)


def _wrap_leak(hidden: Tensor, margin: int) -> Tensor:
    """Do the same to the leaky rectifier's output, which is written where it is read."""
    wrapped = _framed(hidden, 0, margin)
    torch.ops.aten.leaky_relu.out(hidden, LEAK, out=_inside(wrapped, margin))
    return _fill_behind(wrapped, margin)


def _framed(hidden: Tensor, before: int, behind: int, dtype: torch.dtype | None = None) -> Tensor:
    """Return empty memory for a tensor with a frame, channels last, in its own data type or another."""
    count, channels, height, width = hidden.shape
    shape = count, channels, before + height + behind, before + width + behind
    return torch.empty(shape, dtype=dtype or hidden.dtype, device=hidden.device, memory_format=torch.channels_last)


def _fill_behind(wrapped: Tensor, margin: int) -> Tensor:
    wrapped[:, :, -margin:, :-margin] = wrapped[:, :, :margin, :-margin]
    wrapped[:, :, :, -margin:] = wrapped[:, :, :, :margin]
    return wrapped


def _unwrap(gradient: Tensor, margin: int) -> Tensor:
    """Add the gradient of the wrapped margins to the rows and columns they came from."""
    gradient[:, :, :, :margin] += gradient[:, :, :, -margin:]
    gradient[:, :, :margin] += gradient[:, :, -margin:]
    return _inside(gradient, margin)


def _inside(wrapped: Tensor, margin: int) -> Tensor:
    return wrapped[:, :, :-margin, :-margin]


def _through_leak(gradient: Tensor, activation: Tensor, before: int = 0) -> Tensor:
    """Chain rule of the leaky rectifier, told from its own output (the sign is kept).

    With ``before``, as many of the last rows and columns are put in front of the first ones.
    """
    framed = _framed(activation, before, 0)
    torch.ops.aten.leaky_relu_backward.grad_input(
        gradient, activation, LEAK, True, grad_input=framed[:, :, before:, before:]
    )
    if before:
        framed[:, :, :before, before:] = framed[:, :, -before:, before:]
        framed[:, :, :, :before] = framed[:, :, :, -before:]
    return framed


def _transpose_for_shuffle(weight: Tensor) -> Tensor:
    """Arrange the first layer's weights so that its transposed convolution is a 2×2 convolution and a pixel shuffle.

    A transposed 4×4 convolution of stride 2 gives each of the four phases of the output a 2×2 convolution of its own.
    As one convolution with 3·4 outputs it runs at the speed of the forward pass, whereas the library's input gradient
    for three channels reaches a fifth of that.
    """
    filters, channels = weight.shape[:2]
    # taps[f, c, a, p, b, q] = weight[f, c, 2a + p, 2b + q]: input offset a (later is nearer), output phase p.
    taps = weight.reshape(filters, channels, 2, 2, 2, 2).flip(2, 4)
    arranged = taps.permute(1, 3, 5, 0, 2, 4).reshape(channels * 4, filters, 2, 2)
    return arranged.contiguous(memory_format=torch.channels_last)


def _first_layer_gradient(first_transposed: Tensor, gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the picture's gradient from the first layer's, which has its last row and column in front as well."""
    return _shuffled(F.conv2d(gradient, first_transposed), dtype)


def _shuffled(phases: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a pixel shuffle (N, C, 2 H, 2 W) of phases (N, 4 C, H, W), channels first, in a data type.

    Copied phase by phase, which takes a third of the library's pixel shuffle and of the change of layout after it.
    """
    count, channels, height, width = phases.shape
    shape = count, channels // STRIDE**2, STRIDE * height, STRIDE * width
    picture = torch.empty(shape, dtype=dtype, device=phases.device)
    for row in range(STRIDE):
        for column in range(STRIDE):
            picture[:, :, row::STRIDE, column::STRIDE] = phases[:, STRIDE * row + column :: STRIDE**2]
    return picture
