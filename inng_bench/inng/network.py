"""One classifier C_t of the cascade: a fully convolutional patch discriminator whose output is a logit per window.

No convolution is padded, so one dense pass over a picture *is* the evaluation of every window of a regular grid: the
window is the receptive field, the grid's step the product of the strides. On a toroidal canvas each layer wraps its own
input, which equals wrapping the canvas once by the receptive field, without computing anything twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inng_bench.contract import Execution

KERNEL, STRIDE = 4, 2
HEAD_KERNEL = 2
LAYERS = 4
LEAK = 0.2
WINDOW_STEP = STRIDE**LAYERS
"""Pixels between neighbouring windows of one dense pass: 16."""


def receptive_field() -> int:
    """Return the side of a window in pixels: 62."""
    side = HEAD_KERNEL
    for _ in range(LAYERS):
        side = (side - 1) * STRIDE + KERNEL
    return side


WINDOW = receptive_field()
OVERLAP = WINDOW**2 / WINDOW_STEP**2
"""How many windows of one dense pass cover a pixel of a torus, on average over the rolls (15.02)."""


class Classifier(nn.Module):
    """C_t in training: 4×4 convolutions of stride 2, batch normalisation on all but the first, one logit per window.

    Parameters
    ----------
    filters : int
        Channels of the first layer; each following layer has twice as many.
    """

    def __init__(self, filters: int, norm_momentum: float = 0.1) -> None:
        super().__init__()
        channels = [3, *(filters * 2**layer for layer in range(LAYERS))]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, KERNEL, STRIDE, bias=layer == 0)
            for layer, (before, after) in enumerate(pairwise(channels))
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(after, momentum=norm_momentum) for after in channels[2:])
        self.head = nn.Conv2d(channels[-1], 1, HEAD_KERNEL)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logit of every window, (N, 1, rows, columns), of pictures (N, 3, H, W) in [-1, 1]."""
        hidden = F.leaky_relu(self.convolutions[0](pictures), LEAK)
        for convolution, norm in zip(self.convolutions[1:], self.norms, strict=True):
            hidden = F.leaky_relu(norm(convolution(hidden)), LEAK)
        return self.head(hidden)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class FrozenClassifier:
    """C_t after training, as the sampler uses it: batch normalisation folded into the convolutions.

    Attributes
    ----------
    weights : tuple[Tensor, ...]
        Of the four convolutions and of the head, in the sampler's data type, channels last.
    biases : tuple[Tensor, ...]
        Likewise.
    first_transposed : Tensor
        The first layer's weights arranged for its input gradient, see :func:`_transpose_for_shuffle`.
    """

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    first_transposed: Tensor

    @classmethod
    def build(cls, weights: list[Tensor], biases: list[Tensor]) -> "FrozenClassifier":
        """Arrange weights and biases for the sampler."""
        arranged = tuple(weight.contiguous(memory_format=torch.channels_last) for weight in weights)
        return cls(arranged, tuple(biases), _transpose_for_shuffle(weights[0]))

    @property
    def dtype(self) -> torch.dtype:
        """Data type of the convolutions."""
        return self.weights[0].dtype

    def state(self) -> dict[str, Tensor]:
        """Return weights and biases by name."""
        named = {f"weight.{i}": weight for i, weight in enumerate(self.weights)}
        return named | {f"bias.{i}": bias for i, bias in enumerate(self.biases)}

    @classmethod
    def restore(cls, state: Mapping[str, Tensor], execution: Execution) -> "FrozenClassifier":
        """Rebuild a classifier from its :meth:`state`, in the data type and on the device of an execution."""
        placed = {name: tensor.to(execution.device, execution.dtype) for name, tensor in state.items()}
        weights = [placed[f"weight.{layer}"] for layer in range(LAYERS + 1)]
        return cls.build(weights, [placed[f"bias.{layer}"] for layer in range(LAYERS + 1)])


def frozen_shapes(filters: int) -> dict[str, torch.Size]:
    """Return the shape of every tensor of a :meth:`FrozenClassifier.state`."""
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in freeze(Classifier(filters), torch.float32).state().items()}


def freeze(classifier: Classifier, dtype: torch.dtype) -> FrozenClassifier:
    """Fold the batch normalisation (running statistics) into the convolutions; exact up to round-off.

    Parameters
    ----------
    classifier : Classifier
        Stays as it is.
    dtype : torch.dtype
        The sampler's data type.
    """
    first = classifier.convolutions[0]
    assert isinstance(first, nn.Conv2d)
    assert first.bias is not None
    assert classifier.head.bias is not None
    weights, biases = [first.weight.detach().clone()], [first.bias.detach().clone()]
    for convolution, norm in zip(classifier.convolutions[1:], classifier.norms, strict=True):
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
        weights.append(convolution.weight.detach() * scale[:, None, None, None])
        biases.append(norm.bias.detach() - norm.running_mean * scale)
    weights.append(classifier.head.weight.detach().clone())
    biases.append(classifier.head.bias.detach().clone())
    return FrozenClassifier.build([weight.to(dtype) for weight in weights], [bias.to(dtype) for bias in biases])


