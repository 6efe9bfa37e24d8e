"""What a method learns from a texture of the suite: one window, or the pictures of a set."""

from inng_bench.contract import (
    NO_CHECKPOINT,
    Checkpoint,
    Events,
    LearnsPictures,
    Method,
    Training,
    ignore_events,
)
from inng_bench.errors import InputError
from inng_bench.textures import Texture, to_tensor


def learn(
    method: Method,
    texture: Texture,
    *,
    seed: int,
    budget: float,
    events: Events = ignore_events,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> Training:
    """Train a method; see :meth:`inng_bench.contract.Method.train`.

    Raises
    ------
    InputError
        When it is to learn a set and cannot.
    """
    if not texture.is_set:
        window = to_tensor(texture.train)
        return method.train(window, seed=seed, budget=budget, events=events, checkpoint=checkpoint)
    if not isinstance(method, LearnsPictures):
        raise InputError(f"the method {method.name!r} learns one texture, not a set of pictures.")
    return method.train_on(texture.pictures, seed=seed, budget=budget, events=events, checkpoint=checkpoint)
