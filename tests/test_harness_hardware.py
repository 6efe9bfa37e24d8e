"""Device, precision and cores of the machine, on machines that these tests only imagine."""

import os
import platform
from pathlib import Path

import pytest
import torch

from inng_bench.contract import Precision
from inng_bench.errors import InputError
from inng_bench.harness import hardware
from inng_bench.harness.hardware import available_cores, resolve_device, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("line", "precision"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 sse2", Precision.BFLOAT16),
        ("flags\t\t: fpu amx_bf16 amx_tile", Precision.BFLOAT16),
        ("Features\t: fp asimd bf16 sve", Precision.BFLOAT16),
        ("flags\t\t: fpu avx512f avx512bw avx2", Precision.FLOAT32),
        ("flags\t\t: not_avx512_bf16_at_all", Precision.FLOAT32),
        ("model name\t: avx512_bf16", Precision.FLOAT32),
        ("", Precision.FLOAT32),
    ],
)
def test_auto_is_bfloat16_only_where_the_processor_has_it(
    line: str, precision: Precision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}\nbugs\t: none\n")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "cpuinfo")
    assert resolve_precision("auto", CPU) is precision


def test_a_system_that_does_not_tell_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert resolve_precision("auto", CPU) is Precision.FLOAT32
    assert resolve_precision("auto", torch.device("mps")) is Precision.FLOAT32


@pytest.mark.parametrize("native", [True, False])
def test_on_cuda_the_device_decides(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native and not including_emulation)
    assert (resolve_precision("auto", torch.device("cuda")) is Precision.BFLOAT16) is native


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_a_precision_that_is_asked_for_is_taken(asked: str) -> None:
    assert resolve_precision(asked, CPU) == asked


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(True, True, "cuda"), (False, True, "mps"), (True, False, "cuda"), (False, False, "cpu")]
)
def test_auto_takes_the_fastest_device(cuda: bool, mps: bool, best: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve_device("auto").type == best
    assert resolve_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=f"torch finds no {name} device on this machine; use --device cpu"):
        resolve_device(name)


@pytest.mark.parametrize(("affinity", "quota", "cores"), [(8, None, 8), (8, 3.9, 3), (2, 16.0, 2), (8, 0.5, 1)])
def test_affinity_and_quota_bound_the_cores(
    affinity: int, quota: float | None, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)), raising=False)
    monkeypatch.setattr(hardware, "cpu_quota", lambda: quota)
    assert available_cores() == cores
