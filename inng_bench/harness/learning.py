"""What a method learns from a texture of the suite: one window or several, or the pictures of a set."""

from dataclasses import replace

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
from inng_bench.pictures import as_tensor
from inng_bench.textures import Texture, to_tensor

ONE_OF_SEVERAL = "it learns one window, and got the first of {}, which is one of the largest photograph."


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

    Of several windows, a method that learns one gets the first, and its warnings say so.

    Raises
    ------
    InputError
        When it is to learn a set and cannot.
    """
    if not texture.is_set:
        windows = texture.train_windows
        together = len(windows) > 1 and method.learns_several
        window = as_tensor(windows) if together else to_tensor(windows[0])
        training = method.train(window, seed=seed, budget=budget, events=events, checkpoint=checkpoint)
        if together or len(windows) == 1:
            return training
        return replace(training, warnings=(*training.warnings, ONE_OF_SEVERAL.format(len(windows))))
    if not isinstance(method, LearnsPictures):
        raise InputError(f"the method {method.name!r} learns one texture, not a set of pictures.")
    return method.train_on(texture.pictures, seed=seed, budget=budget, events=events, checkpoint=checkpoint)
