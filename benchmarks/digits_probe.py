"""Do the features of INNg tell digits apart, of whose classes it learnt nothing? Prints one line for each kind.

python benchmarks/digits_probe.py [TFLOP]
"""

import sys

import torch
from torch import Tensor

from inng_bench.contract import Execution
from inng_bench.inng.frozen import freeze, picture_features
from inng_bench.inng.method import INNg
from inng_bench.inng.network import Design, new_classifier, recalibrate
from inng_bench.metrics.probe import linear_probe
from inng_bench.pictures import as_tensor
from inng_bench.seeds import torch_generator
from inng_bench.textures import load_texture
from inng_bench.textures.sets.bundled import DIGITS, digits


def main() -> None:
    """Train on the digits and probe the learnt features, those of a random network, and pixels."""
    pictures, classes = digits()
    known = torch.from_numpy(classes).long()
    whole = as_tensor(pictures)
    budget = float(sys.argv[1]) * 1e12 if len(sys.argv) > 1 else 1e12
    method = INNg({"picture_side": pictures.shape[1]}, Execution())
    method.train_on(load_texture("digits").pictures, seed=0, budget=budget)
    kinds = {
        "pixels": whole.flatten(1),
        "random network": _random_features(method.recipe.design, whole),
        "INNg, last classifier": method.features(whole),
    }
    for name, features in kinds.items():
        error = _error(features, known)
        print(f"{name}: {100 * error:.1f} % of the held-out digits wrong, {features.shape[1]} features")


def _random_features(design: Design, pictures: Tensor) -> Tensor:
    """Return the features of a network of the same design before any training, with the digits' own statistics."""
    classifier = new_classifier(design, torch_generator(0))
    recalibrate(classifier, [pictures[:DIGITS]], torch.float32)
    with torch.no_grad():
        return picture_features(freeze(classifier, torch.float32), pictures).flatten(1)


def _error(features: Tensor, classes: Tensor) -> float:
    return linear_probe(features[:DIGITS], classes[:DIGITS], features[DIGITS:], classes[DIGITS:])


if __name__ == "__main__":
    main()
