"""What the machine offers: device, native precision and cores."""

import ctypes
import importlib
import math
import platform
import re
from pathlib import Path

import numpy as np
import torch

from inng_bench.contract import Precision
from inng_bench.errors import InputError
from inng_bench.harness.devices import DEVICES
from inng_bench.records.provenance import cpu_quota, usable_cores

CPU_INFO = Path("/proc/cpuinfo")

_TORCH_LIBRARIES = {
    "torch BLAS": r"BLAS_INFO=(\w+)",
    "MKL": r"Math Kernel Library Version (\S+)",
    "oneDNN": r"MKL-DNN v(\S+)",
    "OpenMP": r"OpenMP (\d+)",
    "CUDA": r"CUDA_VERSION=([\d.]+)",
    "cuDNN": r"CUDNN_VERSION=([\d.]+)",
}
"""Patterns in the text in which torch tells of its build; a build without one of them has no line of it."""

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Names in ``/proc/cpuinfo``: x86 vectors, x86 tiles, ARM."""


def resolve_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` takes CUDA before MPS before the processor.

    Raises
    ------
    InputError
        When this machine or this build of torch has no such device.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(device for device in ("cuda", "mps", "cpu") if available[device]))
    if name not in available:
        raise InputError(f"there is no device {name!r}; use one of {', '.join(DEVICES)}.")
    if not available[name]:
        raise InputError(f"torch finds no {name} device on this machine; use --device cpu.")
    return torch.device(name)


def resolve_precision(requested: str, device: torch.device) -> Precision:
    """Return the precision to compute in.

    ``auto`` is bfloat16 where the hardware multiplies it natively and float32 everywhere else, since emulated
    bfloat16 loses digits and gains no time.
    """
    precision = Precision(requested)
    if precision is not Precision.AUTO:
        return precision
    return Precision.BFLOAT16 if _has_native_bfloat16(device) else Precision.FLOAT32


def _has_native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(_BFLOAT16_FLAGS & _processor_flags())


def _processor_flags() -> frozenset[str]:
    """Return the processor's feature names; empty where the system does not tell (macOS)."""
    if platform.system() != "Linux" or not CPU_INFO.exists():
        return frozenset()
    lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    features = (line.partition(":")[2] for line in lines if line.lower().startswith(("flags", "features")))
    return frozenset(next(features, "").split())


def libraries() -> dict[str, str]:
    """Return what multiplies in this process: libraries with their versions, and the instructions they take."""
    build = torch.__config__.show()
    found = {name: re.search(pattern, build) for name, pattern in _TORCH_LIBRARIES.items()}
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        **{name: match[1] for name, match in found.items() if match},
        "numpy BLAS": f"{blas['name']} {blas['version']}",
        **_openblas_core(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


def _openblas_core() -> dict[str, str]:
    """Return the processor whose kernels numpy's OpenBLAS has taken at its start; nothing of another library."""
    linked = ctypes.CDLL(importlib.import_module("numpy._core._multiarray_umath").__file__)
    names = (f"{prefix}openblas_get_corename{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", ""))
    core = next((getattr(linked, name) for name in names if hasattr(linked, name)), None)
    if core is None:
        return {}
    core.restype = ctypes.c_char_p
    return {"OpenBLAS core": core().decode("ascii")}


def available_cores() -> int:
    """Return how many cores this process may use: its affinity, cut down to the control group's quota."""
    cores, quota = usable_cores(), cpu_quota()
    return cores if quota is None else max(1, min(cores, math.floor(quota)))
