"""The public test of the contract of methods: for your own method as for the bundled ones.

In a test of your own::

    from inng_bench.testing import check_method

    def test_my_method_keeps_the_contract():
        check_method(MyMethod, {"width": 8}, budget=1e9)
"""

import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inng_bench.contract import Checkpoint, Execution, Method, Progress, Snapshot, Training
from inng_bench.errors import InputError
from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.resume import decode, encode
from inng_bench.seeds import torch_generator

SIZES = ((64, 64), (128, 64), (100, 76), (65, 131))
"""Heights and widths that :meth:`~inng_bench.contract.Method.supports` is asked about."""

ALLOWED_OVERSPENDING = 1.5


def check_method(
    method_class: type[Method],
    settings: Mapping[str, Any] | None = None,
    *,
    execution: Execution | None = None,
    budget: float = 1e10,
) -> None:
    """Check that a method keeps the contract; trains it four times at most with a tiny budget.

    Parameters
    ----------
    method_class : type[Method]
        The method.
    settings : Mapping[str, Any] or None
        Settings that make it small and quick; None for its defaults.
    execution : Execution or None
        Device and precision; None for float32 on the CPU.
    budget : float
        Counted floating-point operations of one training: enough for some of the method's units of work.

    Raises
    ------
    AssertionError
        In a sentence that says which promise is broken.
    """
    execution = execution or Execution()
    settings = dict(settings or {})
    window = make_window()
    before = _global_state()
    check_settings(method_class, settings, execution)
    method, training = check_training(method_class, settings, execution, window, budget)
    check_sampling(method)
    check_sizes(method)
    check_determinism(method_class, settings, execution, window, budget, method, training)
    check_resume(method_class, settings, execution, window, budget, method, training)
    check_storage(method, execution)
    _require(
        _same(before, _global_state()), "leaves the global random state and the settings of torch as they were", method
    )


