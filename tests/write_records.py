"""Write fifty records into a results folder: ``python write_records.py FOLDER METHOD``, several at a time."""

import sys
from pathlib import Path

from record_builder import make_record

from inng_bench.records import store

if __name__ == "__main__":
    for replicate in range(50):
        store.write_record(Path(sys.argv[1]), make_record(sys.argv[2], replicate=replicate))