def window_logits(classifier: FrozenClassifier, canvases: Tensor) -> Tensor:
    """Evaluate every window of the grid on toroidal canvases.

    Parameters
    ----------
    classifier : FrozenClassifier
        C_t.
    canvases : Tensor
        (N, 3, H, W) in [-1, 1]; H and W are multiples of 16.

    Returns
    -------
    Tensor
        Logits, float32 (N, H/16, W/16); entry (i, j) belongs to the window whose corner is (16 i, 16 j), wrapped.
    """
    return _forward(classifier, canvases)[1]


def logits_and_gradient(classifier: FrozenClassifier, canvases: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logit of each canvas and the direction that raises it, without building an autograd graph.

    Where windows overlap, average (paper, practice note 1): the logit of a canvas is the mean over its windows, the
    gradient at a pixel the mean of the gradients of the windows that cover it.

    Parameters
    ----------
    classifier : FrozenClassifier
        C_t.
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1]; H and W are multiples of 16.

    Returns
    -------
    logits : Tensor
        float32 (N,).
    gradient : Tensor
        float32 (N, 3, H, W), d ln g_t / d pixel in logits per unit.
    """
    activations, logits = _forward(classifier, canvases)
    gradient = _backward(classifier, activations)
    return logits.mean((1, 2)), gradient.to(canvases.dtype).mul_(1.0 / OVERLAP)


def _forward(classifier: FrozenClassifier, canvases: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return the wrapped activations that each layer read, the head's included, and the logits."""
    inputs = [_wrap(canvases.to(classifier.dtype, memory_format=torch.channels_last), KERNEL - STRIDE)]
    for layer in range(LAYERS):
        hidden = F.conv2d(inputs[-1], classifier.weights[layer], classifier.biases[layer], STRIDE)
        margin = KERNEL - STRIDE if layer + 1 < LAYERS else HEAD_KERNEL - 1
        inputs.append(_wrap(F.leaky_relu_(hidden, LEAK), margin))
    logits = F.conv2d(inputs[-1], classifier.weights[LAYERS], classifier.biases[LAYERS])
    return inputs, logits[:, 0].to(canvases.dtype)


def _backward(classifier: FrozenClassifier, inputs: list[Tensor]) -> Tensor:
    """Return the gradient of the sum of all window logits with respect to the canvases."""
    head = classifier.weights[LAYERS]
    top = inputs[LAYERS]
    # The head is one linear functional repeated at each position: on a torus its input gradient is a constant vector.
    constant = head.sum((2, 3))[:, :, None, None]
    margin = HEAD_KERNEL - 1
    gradient = _through_leak(constant.expand(top.shape[0], -1, *_inside(top, margin).shape[2:]), _inside(top, margin))
    margin = KERNEL - STRIDE
    for layer in range(LAYERS - 1, 0, -1):
        wrapped = torch.ops.aten.convolution_backward(
            gradient, inputs[layer], classifier.weights[layer], None,
            [STRIDE, STRIDE], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False],
        )[0]  # fmt: skip
        gradient = _through_leak(_unwrap(wrapped, margin), _inside(inputs[layer], margin))
    return _first_layer_gradient(classifier.first_transposed, gradient)


def _wrap(hidden: Tensor, margin: int) -> Tensor:
    """Append the first rows and columns behind the last ones."""
    count, channels, height, width = hidden.shape
    wrapped = torch.empty(
        (count, channels, height + margin, width + margin),
        dtype=hidden.dtype, device=hidden.device, memory_format=torch.channels_last,
    )  # fmt: skip
    wrapped[:, :, :height, :width] = hidden
    wrapped[:, :, height:, :width] = hidden[:, :, :margin]
    wrapped[:, :, :, width:] = wrapped[:, :, :, :margin]
    return wrapped


def _unwrap(gradient: Tensor, margin: int) -> Tensor:
    """Add the gradient of the wrapped margins to the rows and columns they came from."""
    gradient[:, :, :, :margin] += gradient[:, :, :, -margin:]
    gradient[:, :, :margin] += gradient[:, :, -margin:]
    return _inside(gradient, margin)


def _inside(wrapped: Tensor, margin: int) -> Tensor:
    return wrapped[:, :, :-margin, :-margin]


def _through_leak(gradient: Tensor, activation: Tensor) -> Tensor:
    """Chain rule of the leaky rectifier, told from its own output (the sign is kept)."""
    return torch.ops.aten.leaky_relu_backward(gradient, activation, LEAK, True).contiguous(  # type: ignore[no-any-return]
        memory_format=torch.channels_last
    )


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


def _first_layer_gradient(first_transposed: Tensor, gradient: Tensor) -> Tensor:
    before = torch.cat([gradient[:, :, -1:], gradient], 2)
    before = torch.cat([before[:, :, :, -1:], before], 3)
    return F.pixel_shuffle(F.conv2d(before, first_transposed), STRIDE)
