"""The methods on a GPU, where there is one."""

from typing import Any

import pytest
import torch

from inng_bench.baselines.dcgan import DCGAN
from inng_bench.contract import Execution, Method
from inng_bench.inng.method import INNg
from inng_bench.testing import check_method

DEVICE = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None

SMALL: dict[type[Method], dict[str, Any]] = {
    INNg: {"filters": 4, "canvases": 2, "canvas_side": 64, "crops": 2, "classifier_steps": 6, "max_steps": 4},
    DCGAN: {"generator_filters": 8, "discriminator_filters": 8},
}


@pytest.mark.gpu
@pytest.mark.skipif(DEVICE is None, reason="this machine has neither CUDA nor MPS")
@pytest.mark.parametrize("method", [INNg, DCGAN])
def test_a_method_keeps_the_contract_on_a_gpu(method: type[Method]) -> None:
    check_method(method, SMALL[method], execution=Execution(device=torch.device(str(DEVICE))), budget=3e9)
