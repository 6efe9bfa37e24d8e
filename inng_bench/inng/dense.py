"""The fast exact pass over a toroidal canvas: every window of a grid, and the gradient of the mean of their logits.

No convolution of the unpadded architecture is padded, so one dense pass over a picture *is* the evaluation of every
window of a regular grid: the window is the receptive field, the grid's step the product of the strides. On a toroidal
canvas each layer wraps its own input, which equals wrapping the canvas once by the receptive field, without computing
anything twice. Autograd on the wrapped canvas gives the same numbers, and takes longer.
"""

from collections.abc import Callable
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from inng_bench.inng.frozen import FrozenClassifier
from inng_bench.inng.network import GEOMETRIES, LAYERS, LEAK, STRIDE

Weigh = Callable[[Tensor], Tensor]
"""Maps logits of windows to the weights of their gradients: d objective / d logit."""


def coverage(windows: int, side: int, size: tuple[int, int]) -> float:
    """Return how many of a picture's windows cover a pixel, on average over the offsets of their grid."""
    return windows * side**2 / (size[0] * size[1])


Roll = tuple[int, int]
"""Pixels by which canvases are rolled down and to the right, each from 0 to below their length."""


def torus_logits_and_gradient(
    classifier: FrozenClassifier, canvases: Tensor, roll: Roll = (0, 0), weigh: Weigh | None = None
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
    roll : tuple[int, int]
        The windows are those of the canvases rolled so; rolling costs no pass through memory of its own.
    weigh : callable or None
        Weight of each window's gradient; None weighs all alike.

    Returns
    -------
    logits : Tensor
        float32 (N, windows), row by row of the grid; the first window has its corner at (0, 0) of the rolled canvases,
        the last ones wrap.
    gradient : Tensor
        float32 (N, 3, H, W), d ln g_t / d pixel of the canvases as they are given, in logits per unit.
    """
    activations, logits = _forward(classifier, canvases, roll)
    if weigh is None:
        head_gradient = _constant_head_gradient(classifier, activations)
    else:
        head_gradient = _head_gradient(classifier, activations, weigh(logits).to(classifier.dtype)[:, None])
    gradient = _backward(classifier, activations, head_gradient, canvases.dtype)
    covering = coverage(logits[0].numel(), classifier.geometry.window, (canvases.shape[2], canvases.shape[3]))
    return logits.flatten(1), _rolled_back(gradient, roll, 1.0 / covering)


_INNER_MARGIN = GEOMETRIES["unpadded"].kernel - STRIDE
_HEAD_MARGIN = GEOMETRIES["unpadded"].head - 1


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
    gradient = through_leak(head_gradient, _inside(inputs[LAYERS], _HEAD_MARGIN))
    for layer in range(LAYERS - 1, 0, -1):
        wrapped = input_gradient(gradient, inputs[layer], classifier.weights[layer], STRIDE)
        in_front = 1 if layer == 1 else 0  # what the first layer's transposed convolution reads
        gradient = through_leak(_unwrap(wrapped, _INNER_MARGIN), _inside(inputs[layer], _INNER_MARGIN), in_front)
    return _first_layer_gradient(classifier.first_transposed, gradient, dtype)


def _constant_head_gradient(classifier: FrozenClassifier, inputs: list[Tensor]) -> Tensor:
    """Return the gradient of the sum of all logits: on a torus each position takes part in every tap of the head."""
    top = _inside(inputs[LAYERS], _HEAD_MARGIN)
    return classifier.weights[LAYERS].sum((2, 3))[:, :, None, None].expand(top.shape[0], -1, *top.shape[2:])


def _head_gradient(classifier: FrozenClassifier, inputs: list[Tensor], weights: Tensor) -> Tensor:
    """Return the gradient of a weighted sum of logits (N, 1, rows, columns)."""
    return _unwrap(input_gradient(weights, inputs[LAYERS], classifier.weights[LAYERS], 1), _HEAD_MARGIN)


def input_gradient(gradient: Tensor, layer_input: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Return the gradient with respect to the input of a strided convolution without padding."""
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


def through_leak(gradient: Tensor, activation: Tensor, before: int = 0) -> Tensor:
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


def _first_layer_gradient(first_transposed: Tensor, gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the picture's gradient from the first layer's, which has its last row and column in front as well."""
    return shuffled(F.conv2d(gradient, first_transposed), dtype)


def shuffled(phases: Tensor, dtype: torch.dtype) -> Tensor:
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
