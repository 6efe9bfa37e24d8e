"""Files of strangers: whatever stands in them, a command ends with one sentence and status 2, and changes nothing.

What single decoders and readers do is tested beside them; here everything goes through the command line.
"""

import contextlib
import hashlib
import io
import json
import pickle
import shutil
import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from record_builder import make_record, rewrite, write_picture, write_records

from inng_bench import cli
from inng_bench.baselines.reference_rows import MatchedNoise
from inng_bench.contract import Execution, read_model_description
from inng_bench.harness import estimate
from inng_bench.harness.estimate import Speed
from inng_bench.hashes import sealed
from inng_bench.inng.method import INNg
from inng_bench.records import store

FUZZ = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Spoil = Callable[[Path], object]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in an empty folder, in which nothing may appear, and time nothing of this machine."""
    seconds: defaultdict[str, float] = defaultdict(lambda: 1e-11)
    monkeypatch.setattr(estimate, "probe", lambda *_: Speed(seconds, seconds, 1.0))
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(folder)
    yield
    assert list(folder.iterdir()) == []


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def run(*arguments: str) -> tuple[int, str]:
    """Return the status of a command and what it said of errors."""
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        status = cli.main(arguments)
    return status, errors.getvalue()


def assert_refused(folder: Path, *arguments: str) -> str:
    before = files(folder)
    status, errors = run(*arguments)
    assert status == 2, errors
    assert len(errors.splitlines()) == 1, errors
    assert "Traceback" not in errors
    assert files(folder) == before
    return errors


def assert_answered(*arguments: str) -> None:
    """Accept either a success or one sentence."""
    status, errors = run(*arguments)
    assert status == 0 or (status == 2 and len(errors.splitlines()) == 1), errors


# Pictures.


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def picture(kind: str = "PNG", size: tuple[int, int] = (256, 256), **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format=kind, **options)
    return stream.getvalue()


def frames(kind: str) -> bytes:
    others = [Image.new("RGB", (256, 256), colour) for colour in ("red", "blue")]
    return picture(kind, save_all=True, append_images=others)


BOMB = zlib.compress(bytes(20_000_000), 9)

PICTURES: dict[str, bytes] = {
    "empty": b"",
    "a text": b"I am a poem.\n",
    "a pickle": pickle.dumps({"pixels": [1, 2, 3]}),
    "a script": b"#!/bin/sh\ntouch /tmp/owned\n",
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 256 256\nshowpage\n",
    "a GIF": picture("GIF"),
    "a BMP": picture("BMP"),
    "a PPM": picture("PPM"),
    "an animated PNG": frames("PNG"),
    "an animated WebP": frames("WEBP"),
    "a TIFF of pages": frames("TIFF"),
    "a header of 3.6 gigapixels": png(60_000, 60_000),
    "a header that lies": png(256, 256),
    "a zip bomb": png(256, 256, chunk(b"IDAT", BOMB[:100])),
    "a text chunk that is a bomb": png(256, 256, chunk(b"zTXt", b"a\0\0" + BOMB), chunk(b"IDAT", b"")),
    "a wrong checksum": picture()[:40] + b"\0" + picture()[41:],
    "half of a PNG": picture()[: len(picture()) // 2],
    "half of a JPEG": picture("JPEG")[: len(picture("JPEG")) // 2],
    "half of a WebP": picture("WEBP")[: len(picture("WEBP")) // 2],
    "no width": png(0, 256, chunk(b"IDAT", zlib.compress(b""))),
    "40 by 40 px": picture(size=(40, 40)),
    "one colour": png(256, 256, chunk(b"IDAT", zlib.compress(bytes(256 * (1 + 3 * 256))))),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_bad_picture_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    path.write_bytes(PICTURES[kind])
    assert str(path) in assert_refused(tmp_path, "run", "--texture", str(path), "--dry-run")


@FUZZ
@given(data=st.data())
def test_a_picture_with_changed_bytes_is_refused_or_read(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(picture(data.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP"])), (140, 140)))
    for _ in range(data.draw(st.integers(1, 4))):
        # Most of the harm is done in the header.
        place = data.draw(st.one_of(st.integers(0, 80), st.integers(0, len(content) - 1)))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "wall.png"
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 3]))])
    assert_answered("run", "--texture", str(path), "--dry-run")


# Suites.

SUITE = """
name = "mine"
textures = ["brick"]
replicates = 1
budget_tflop = 1.0
precision = "float32"
[[methods]]
label = "noisy"
implementation = "noise"
settings = {}
"""

SUITES: dict[str, tuple[str, str]] = {
    "no TOML": ('name = "mine"', "name = "),
    "a tag of YAML": ('name = "mine"', 'name = !!python/object/apply:os.system ["true"]'),
    "nothing of a suite": (SUITE, "x = 1"),
    "an unknown key": ("replicates", "replicats"),
    "a name that is a path": ('name = "mine"', 'name = "../../mine"'),
    "a label that is a path": ('label = "noisy"', 'label = "../noisy"'),
    "a label with a line break": ('label = "noisy"', 'label = "a\\nb"'),
    "a label of LaTeX": ('label = "noisy"', 'label = "\\\\input{/etc/passwd}"'),
    "code of the standard library": ('"noise"', '"os:system"'),
    "code that is not there": ('"noise"', '"no_such_module:Method"'),
    "code without a name": ('"noise"', '":"'),
    "a relative import": ('"noise"', '".harness:Method"'),
    "no texture": ('["brick"]', '["../brick"]'),
    "an endless budget": ("budget_tflop = 1.0", "budget_tflop = inf"),
    "a budget beyond all numbers": ("budget_tflop = 1.0", "budget_tflop = 1e308"),
    "a budget that is none": ("budget_tflop = 1.0", "budget_tflop = nan"),
    "seeds without number": ("replicates = 1", "replicates = 1000000000"),
    "a canvas of kilometres": ("replicates = 1", "replicates = 1\nsample_size = 1000000"),
    "threads without number": ("replicates = 1", "replicates = 1\nthreads_per_run = 100000000"),
    "an integer of 5000 digits": ("replicates = 1", f"replicates = {'9' * 5000}"),
    "brackets without end": ("replicates = 1", f"replicates = {'[' * 100_000}"),
    "a setting that is no number": ("settings = {}", "settings = { rate = nan }"),
    "a setting that is a date": ("settings = {}", "settings = { rate = 2020-01-01 }"),
    "a setting that does not exist": ("settings = {}", "settings = { exec = 'true' }"),
    "a picture that is a device": ('["brick"]', '[]\npictures = [{ path = "/dev/zero" }]'),
    "a picture that is not there": ('["brick"]', '[]\npictures = [{ path = "../../absent.png" }]'),
    "a picture with a nought in its name": ('["brick"]', '[]\npictures = [{ path = "a\\u0000b" }]'),
    "a limit below nothing": ("replicates = 1", "replicates = 1\ntime_limit_minutes = -1"),
}


@pytest.mark.parametrize("kind", SUITES)
def test_a_bad_suite_is_refused(kind: str, tmp_path: Path) -> None:
    old, new = SUITES[kind]
    assert old in SUITE
    path = tmp_path / "mine.toml"
    path.write_text(SUITE.replace(old, new))
    assert_refused(tmp_path, "run", "--suite", str(path), "--dry-run", "--device", "cpu")


values = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=20),
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@FUZZ
@given(key=st.sampled_from(["name", "textures", "replicates", "budget_tflop", "precision", "canvases"]), value=values)
def test_a_suite_with_any_value_is_refused_or_planned(key: str, value: Any, tmp_path: Path) -> None:
    lines = [line for line in SUITE.splitlines() if not line.startswith(f"{key} =")]
    path = tmp_path / "mine.toml"
    path.write_text("\n".join([f"{key} = {json.dumps(value)}", *lines]))
    assert_answered("run", "--suite", str(path), "--dry-run", "--device", "cpu")


# Records.


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_records(tmp_path / "results", [make_record(artefacts={"sample-0": "sample-0.png"})])


def edited(edit: Callable[[dict[str, Any]], object]) -> Spoil:
    return lambda path: rewrite(path, edit)


def written(content: bytes) -> Spoil:
    return lambda path: path.write_bytes(content)


RECORDS: dict[str, Spoil] = {
    "empty": written(b""),
    "a pickle": written(pickle.dumps({"status": "ok"})),
    "brackets without end": written(b"[" * 100_000),
    "an integer of 5000 digits": written(b'{"schema_version": ' + b"9" * 5000 + b"}"),
    "a number beyond all numbers": edited(lambda content: content["settings"].update(rate="RATE")),
    "no object": written(b"[1, 2]"),
    "bytes that are no text": written(b"\xff\xfe\x00"),
    "a texture that is a path": edited(lambda content: content["texture"].update(name="../../../etc")),
    "a method that is a path": edited(lambda content: content.update(method="/etc")),
    "an artefact elsewhere": edited(lambda content: content["artefacts"].update({"sample-0": "../../../../secret"})),
    "an artefact of the system": edited(lambda content: content["artefacts"].update({"sample-0": "/etc/passwd"})),
    "a seed below nought": edited(lambda content: content.update(replicate=-1)),
    "another's folder": edited(lambda content: content.update(replicate=5)),
    "an unknown field": edited(lambda content: content.update(__class__="os.system")),
    "a newer schema": edited(lambda content: content.update(schema_version=99)),
    "a text for a number": edited(lambda content: content.update(flops="1e9")),
    "a wrong checksum": edited(lambda content: content.update(flops=1.0)),
    "a folder": lambda path: in_its_place(path).mkdir(),
    "a link to a device": lambda path: in_its_place(path).symlink_to("/dev/null"),
}


def in_its_place(path: Path) -> Path:
    path.unlink()
    return path


def spoil_record(results: Path, kind: str) -> Path:
    path = store.record_path(results, "brick", "inng", 0)
    RECORDS[kind](path)
    if kind == "a number beyond all numbers":
        path.write_text(path.read_text().replace('"RATE"', "1e999"))
    if kind == "a wrong checksum":
        path.write_text(path.read_text().replace('"flops": 1.0', '"flops": 2.0'))
    return path


@pytest.mark.parametrize("kind", RECORDS)
def test_a_bad_record_is_refused_by_all_that_read_it(kind: str, results: Path) -> None:
    path = spoil_record(results, kind)
    assert str(path.parent) in assert_refused(results, "results", "list", str(results))
    assert_refused(results, "report", str(results))
    status, errors = run("results", "verify", str(results))
    assert (status, len(errors.splitlines())) == (2, 2)


@FUZZ
@given(data=st.data())
def test_a_record_with_any_value_is_refused_or_reported(data: st.DataObject, tmp_path: Path) -> None:
    results = write_records(tmp_path / "results", [make_record()])
    path = store.record_path(results, "brick", "inng", 0)

    def edit(content: dict[str, Any]) -> None:
        part = data.draw(st.sampled_from([content, content["texture"], content["provenance"], content["seconds"]]))
        key = data.draw(st.sampled_from([*part, "extra"]))
        part[key] = data.draw(st.one_of(values, st.dictionaries(st.text(max_size=5), values, max_size=2)))

    rewrite(path, edit)
    assert_answered("results", "list", str(results))
    status, errors = run("results", "verify", str(results))
    assert (status, len(errors.splitlines())) in ((0, 0), (2, 2)), errors


# Models.


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A stored model of the method ``noise``, without a record."""
    folder = tmp_path / "model"
    method = MatchedNoise({}, Execution())
    method.train(torch.rand((3, 64, 64), generator=torch.Generator().manual_seed(0)), seed=0, budget=0.0)
    method.save(folder)
    return folder


