"""C_t after training, as the sampler uses it: fixed weights, batch normalisation folded into the convolutions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inng_bench.inng.network import GEOMETRIES, LEAK, STRIDE, Architecture, Classifier, Design, Geometry


@dataclass(frozen=True)
class FrozenClassifier:
    """Weights of C_t for the sampler; of a softmax the difference of its two outputs.

    Attributes
    ----------
    architecture : str
        See :data:`inng_bench.inng.network.Architecture`.
    weights : tuple[Tensor, ...]
        Of the convolutions and of the head, in the sampler's data type, channels last.
    biases : tuple[Tensor, ...]
        Likewise.
    first_transposed : Tensor
        The first layer's weights arranged for its input gradient, see :func:`transposed_for_shuffle`.
    """

    architecture: Architecture
    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    first_transposed: Tensor

    @classmethod
    def build(cls, architecture: Architecture, weights: list[Tensor], biases: list[Tensor]) -> "FrozenClassifier":
        """Arrange weights and biases for the sampler."""
        arranged = tuple(weight.contiguous(memory_format=torch.channels_last) for weight in weights)
        transposed = transposed_for_shuffle(weights[0], GEOMETRIES[architecture].before)
        return cls(architecture, arranged, tuple(biases), transposed)

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
        layers = range(len(placed) // 2)
        weights = [placed[f"weight.{layer}"] for layer in layers]
        return cls.build(architecture, weights, [placed[f"bias.{layer}"] for layer in layers])

    def to_meta(self) -> "FrozenClassifier":
        """Return a classifier of the same shapes that computes nothing, for counting operations."""
        return self.build(self.architecture, [w.to("meta") for w in self.weights], [b.to("meta") for b in self.biases])


@cache
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
    logits = F.conv2d(picture_features(classifier, pictures), classifier.weights[-1], classifier.biases[-1])
    return logits[:, 0].to(pictures.dtype)


def picture_features(classifier: FrozenClassifier, pictures: Tensor) -> Tensor:
    """Return what the head reads of pictures that do not wrap, (N, channels, rows, columns): φ(x) of the paper."""
    before, after = classifier.geometry.before, classifier.geometry.after
    hidden = pictures.to(classifier.dtype, memory_format=torch.channels_last)
    for weight, bias in zip(classifier.weights[:-1], classifier.biases[:-1], strict=True):
        hidden = F.pad(hidden, (before, after, before, after)) if before or after else hidden
        hidden = F.leaky_relu(F.conv2d(hidden, weight, bias, STRIDE), LEAK)
    return hidden


def transposed_for_shuffle(weight: Tensor, before: int) -> Tensor:
    """Arrange the first layer's weights so that its transposed convolution is a small convolution and a pixel shuffle.

    A transposed 4×4 convolution of stride 2 gives each of the four phases of the output a 2×2 convolution of its own.
    As one convolution with 3·4 outputs it runs at the speed of the forward pass, whereas the library's input gradient
    for three channels reaches a fifth of that. Five taps behind one row of padding are six of which the first is zero:
    3×3 convolutions.
    """
    weight = F.pad(weight, (before, 0, before, 0))
    filters, channels, taps = weight.shape[0], weight.shape[1], weight.shape[2] // STRIDE
    # phases[f, c, a, p, b, q] = weight[f, c, 2a + p, 2b + q]: input offset a (later is nearer), output phase p.
    phases = weight.reshape(filters, channels, taps, STRIDE, taps, STRIDE).flip(2, 4)
    arranged = phases.permute(1, 3, 5, 0, 2, 4).reshape(channels * STRIDE**2, filters, taps, taps)
    return arranged.contiguous(memory_format=torch.channels_last)
