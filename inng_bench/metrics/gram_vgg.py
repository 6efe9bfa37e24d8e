"""``gram_vgg``: the Gram distance on VGG-19 in the way of Gatys, where the user has the weights.

Layers and average pooling of https://arxiv.org/abs/1505.07376. Torchvision's weights are not rescaled to a mean
activation of 1 as theirs were; a distance relative to the reference does not change with the scale of a layer.
"""

from functools import cache

import torch
from torch import Tensor, nn

from inng_bench.metrics import crops
from inng_bench.metrics.catalogue import VGG_CROP, VGG_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.gram import average, gram_distances, gram_matrix, gram_triangle
from inng_bench.metrics.local_weights import VGG19

LAYERS = {1: "conv1_1", 4: "pool1", 9: "pool2", 18: "pool3", 27: "pool4"}
"""Name of each layer by its place in torchvision's network; conv1_1 is rectified, as Caffe left it."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

_BATCH = 16


def gram_vgg(comparison: Comparison) -> Outcome:
    """Return the mean over layers of the relative distance of Gram matrices."""
    found = gram_distances(comparison, _matrices)
    note = f"weights of SHA-256 {VGG19.expected_sha256}"
    return Outcome(average(found), VGG_CROPS, VGG_CROP, found, note=note)


@cache
def vgg_network() -> nn.Sequential:
    """Return the convolutions up to the last layer, with average pooling."""
    from torchvision.models.vgg import cfgs, make_layers

    with torch.device("meta"):  # no weights of its own, which would be drawn from the global random state
        network = make_layers(cfgs["E"])
    prefix = "features."
    weights = VGG19.read().items()
    named = {name.removeprefix(prefix): one for name, one in weights if name.startswith(prefix)}
    network.load_state_dict(named, assign=True)
    layers = [nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else layer for layer in network]
    return nn.Sequential(*layers[: max(LAYERS) + 1]).eval().requires_grad_(False)


def gram_layers(pictures: Tensor) -> dict[str, Tensor]:
    """Return the Gram triangle of each picture by layer; the pictures are uint8 (N, 3, H, W)."""
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (MEAN, STD))
    x = (pictures.to(torch.float32) / 255 - mean) / std
    grams = {}
    with torch.inference_mode():
        for number, layer in enumerate(vgg_network()):
            x = layer(x)
            if number in LAYERS:
                grams[LAYERS[number]] = gram_triangle(x)
    return grams


def _matrices(pictures: Pictures) -> dict[str, Tensor]:
    pixels = crops.cut(pictures.pixels, pictures.places(VGG_CROPS, VGG_CROP), VGG_CROP)
    parts = [gram_layers(batch) for batch in torch.split(torch.from_numpy(pixels).permute(0, 3, 1, 2), _BATCH)]
    return {layer: gram_matrix(torch.cat([part[layer] for part in parts])) for layer in LAYERS.values()}