class Bomb:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("a pickle was read",)


def described(**changes: Any) -> Spoil:
    """Change a model's description and seal it again."""

    def spoil(folder: Path) -> None:
        content = json.loads((folder / "model.json").read_text())
        del content["checksum"]
        (folder / "model.json").write_text(json.dumps(sealed({**content, **changes})))

    return spoil


def weighed(**tensors: torch.Tensor) -> Spoil:
    """Store other tensors, with their right hash."""

    def spoil(folder: Path) -> None:
        content = safetensors.torch.save(tensors)
        (folder / "model.safetensors").write_bytes(content)
        described(weights_sha256=hashlib.sha256(content).hexdigest())(folder)

    return spoil


def replaced(name: str, content: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(content)


def torch_file() -> bytes:
    stream = io.BytesIO()
    torch.save({"mean": Bomb()}, stream)
    return stream.getvalue()


MODELS: dict[str, Spoil] = {
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no description": lambda folder: (folder / "model.json").unlink(),
    "weights that are empty": replaced("model.safetensors", b""),
    "weights that are a pickle": replaced("model.safetensors", pickle.dumps(Bomb())),
    "weights that are torch's": replaced("model.safetensors", torch_file()),
    "weights of another model": replaced("model.safetensors", safetensors.torch.save({"mean": torch.zeros(3)})),
    "a description that is a pickle": replaced("model.json", pickle.dumps(Bomb())),
    "a description that is a list": replaced("model.json", b"[1]"),
    "a description that is nothing": replaced("model.json", b"null"),
    "a description without end": replaced("model.json", b"[" * 100_000),
    "bytes that are no text": replaced("model.json", b"\xff\xfe"),
    "a description of another format": described(format=99),
    "a format that is a list": described(format=[]),
    "another key": described(extra=1),
    "settings that are a list": described(settings=[]),
    "an unknown setting": described(settings={"exec": "true"}),
    "a method that is not there": described(method="nosuch"),
    "a method that is a number": described(method=3),
    "a method of a stranger": described(method="evil:Method"),
    "a method that is the system": described(method="os:system"),
    "a wrong checksum": replaced("model.json", b'{"format": 2, "method": "noise", "settings": {}, "checksum": "0"}'),
    "a missing tensor": weighed(mean=torch.zeros(3)),
    "a tensor too many": weighed(mean=torch.zeros(3), mixing=torch.eye(3), more=torch.zeros(1)),
    "a tensor of another shape": weighed(mean=torch.zeros(5), mixing=torch.eye(3)),
    "tensors without numbers": weighed(mean=torch.zeros(3) / 0, mixing=torch.eye(3)),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_bad_model_is_refused_and_nothing_of_it_is_run(kind: str, model: Path, tmp_path: Path) -> None:
    MODELS[kind](model)
    (tmp_path / "evil.py").write_text("print('a module was imported')\nMethod = 1\n")
    errors = io.StringIO()
    said = io.StringIO()
    before = files(tmp_path)
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(said), contextlib.chdir(tmp_path):
        status = cli.main(["sample", str(model), "--size", "64x64", "--out", str(tmp_path / "out"), "--device", "cpu"])
    assert (status, len(errors.getvalue().splitlines())) == (2, 1), errors.getvalue()
    assert said.getvalue() == ""
    assert str(model) in errors.getvalue()
    assert files(tmp_path) == before


@pytest.fixture(scope="module")
def cascade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored cascade of two classifiers."""
    folder = tmp_path_factory.mktemp("models") / "cascade"
    small = {"filters": 4, "canvases": 1, "canvas_side": 64, "crops": 1, "max_stages": 2, "max_steps": 2}
    method = INNg(small, Execution())
    window = torch.rand((3, 96, 96), generator=torch.Generator().manual_seed(0)) * 2 - 1
    method.train(window, seed=0, budget=1e15)
    method.save(folder)
    return folder


def cut_short(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def with_tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    """Change some of a model's tensors and store them with their right hash."""

    def spoil(folder: Path) -> None:
        tensors = safetensors.torch.load((folder / "model.safetensors").read_bytes())
        change(tensors)
        weighed(**tensors)(folder)

    return spoil


def without_setting(folder: Path) -> None:
    known = read_model_description(folder)["settings"]
    described(settings={name: value for name, value in known.items() if name != "temperature"})(folder)


def shorten(tensors: dict[str, torch.Tensor]) -> None:
    tensors["max_steps"] = tensors["max_steps"][:1].clone()


CASCADES: dict[str, tuple[Spoil, str]] = {
    "cut short": (cut_short, "is damaged"),
    "of another version": (without_setting, "the settings of another version"),
    "of another format": (described(format=99), "format"),
    "without a classifier": (
        with_tensors(lambda all_of: all_of.pop("stage.0002.weight.1")),
        "has no 'stage.0002.weight.1'",
    ),
    "without its last classifier": (
        with_tensors(lambda all_of: [all_of.pop(name) for name in list(all_of) if name.startswith("stage.0002")]),
        "has no 'stage.0002.weight.0'",
    ),
    "with a classifier too many": (with_tensors(shorten), "has 2 classifiers and steps of 1"),
    "with a classifier of another shape": (
        with_tensors(lambda all_of: all_of.update({"stage.0001.weight.0": torch.zeros(4, 3, 5, 5)})),
        "of another shape",
    ),
    "without p0": (with_tensors(lambda all_of: all_of.pop("prior.mean")), "has no 'prior.mean'"),
}


@pytest.mark.parametrize("kind", CASCADES)
@pytest.mark.parametrize("arguments", [("sample",), ("density",)])
def test_a_bad_cascade_is_refused_in_a_sentence_that_says_what_is_wrong_with_it(
    kind: str, arguments: tuple[str, ...], cascade: Path, tmp_path: Path
) -> None:
    spoil, sentence = CASCADES[kind]
    folder = tmp_path / "cascade"
    shutil.copytree(cascade, folder)
    spoil(folder)
    write_picture(tmp_path / "picture.png", 96, 96)
    what = ("--picture", str(tmp_path / "picture.png")) if "density" in arguments else ("--size", "64x64")
    command, *options = arguments
    errors = assert_refused(tmp_path, command, str(folder), *options, *what, "--out", str(tmp_path / "out"))
    assert sentence in errors
    assert str(folder) in errors


@FUZZ
@given(data=st.data())
def test_a_model_with_a_changed_byte_is_refused_unless_it_says_the_same(
    data: st.DataObject, model: Path, tmp_path: Path
) -> None:
    name = data.draw(st.sampled_from(["model.safetensors", "model.json"]))
    whole, told = (model / name).read_bytes(), read_model_description(model)
    content = bytearray(whole)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (model / name).write_bytes(content)
    out = tmp_path / "out"
    status, errors = run("sample", str(model), "--size", "64x64", "--out", str(out), "--device", "cpu")
    if status == 0:  # another kind of white space
        assert (name, read_model_description(model)) == ("model.json", told)
    else:
        assert (status, len(errors.splitlines())) == (2, 1), errors
        assert str(model) in errors
    (model / name).write_bytes(whole)


def test_a_whole_model_is_drawn_from(model: Path, tmp_path: Path) -> None:
    assert run("sample", str(model), "--size", "64x64", "--out", str(tmp_path / "out"), "--device", "cpu")[0] == 0


def test_names_of_files_are_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[31m.png"
    write_picture(path, 40, 40)
    errors = assert_refused(tmp_path, "run", "--texture", str(path), "--dry-run")
    assert "\x1b" not in errors


def test_there_are_at_least_forty_bad_files() -> None:
    assert len(PICTURES) + len(SUITES) + len(RECORDS) + len(MODELS) >= 80
