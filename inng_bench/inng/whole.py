"""The fast pass over whole pictures of a set: one logit each, and its gradient, without an autograd graph.

Each layer writes its output into the middle of the zeros that the next one reads, which spares the passes through
memory of padding; nothing but the input gradients is computed on the way back.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from inng_bench.inng.dense import Weigh, input_gradient, shuffled, through_leak
from inng_bench.inng.frozen import FrozenClassifier
from inng_bench.inng.network import LEAK, STRIDE, Geometry


def logits_and_gradient(
    classifier: FrozenClassifier, pictures: Tensor, weigh: Weigh | None = None
) -> tuple[Tensor, Tensor]:
    """Return ln g_t of pictures and the direction that raises it.

    Parameters
    ----------
    classifier : FrozenClassifier
        C_t, padded and of the pictures' size.
    pictures : Tensor
        float32 (N, 3, S, S) in [-1, 1].
    weigh : callable or None
        Weight of each picture's gradient; None weighs all alike.

    Returns
    -------
    logits : Tensor
        float32 (N, 1).
    gradient : Tensor
        float32 (N, 3, S, S).
    """
    geometry, head = classifier.geometry, classifier.weights[-1]
    inputs = [_framed(pictures, geometry, classifier.dtype)]
    # In two steps: a copy that changes data type and layout at once takes three times as long.
    _inside(inputs[0], geometry).copy_(pictures.contiguous(memory_format=torch.channels_last))
    for weight, bias in zip(classifier.weights[:-2], classifier.biases[:-2], strict=True):
        hidden = F.conv2d(inputs[-1], weight, bias, STRIDE)
        inputs.append(_framed(hidden, geometry, hidden.dtype))
        torch.ops.aten.leaky_relu.out(hidden, LEAK, out=_inside(inputs[-1], geometry))
    top = F.leaky_relu(F.conv2d(inputs[-1], classifier.weights[-2], classifier.biases[-2], STRIDE), LEAK)
    logits = F.conv2d(top, head, classifier.biases[-1])[:, 0, 0].to(pictures.dtype)
    gradient = head.expand_as(top)
    if weigh is not None:
        gradient = gradient * weigh(logits).to(head.dtype)[:, :, None, None]
    gradient = through_leak(gradient, top)
    for layer in range(len(inputs) - 1, 0, -1):
        framed = input_gradient(gradient, inputs[layer], classifier.weights[layer], STRIDE)
        gradient = through_leak(_inside(framed, geometry), _inside(inputs[layer], geometry))
    phases = F.conv2d(gradient, classifier.first_transposed, padding=1)
    return logits, shuffled(phases, pictures.dtype)


def _framed(pictures: Tensor, geometry: Geometry, dtype: torch.dtype) -> Tensor:
    """Return zeros, channels last, that hold pictures (N, C, H, W) and their padding."""
    count, channels, height, width = pictures.shape
    more = geometry.before + geometry.after
    framed = torch.empty(
        (count, channels, height + more, width + more),
        dtype=dtype,
        device=pictures.device,
        memory_format=torch.channels_last,
    )
    return framed.zero_()


def _inside(framed: Tensor, geometry: Geometry) -> Tensor:
    before, after = geometry.before, geometry.after
    return framed[:, :, before:-after, before:-after]
