"""Files are written whole or not at all, whatever fails on the way."""

import errno
import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inng_bench import files
from inng_bench.errors import InputError
from inng_bench.files import remove_unfinished, write_atomically
from inng_bench.records.generations import Generations

STEPS: dict[str, tuple[object, str]] = {
    "folder": (Path, "mkdir"),
    "open": (tempfile, "mkstemp"),
    "stream": (os, "fdopen"),
    "fsync": (os, "fsync"),
    "mode": (Path, "chmod"),
    "replace": (Path, "replace"),
}
"""The calls of one write, each of which may fail."""


def fail(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*STEPS[step], refuse)


@pytest.mark.parametrize("step", [step for step in STEPS if step != "stream"])
def test_whatever_step_fails_the_old_file_stands_and_nothing_else_is_left(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        fail(patch, step)
        with pytest.raises(InputError, match=r"cannot write .*a\.json: No space left on device; free some space or"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    """By the system's own limit of a file's size, which is a full disk's nearest kin."""
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(InputError, match=r"cannot write .*File too large"):
            write_atomically(path, bytes(1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_flushed_is_an_error_and_the_file_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files, "sync_folder", refuse)
    with pytest.raises(InputError, match="Input/output error"):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_file_and_folder_are_flushed_before_and_after_the_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def note(module: object, name: str) -> None:
        call: Callable[..., Any] = getattr(module, name)

        def noting(*arguments: Any) -> Any:
            done.append(name)
            return call(*arguments)

        monkeypatch.setattr(module, name, noting)

    note(os, "fsync")
    note(Path, "replace")
    write_atomically(tmp_path / "a", b"x")
    assert done == ["fsync", "replace", "fsync"]


def test_a_file_can_be_read_by_others(tmp_path: Path) -> None:
    write_atomically(tmp_path / "below" / "a", b"x")
    assert (tmp_path / "below" / "a").stat().st_mode & 0o777 == 0o644


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".record.json.abc.tmp", ".hidden", "record.json", "b.tmp"):
        (tmp_path / name).write_text("")
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "b.tmp", "record.json"]
    remove_unfinished(tmp_path / "nowhere")


def states(folder: Path, *contents: bytes) -> Generations:
    generations = Generations(folder)
    for content in contents:
        generations.add(content)
    return generations


def newest(generations: Generations) -> tuple[bytes | None, list[str]]:
    told: list[str] = []
    return generations.newest(told.append), told


def test_the_last_two_states_stay_and_the_newest_is_read(tmp_path: Path) -> None:
    generations = states(tmp_path / "states", b"one", b"two", b"three")
    assert newest(generations) == (b"three", [])
    names = sorted(path.name for path in (tmp_path / "states").iterdir())
    assert names == [
        "000002.safetensors",
        "000002.safetensors.sha256",
        "000003.safetensors",
        "000003.safetensors.sha256",
    ]


@pytest.mark.parametrize("ending", ["", ".sha256"])
@pytest.mark.parametrize("spoil", ["flip", "cut", "remove"])
def test_a_damaged_state_is_named_and_set_aside_and_the_one_before_is_taken(
    ending: str, spoil: str, tmp_path: Path
) -> None:
    generations = states(tmp_path, b"first state", b"second state")
    path = tmp_path / f"000002.safetensors{ending}"
    content = path.read_bytes()
    if spoil == "remove":
        path.unlink()
    else:
        path.write_bytes(content[:5] if spoil == "cut" else bytes([content[0] ^ 1]) + content[1:])
    found, told = newest(generations)
    assert found == b"first state"
    # Without a hash it is a state whose writing was interrupted, which is nobody's damage.
    assert len(told) == (0 if (spoil, ending) == ("remove", ".sha256") else 1)
    assert all("000002.safetensors" in sentence for sentence in told)
    assert newest(generations) == (b"first state", [])
    generations.add(b"third state")
    assert newest(generations) == (b"third state", [])


def test_without_a_whole_state_there_is_none(tmp_path: Path) -> None:
    assert newest(Generations(tmp_path / "nowhere")) == (None, [])
    generations = states(tmp_path, b"only")
    (tmp_path / "000001.safetensors").write_bytes(b"other")
    assert newest(generations)[0] is None


@pytest.mark.parametrize("step", [step for step in STEPS if step not in ("folder", "stream")])
def test_a_state_that_cannot_be_written_leaves_the_last_one(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generations = states(tmp_path, b"old")
    with monkeypatch.context() as patch:
        fail(patch, step)
        with pytest.raises(InputError, match="No space left"):
            generations.add(b"new")
    assert newest(generations) == (b"old", [])
    generations.add(b"newer")
    assert newest(generations) == (b"newer", [])


def test_removing_the_states_leaves_what_is_somebody_elses(tmp_path: Path) -> None:
    generations = states(tmp_path / "states", b"one", b"two")
    (tmp_path / "states" / "notes.txt").write_text("mine")
    generations.remove()
    assert [path.name for path in (tmp_path / "states").iterdir()] == ["notes.txt"]
    (tmp_path / "states" / "notes.txt").unlink()
    generations.remove()
    assert not (tmp_path / "states").exists()
    generations.remove()
