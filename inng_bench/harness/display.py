"""Progress on the terminal: bars where there is one, plain lines where the output goes to a file."""

import sys
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

STEPS = 4
"""Plain lines per training."""


class Titled(Protocol):
    """What goes on: a run, or a case of a timing."""

    @property
    def title(self) -> str:
        """How it is called."""


class Display(Protocol):
    """Shows how the runs go on."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def say(self, text: str) -> None:
        """Print a line."""

    def progress(self, run: Titled, phase: str, fraction: float, worker: str = "") -> None:
        """Take notice that a run is at some phase, of the share of its training that is done, and of who is at it."""

    def finish(self, run: Titled, text: str) -> None:
        """Take notice that a run has ended."""


def open_display(total: int, stream: TextIO | None = None, unit: str = "all runs") -> Display:
    """Return bars on a terminal and plain lines elsewhere.

    Parameters
    ----------
    total : int
        Number of runs to come.
    stream : TextIO or None
        Where to; None for stderr.
    unit : str
        What the bar of all is called.
    """
    stream = sys.stderr if stream is None else stream
    return BarDisplay(total, stream, unit) if stream.isatty() else PlainDisplay(total, stream)


def on_worker(worker: str) -> str:
    """Say who is at a run, as the end of a phrase; nothing of this machine."""
    return f" on {worker}" if worker else ""


class PlainDisplay:
    """One line for each quarter of a training and for each run that has ended."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._ended = 0
        self._stream = stream
        self._shown: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self._stream, flush=True)

    def progress(self, run: Titled, phase: str, fraction: float, worker: str = "") -> None:
        """Print a line when the training has come a quarter further."""
        quarter = int(fraction * STEPS)
        if phase == "train" and self._shown.get(run.title, 0) < quarter < STEPS:
            self._shown[run.title] = quarter
            self.say(f"        {run.title}: {100 * quarter // STEPS} % of the budget{on_worker(worker)}")

    def finish(self, run: Titled, text: str) -> None:
        """Print how a run ended."""
        self._ended += 1
        width = len(str(self._total))
        self.say(f"[{self._ended:{width}}/{self._total}] {run.title}: {text}")


class BarDisplay:
    """One bar for all runs and one for each that is under way."""

    def __init__(self, total: int, stream: TextIO, unit: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=Console(file=stream))
        self._all = self._bars.add_task(unit, total=total)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)

    def progress(self, run: Titled, phase: str, fraction: float, worker: str = "") -> None:
        """Move the bar of a run."""
        if run.title not in self._tasks:
            self._tasks[run.title] = self._bars.add_task(run.title, total=1.0)
        self._bars.update(
            self._tasks[run.title], completed=fraction, description=f"{run.title} · {phase}{on_worker(worker)}"
        )

    def finish(self, run: Titled, text: str) -> None:
        """Take the bar of a run away and print how it ended."""
        if run.title in self._tasks:
            self._bars.remove_task(self._tasks.pop(run.title))
        self._bars.advance(self._all)
        self.say(f"{run.title}: {text}")
