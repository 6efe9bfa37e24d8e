"""The process of a run for the tests of clusters: the standard library alone, so that it begins in milliseconds.

It reads a request, writes files that depend on the run alone, and a record made of a template that the environment
names. The setting ``marker`` may ask for a sleep in seconds or, by a path, for a wait until there is such a file; and,
after a comma, for files of so many bytes. Where the environment has ``INNG_TEST_HURRY``, nothing sleeps.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

TAKEN = ("suite_hash", "method", "implementation", "settings", "config_hash", "replicate", "seeds")
"""Fields of a record that are the run's own."""


def write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.tmp")
    part.write_bytes(content)
    part.replace(path)


def main() -> None:
    request = json.loads(sys.stdin.readline())
    run = request["run"]
    print(json.dumps({"kind": "progress", "phase": "train", "fraction": 0.5}), flush=True)
    wait, _, size = run["settings"].get("marker", "").partition(",")
    if wait.startswith("/"):
        while not Path(wait).exists():
            time.sleep(0.02)
    elif wait and "INNG_TEST_HURRY" not in os.environ:
        time.sleep(float(wait))
    folder = Path(request["results"], "runs", run["texture"]["name"], run["method"], f"seed-{run['replicate']}")
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{run['texture']['name']} {run['method']} {run['replicate']}"
    pictures = {f"sample-{number}": f"{name} {number}".encode() * 64 for number in range(run["samples"])}
    pictures["weights"] = (name.encode() * (int(size or 0) // len(name) + 1))[: int(size or 64)]
    artefacts = {role: f"{role}.png" for role in pictures}
    for role, content in pictures.items():
        write(folder / artefacts[role], content)
    template = json.loads(Path(os.environ["INNG_TEST_TEMPLATE"]).read_text())
    record = {
        **template,
        **{key: run[key] for key in TAKEN},
        "artefacts": artefacts,
        "hashes": {role: hashlib.sha256(content).hexdigest() for role, content in pictures.items()},
    }
    record["texture"] = template["texture"] | {"name": run["texture"]["name"]}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    record["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    write(folder / "record.json", json.dumps(record, indent=1).encode())
    print(json.dumps({"kind": "done"}), flush=True)


if __name__ == "__main__":
    main()