def make_window(seed: int = 0, size: tuple[int, int] = (128, 192)) -> Tensor:
    """Return a smooth colour texture to train on, float32 (3, H, W) in [-1, 1]."""
    coarse = torch.randn(1, 3, size[0] // 8, size[1] // 8, generator=torch_generator(seed))
    smooth = torch.nn.functional.interpolate(coarse, size=size, mode="bilinear", align_corners=False)[0]
    return (0.6 * smooth).clamp(-1.0, 1.0)


def check_settings(method_class: type[Method], settings: Mapping[str, Any], execution: Execution) -> None:
    """Check that unknown settings are refused, and that the configuration is whole and plain JSON."""
    try:
        method_class({**settings, "no_such_setting": 1}, execution)
    except InputError:
        pass
    else:
        raise AssertionError(f"{method_class.__name__} must refuse an unknown setting with InputError.")
    method = method_class(settings, execution)
    configuration = method.configuration()
    _require(json.loads(json.dumps(configuration)) == configuration, "has a configuration of plain JSON values", method)
    again = method_class(configuration, execution).configuration()
    _require(again == configuration, "can be built again from its configuration", method)
    _require(settings.items() <= configuration.items(), "tells its settings in its configuration", method)
    _require(set(method.optimises) <= BY_NAME.keys(), "names metrics of the catalogue as those it optimises", method)


def check_training(
    method_class: type[Method], settings: Mapping[str, Any], execution: Execution, window: Tensor, budget: float
) -> tuple[Method, Training]:
    """Train once and check reports, spending, and that the window stays as it was; returns method and outcome."""
    method = method_class(settings, execution)
    reports: list[Progress] = []
    original = window.clone()
    training = method.train(window, seed=1, budget=budget, events=reports.append)
    _require(torch.equal(window, original), "does not write into the window", method)
    _require(0.0 <= training.flops < float("inf"), "counts its operations", method)
    _check_reports(method, reports, training)
    _check_spending(method, reports, training, budget)
    if training.chain is not None:
        _check_pictures(method, training.chain, tuple(training.chain.shape))
    return method, training


def _check_spending(method: Method, reports: Sequence[Progress], training: Training, budget: float) -> None:
    """Allow for one unit of work beyond the budget; what a unit costs is known from a report before the end alone."""
    units = [report.flops for report in reports if report.flops < training.flops]
    affordable = ALLOWED_OVERSPENDING * budget + min([budget, *units[:1]] if units else [0.0])
    spent = f"({training.flops:.2e} of {budget:.2e}, {len(units)} reports before the end)"
    _require(training.flops <= affordable, f"spends no more than its budget {spent}", method)


def _check_reports(method: Method, reports: Sequence[Progress], training: Training) -> None:
    steps = [report.step for report in reports]
    flops = [report.flops for report in reports]
    fractions = [report.fraction for report in reports]
    _require(steps == list(range(1, len(steps) + 1)), "numbers its reports from 1", method)
    _require(flops == sorted(flops), "reports operations that only grow", method)
    _require(not flops or flops[-1] <= training.flops * (1 + 1e-9), "reports no more operations than the sum", method)
    _require(fractions == sorted(fractions), "reports fractions that only grow", method)
    _require(all(0.0 <= fraction <= 1.0 for fraction in fractions), "reports fractions in [0, 1]", method)
    for report in reports:
        if report.pictures is not None:
            _check_pictures(method, report.pictures, (len(report.pictures), 3, *report.pictures.shape[2:]))


def check_sampling(method: Method) -> None:
    """Check shape, range and randomness of samples: all of it from the generator, none from elsewhere."""
    size = _supported(method)[0]
    pictures = _draw(method, 2, size, seed=3)
    _check_pictures(method, pictures, (2, 3, *size))
    _require(not torch.equal(pictures[0], pictures[1]), "draws different pictures in one call", method)
    _require(torch.equal(pictures, _draw(method, 2, size, seed=3)), "draws the same for the same generator", method)
    _require(not torch.equal(pictures, _draw(method, 2, size, seed=4)), "draws anew for another generator", method)


def check_sizes(method: Method) -> None:
    """Check that every supported size is drawn and that every other one is refused."""
    _require(bool(_supported(method)), f"supports one of {SIZES} (height, width)", method)
    for size in SIZES:
        if method.supports(size):
            _check_pictures(method, _draw(method, 1, size, seed=5), (1, 3, *size))
            continue
        try:
            _draw(method, 1, size, seed=5)
        except Exception:  # which one is the method's choice: callers ask first
            continue
        raise AssertionError(f"{method.name} must refuse the size {size}, which it says it does not support.")


def check_determinism(
    method_class: type[Method],
    settings: Mapping[str, Any],
    execution: Execution,
    window: Tensor,
    budget: float,
    method: Method,
    training: Training,
) -> None:
    """Check that the seed decides the training, bit by bit; a method that spends nothing need not depend on it."""
    again = method_class(settings, execution)
    repeated = again.train(window, seed=1, budget=budget)
    _require(_equal_outcomes(repeated, training), "reports the same outcome for the same seed", method)
    _require(_equal_states(method.state(), again.state()), "learns the same weights from the same seed", method)
    if training.flops > 0:
        other = method_class(settings, execution)
        other.train(window, seed=2, budget=budget)
        _require(not _equal_states(method.state(), other.state()), "learns other weights from another seed", method)


def check_resume(
    method_class: type[Method],
    settings: Mapping[str, Any],
    execution: Execution,
    window: Tensor,
    budget: float,
    method: Method,
    training: Training,
) -> None:
    """Check that a training goes on from its middle as if it had never stopped, if the method offers snapshots."""
    heard: list[Progress] = []
    keeper = _Keeper(heard)
    watched = method_class(settings, execution)
    watched.train(window, seed=1, budget=budget, events=heard.append, checkpoint=keeper)
    _require(_equal_states(method.state(), watched.state()), "learns the same while snapshots are taken", method)
    if keeper.kept is None:
        return
    left: list[Progress] = []
    resumed = method_class(settings, execution)
    outcome = resumed.train(window, seed=1, budget=budget, events=left.append, checkpoint=_Giver(keeper.kept))
    _require(_equal_outcomes(outcome, training), "reports the same outcome when it goes on from a snapshot", method)
    _require(_equal_states(method.state(), resumed.state()), "learns the same when it goes on from a snapshot", method)
    same = [report.values for report in left] == [report.values for report in heard[keeper.heard_before :]]
    _require(same, "reports what is left, and nothing twice, when it goes on from a snapshot", method)


class _Keeper(Checkpoint):
    """Takes a snapshot at offers 1, 2, 4, 8 and so on, so that the last is from the later half of the training."""

    def __init__(self, heard: Sequence[Progress]) -> None:
        self._heard = heard
        self._offers = 0
        self.kept: bytes | None = None
        self.heard_before = 0

    def offer(self, take: Callable[[], Snapshot]) -> None:
        self._offers += 1
        if self._offers.bit_count() == 1:
            self.kept = encode(take())
            self.heard_before = len(self._heard)


class _Giver(Checkpoint):
    """Gives a kept snapshot back."""

    def __init__(self, kept: bytes) -> None:
        self._kept = kept

    def load(self) -> Snapshot | None:
        return decode(self._kept)


def check_storage(method: Method, execution: Execution) -> None:
    """Check that a stored model draws the same pictures."""
    size = _supported(method)[0]
    on_cpu = all(tensor.device.type == "cpu" for tensor in method.state().values())
    _require(on_cpu, "keeps its state in CPU tensors", method)
    with tempfile.TemporaryDirectory() as name:
        method.save(Path(name))
        loaded = type(method).load(Path(name), execution)
    _require(loaded.configuration() == method.configuration(), "keeps its configuration when stored", method)
    same = torch.equal(_draw(method, 1, size, seed=6), _draw(loaded, 1, size, seed=6))
    _require(same, "draws the same pictures after it was stored and read", method)


def _draw(method: Method, count: int, size: tuple[int, int], seed: int) -> Tensor:
    return method.sample(count, size, generator=torch_generator(seed))


def _supported(method: Method) -> list[tuple[int, int]]:
    return [size for size in SIZES if method.supports(size)]


def _check_pictures(method: Method, pictures: Tensor, shape: tuple[int, ...]) -> None:
    _require(tuple(pictures.shape) == shape, f"makes pictures of shape {shape}, not {tuple(pictures.shape)}", method)
    _require(pictures.dtype == torch.float32, f"makes float32 pictures, not {pictures.dtype}", method)
    _require(pictures.device.type == "cpu", "makes pictures on the CPU", method)
    _require(bool(pictures.isfinite().all()), "makes finite pictures", method)
    _require(float(pictures.detach().abs().max()) <= 1.0, "makes pictures in [-1, 1]", method)
    _require(not pictures.requires_grad, "makes pictures without a gradient", method)


def _equal_outcomes(left: Training, right: Training) -> bool:
    if left.chain is None or right.chain is None:
        return left == right
    return (left.flops, left.warnings) == (right.flops, right.warnings) and torch.equal(left.chain, right.chain)


def _equal_states(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def _global_state() -> list[Any]:
    """Return everything global that a method must leave alone."""
    _, keys, position, *_ = np.random.get_state()  # noqa: NPY002 (the global generator is what is watched)
    return [
        torch.get_rng_state(),
        torch.from_numpy(np.asarray(keys).copy()),
        position,
        random.getstate(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
    ]


def _same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    pairs = zip(left, right, strict=True)
    return all(torch.equal(one, other) if isinstance(one, Tensor) else one == other for one, other in pairs)


def _require(kept: bool, promise: str, method: Method) -> None:
    if not kept:
        raise AssertionError(f"The contract says that a method {promise}; {method.name!r} does not.")
