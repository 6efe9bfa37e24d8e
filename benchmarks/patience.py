"""What the patience of a cascade is worth: how long drawing takes, and how good the pictures are.

``python benchmarks/patience.py results/runs/quick`` draws anew from every stored INNg of a results folder, with all
steps of its stages and with shares of them (``sample --patience``), from the same noise, and prints a Markdown table.
Seconds mean something on an otherwise idle machine.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.harness.hardware import resolve_precision
from inng_bench.harness.measure import read_windows
from inng_bench.inng.method import INNg
from inng_bench.metrics.evaluate import evaluate
from inng_bench.processes import keep_freed_memory
from inng_bench.records import store
from inng_bench.records.schema import Record, Status
from inng_bench.seeds import torch_generator
from inng_bench.textures import to_pixels

SHARES = (1.0, 0.7, 0.5, 0.3)
METRICS = ("gram", "patch_fid", "patch_kid", "speckle")
CANVASES, SIDE = 4, 256


def draw_and_measure(method: INNg, results: Path, record: Record) -> tuple[float, dict[str, float]]:
    """Return the seconds of a picture and the figures against the headline's window."""
    start = time.perf_counter()
    drawn = [method.sample(1, (SIDE, SIDE), generator=torch_generator(number)) for number in range(CANVASES)]
    seconds = (time.perf_counter() - start) / CANVASES
    samples = np.concatenate([to_pixels(one) for one in drawn])
    measured = evaluate(samples, *read_windows(results, record), seed=record.seeds["metric"], metrics=METRICS)
    figures: dict[str, float] = {}
    for one in measured:  # those of the headline come first
        if one.value is not None:
            figures.setdefault(one.metric, one.value)
    return seconds, figures


def lines(results: Path) -> Iterator[str]:
    """Yield the table, line by line as it is found."""
    execution = Execution(precision=resolve_precision("auto", torch.device("cpu")))
    yield f"| texture | row | seed | patience | s a picture | {' | '.join(METRICS)} |"
    yield f"|---|---|--:|--:|--:|{'--:|' * len(METRICS)}"
    for record in store.read_records(results):
        if record.implementation == INNg.name and record.status is Status.OK:
            method = INNg.load(store.folder_of(results, record), execution)
            for patience in SHARES:
                seconds, figures = draw_and_measure(method.hurried(patience), results, record)
                cells = [f"{figures[metric]:.3g}" for metric in METRICS]
                row = record.texture.name, record.method, record.replicate, patience, f"{seconds:.2f}", *cells
                yield f"| {' | '.join(map(str, row))} |"


def main() -> None:
    """Print the table of the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a results folder with models, such as results/runs/quick")
    torch.set_num_threads(1)  # as the runs of the suites
    keep_freed_memory()
    try:
        for line in lines(parser.parse_args().results):
            print(line, flush=True)
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
