"""Snapshots of a training: as bytes, and its modules, Adams and generators as tensors by name; both ways.

Modules and optimisers are copied into what stands there already, so that devices and memory layouts stay those of a
training that never stopped; another layout would be the same numbers now and other bytes a few steps later.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import safetensors.torch
import torch
from torch import Tensor, nn

from inng_bench.contract import Checkpoint, Snapshot
from inng_bench.errors import InputError

MOMENTS = ("exp_avg", "exp_avg_sq")

Value = TypeVar("Value")


def encode(snapshot: Snapshot) -> bytes:
    """Return a snapshot as a safetensors file, its values as JSON in the metadata; a loss may be NaN."""
    tensors = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)  # the format allows no views
        for name, tensor in snapshot.tensors.items()
    }
    return safetensors.torch.save(tensors, {"values": json.dumps(dict(snapshot.values))})


def decode(content: bytes) -> Snapshot:
    """Read what :func:`encode` wrote; damage has been ruled out before, by its hash.

    Tensors are copied to where torch lets all of its tensors begin: products of another alignment may round otherwise.
    """
    header_length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + header_length])["__metadata__"]
    tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load(content).items()}
    return Snapshot(tensors, json.loads(metadata["values"]))


def joined(**parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of several parts in one mapping, each under ``part.name``."""
    return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}


def part_of(snapshot: Snapshot, part: str) -> dict[str, Tensor]:
    """Return the tensors that :func:`joined` put under a part, by their own names."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): value for name, value in snapshot.tensors.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class Part(Checkpoint):
    """The checkpoint of a part of a training, whose snapshots lie within those of the whole.

    Attributes
    ----------
    whole : Checkpoint
        Is offered them.
    name : str
        Of the part.
    around : Callable[[], Snapshot]
        Takes the snapshot of all that is not of the part.
    begun : Snapshot or None
        A snapshot of the whole to go on from; where it has no such part, the part begins anew.
    """

    whole: Checkpoint
    name: str
    around: Callable[[], Snapshot]
    begun: Snapshot | None = None

    def load(self) -> Snapshot | None:
        """Return what :attr:`begun` has of this part."""
        if self.begun is None or self.name not in self.begun.values:
            return None
        return Snapshot(part_of(self.begun, self.name), self.begun.values[self.name])

    def offer(self, take: Callable[[], Snapshot]) -> None:
        """Offer the whole a snapshot with the part's in it."""
        self.whole.offer(lambda: self._put(take()))

    def _put(self, part: Snapshot) -> Snapshot:
        around = self.around()
        tensors = {**around.tensors, **joined(**{self.name: part.tensors})}
        return Snapshot(tensors, {**around.values, self.name: dict(part.values)})


def required(content: Mapping[str, Value], name: str) -> Value:
    """Return a tensor or a value of a snapshot.

    Raises
    ------
    InputError
        When it is not there; names it.
    """
    if name not in content:
        raise InputError(f"the checkpoint has no {name!r}; delete it and train from the start.")
    return content[name]


def required_like(target: Tensor, snapshot: Snapshot, name: str) -> Tensor:
    """Return a tensor of a snapshot that must have the shape and data type of another.

    Raises
    ------
    InputError
        When it is not there or is of another shape; names it.
    """
    source = required(snapshot.tensors, name)
    if source.shape != target.shape or source.dtype != target.dtype:
        raise InputError(f"the checkpoint has a {name!r} of another shape; delete it and train from the start.")
    return source


def restore_module(module: nn.Module, snapshot: Snapshot, part: str) -> None:
    """Copy the ``state_dict`` that a snapshot has under a part into a module."""
    with torch.no_grad():
        for name, target in module.state_dict().items():
            _copy(target, snapshot, f"{part}.{name}")


def adam_tensors(optimiser: torch.optim.Adam) -> dict[str, Tensor]:
    """Return step counts and moments of an Adam optimiser that has made a step."""
    return {
        f"{index}.{name}": optimiser.state[parameter][name]
        for index, parameter in enumerate(_parameters(optimiser))
        for name in ("step", *MOMENTS)
    }


def restore_adam(optimiser: torch.optim.Adam, snapshot: Snapshot, part: str) -> None:
    """Bring a new Adam optimiser to the state that :func:`adam_tensors` gave."""
    for index, parameter in enumerate(_parameters(optimiser)):
        device = parameter.device if optimiser.defaults["fused"] else torch.device("cpu")  # as its first step has it
        state = {"step": torch.zeros((), device=device)} | {name: torch.zeros_like(parameter) for name in MOMENTS}
        for name, target in state.items():
            _copy(target, snapshot, f"{part}.{index}.{name}")
        optimiser.state[parameter] = state


def restore_generator(generator: torch.Generator, snapshot: Snapshot, name: str) -> None:
    """Bring a generator to the state that its ``get_state`` gave."""
    generator.set_state(required(snapshot.tensors, name).clone())


def _parameters(optimiser: torch.optim.Adam) -> Iterator[Tensor]:
    return (parameter for group in optimiser.param_groups for parameter in group["params"])


def _copy(target: Tensor, snapshot: Snapshot, name: str) -> None:
    target.copy_(required_like(target, snapshot, name))
