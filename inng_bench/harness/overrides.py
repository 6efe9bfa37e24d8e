"""What one call wants otherwise than its suite says: the same for the command line, ``run_suite`` and ``make_plan``."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from inng_bench.errors import InputError
from inng_bench.records.schema import NO_LIMITS, Limits
from inng_bench.suggest import did_you_mean


class Overrides(BaseModel, extra="forbid", frozen=True):
    """Wishes of one call; None leaves it to the suite.

    Attributes
    ----------
    replicates : int or None
        Number of seeds.
    methods : tuple[str, ...] or None
        Labels of the rows that are wanted beside the reference rows; None for all.
    textures : tuple[str, ...] or None
        Names of the textures that are wanted; None for all. No others are loaded.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    precision : str or None
        ``auto``, ``float32`` or ``bfloat16``; another one makes another suite.
    budget_tflop : float or None
        Counted training operations of a run, in 10**12; another one makes another suite.
    limits : Limits
        Of each run's process.
    """

    replicates: int | None = None
    methods: tuple[str, ...] | None = None
    textures: tuple[str, ...] | None = None
    device: str = "auto"
    precision: str | None = None
    budget_tflop: float | None = None
    limits: Limits = NO_LIMITS

    @classmethod
    def of(cls, wanted: Mapping[str, Any]) -> Self:
        """Return the overrides of a call's keywords.

        Raises
        ------
        InputError
            On an unknown keyword, with the nearest right one, or a value of another type.
        """
        try:
            return cls.model_validate(dict(wanted))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            if first["type"] == "extra_forbidden":
                raise InputError(f"there is no override {name!r}; {did_you_mean(name, cls.model_fields)}") from error
            raise InputError(f"the override {name!r} is wrong: {first['msg']}.") from error

    def changes(self) -> dict[str, Any]:
        """Return what stands otherwise in the suite itself; the number of seeds is not a part of it."""
        return {
            "precision": self.precision,
            "budget_tflop": self.budget_tflop,
            "time_limit_minutes": self.limits.minutes,
            "memory_limit_gib": self.limits.memory_gib,
        }

    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of the command line that say how its runs compute; which runs, a plan knows better."""
        device = None if self.device == "auto" else self.device
        values = {"--device": device, "--precision": self.precision, "--budget": self.budget_tflop}
        return tuple(word for name, value in values.items() if value is not None for word in (name, f"{value}"))


NO_OVERRIDES = Overrides()
