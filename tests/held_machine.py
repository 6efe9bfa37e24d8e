"""Somebody else who has the machine until this process says that it waits."""

import io
from contextlib import ExitStack
from typing import Self

from inng_bench.harness.machine import WAITING, Claim, claim_machine


class HeldMachine(io.StringIO):
    """A stream in the place of stderr: the claim ends as soon as the sentence about waiting is written to it."""

    def __init__(self, claim: Claim) -> None:
        super().__init__()
        self._claim = ExitStack()
        self._claim.enter_context(claim_machine(claim))

    def write(self, text: str) -> int:
        """Take a text, and give the machine back if it tells of waiting."""
        if text.strip() in WAITING.values():
            self._claim.close()
        return super().write(text)

    @property
    def waits(self) -> list[str]:
        """The sentences about waiting so far."""
        return [line for line in self.getvalue().splitlines() if line in WAITING.values()]

    def __exit__(self, *how: object) -> None:
        self._claim.close()

    def __enter__(self) -> Self:
        return self
