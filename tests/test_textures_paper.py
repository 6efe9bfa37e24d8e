"""The paper's pictures: fetched only when asked for, whole and right or not at all; made-up pictures stand in."""

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inng_bench import cli
from inng_bench.errors import InputError
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import make_plan
from inng_bench.harness.suite import REFERENCE_ROWS, load_suite
from inng_bench.textures import Kind, Texture, load_texture, texture_infos
from inng_bench.textures.fetching import BASE_URL
from inng_bench.textures.paper import PICTURES

SIZES = {"bark": (265, 398), "bricks": (256, 256), "scream": (480, 377)}
"""Height and width of the pictures that stand in for the ten."""


def pixels_of(name: str) -> NDArray[np.uint8]:
    seed = list(SIZES).index(name)
    return np.random.default_rng(seed).integers(0, 256, (*SIZES[name], 3), dtype=np.uint8)


def png_of(name: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels_of(name)).save(stream, "PNG")
    return stream.getvalue()


FILES = {f"{name}.png": png_of(name) for name in SIZES}
ALL = sorted(FILES)
REGISTRY = {f"paper-{name}": hashlib.sha256(FILES[f"{name}.png"]).hexdigest() for name in SIZES}


PUBLISHED = "3844a63583c1079f5a9ba5564c241ce589d8c97681d993f6848bc6bf18e81bc7"
"""SHA-256 of the names and hashes of the ten pictures at the authors' commit 09e8fe7, "name hash" in order."""


def test_the_hashes_are_those_of_the_authors_pictures() -> None:
    told = " ".join(f"{name} {picture}" for name, picture in sorted(PICTURES.items()))
    assert hashlib.sha256(told.encode()).hexdigest() == PUBLISHED


@dataclass
class Server:
    """Serves files on loopback and counts what it is asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    status: int = 200
    promised: int = 0
    """Bytes that the header promises beyond those that are sent."""
    hold: bool = False
    """Whether it waits after what it has sent."""
    asked: list[str] = field(default_factory=list)
    sent: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            server.asked.append(name)
            content = server.files.get(name)
            status = 404 if content is None else server.status
            body = (content or b"") if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) + server.promised))
            self.end_headers()
            self.wfile.write(body)
            server.sent.set()
            if server.hold:
                server.done.wait()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder where fetched pictures go; the registry is that of the tests' own pictures."""
    monkeypatch.setenv("INNG_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("inng_bench.textures.paper.PICTURES", REGISTRY)
    monkeypatch.setattr("inng_bench.textures.fetching.PICTURES", REGISTRY)
    return tmp_path / "cache" / "paper"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    told = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(told)) as http:
        told.url = f"http://127.0.0.1:{http.server_port}"
        monkeypatch.setattr("inng_bench.textures.fetching.BASE_URL", told.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        told.done.set()
        http.shutdown()
        thread.join()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def fetch(*arguments: str) -> int:
    return cli.main(["textures", "fetch", "paper", *arguments])


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Fetch, expect a refusal, and return its sentence."""
    assert fetch(*arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("inng-bench: ")
    assert last.endswith(".")
    return last


def held(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def save_files(folder: Path, **changes: bytes | None) -> Path:
    """Save the pictures into a folder, some of them changed or left out."""
    folder.mkdir()
    for name in SIZES:
        content = changes.get(name, FILES[f"{name}.png"])
        if content is not None:
            (folder / f"{name}.png").write_bytes(content)
    return folder


# --- the registry ----------------------------------------------------------------------------------------------------


def test_the_registry_holds_the_ten_pictures_at_a_fixed_commit() -> None:
    infos = [info for info in texture_infos() if info.kind is Kind.PAPER]
    assert [info.name for info in infos] == list(PICTURES)
    assert len(set(PICTURES.values())) == 10
    assert {len(bytes.fromhex(sha256)) for sha256 in PICTURES.values()} == {32}
    assert {info.licence for info in infos} == {"none stated"}
    assert BASE_URL.split("/")[-3] == "09e8fe7fd2972b003de3ffd3ba3b15044b10733e"


@pytest.mark.paper
@pytest.mark.skipif("INNG_PAPER_DIR" not in os.environ, reason="INNG_PAPER_DIR does not name the paper's pictures")
def test_the_registry_knows_the_pictures_that_somebody_has() -> None:
    for path in Path(os.environ["INNG_PAPER_DIR"]).glob("*.png"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == PICTURES[f"paper-{path.stem}"]


# --- from the network ------------------------------------------------------------------------------------------------


def test_fetching_brings_every_picture_and_says_so(
    server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch() == 0
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == FILES
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o644}
    said = capsys.readouterr()
    assert said.err.splitlines() == [f"[{i:2}/3] paper-{name}: fetched" for i, name in enumerate(SIZES, start=1)]
    assert str(cache) in said.out
    assert "no licence" in said.out


def test_what_is_there_is_not_downloaded_again(server: Server, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch()
    server.asked.clear()
    assert fetch() == 0
    assert server.asked == []
    assert capsys.readouterr().err.count("was there already") == 3
    (cache / "bark.png").unlink()
    (cache / "bricks.png").write_bytes(b"spoilt")
    assert fetch() == 0
    assert server.asked == ["bark.png", "bricks.png"]
    assert (cache / "bricks.png").read_bytes() == FILES["bricks.png"]


def test_another_picture_is_refused_by_its_name_and_not_kept(
    server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files["bricks.png"] = FILES["bark.png"]
    sentence = refusal(capsys)
    assert "another file (its SHA-256 differs), not kept: bricks.png" in sentence
    assert "bark.png" not in sentence
    assert held(cache) == ["bark.png", "scream.png"]


def test_a_picture_that_the_server_lacks_is_named_and_the_others_are_kept(
    server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del server.files["bark.png"]
    assert "not found: bark.png)" in refusal(capsys)
    assert held(cache) == ["bricks.png", "scream.png"]


@pytest.mark.parametrize("promised", [0, 1000])
def test_a_download_that_is_cut_short_leaves_nothing(
    promised: int, server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a promised length the connection breaks; without one the hash tells."""
    server.files["bark.png"] = FILES["bark.png"][:1000]
    server.promised = promised
    expected = "bark.png cannot be downloaded (the connection broke off)" if promised else "not kept: bark.png"
    assert expected in refusal(capsys)
    assert "bark.png" not in held(cache)
    assert set(held(cache)) <= set(ALL)


def test_a_server_that_fails_is_one_sentence_with_its_status(
    server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 503
    assert "bark.png cannot be downloaded (status 503); check the network" in refusal(capsys)
    assert server.asked == ["bark.png"]
    assert held(cache) == []


def test_no_server_is_one_sentence(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(
            "inng_bench.textures.fetching.BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}"
        )  # bound, and nobody listens
        sentence = refusal(capsys)
    assert "bark.png cannot be downloaded (no connection: ConnectionError)" in sentence
    assert "--from DIR" in sentence
    assert held(cache) == []


def test_an_interrupted_download_leaves_nothing_half(server: Server, cache: Path) -> None:
    server.files["bark.png"] = FILES["bark.png"][:5000]
    server.promised, server.hold = 5000, True
    script = (
        "import signal, sys; from inng_bench import cli; from inng_bench.textures import fetching; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # a shell's background job ignores it
        f"fetching.BASE_URL = {server.url!r}; sys.exit(cli.main(['textures', 'fetch', 'paper']))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as fetching:
        while not server.sent.wait(0.05):
            assert fetching.poll() is None, fetching.communicate()
        fetching.send_signal(signal.SIGINT)
        _, errors = fetching.communicate()
    assert fetching.returncode == 130
    assert "interrupted" in errors.splitlines()[-1]
    assert held(cache) == []


def test_a_cache_that_cannot_be_written_is_named(
    server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.parent.write_text("a file where the folder should be")
    sentence = refusal(capsys)
    assert str(cache) in sentence
    assert "INNG_BENCH_CACHE" in sentence


# --- from a folder ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_network")
def test_pictures_are_taken_from_a_folder_without_a_network(tmp_path: Path, cache: Path) -> None:
    folder = save_files(tmp_path / "mine")
    assert fetch("--from", str(folder)) == 0
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == FILES
    assert held(folder) == ALL


@pytest.mark.usefixtures("no_network")
def test_what_a_folder_lacks_or_has_wrong_is_named_and_the_rest_is_kept(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = save_files(tmp_path / "mine", bark=None, bricks=FILES["bricks.png"] + b"\0")
    sentence = refusal(capsys, "--from", str(folder))
    assert "not found: bark.png; another file (its SHA-256 differs), not kept: bricks.png" in sentence
    assert str(folder) in sentence
    assert held(cache) == ["scream.png"]


def test_two_sources_add_up(tmp_path: Path, server: Server, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = save_files(tmp_path / "mine", bark=None)
    refusal(capsys, "--from", str(folder))
    assert fetch() == 0
    assert server.asked == ["bark.png"]
    assert held(cache) == ALL


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"there is no folder {tmp_path / 'absent'};" in refusal(capsys, "--from", str(tmp_path / "absent"))


# --- in use ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fetched(tmp_path: Path) -> dict[str, Texture]:
    fetch("--from", str(save_files(tmp_path / "mine")))
    return {name: load_texture(f"paper-{name}") for name in SIZES}


def test_a_picture_of_256_px_is_one_window(fetched: dict[str, Texture]) -> None:
    texture = fetched["bricks"]
    assert texture.held_out == ()
    np.testing.assert_array_equal(texture.train, pixels_of("bricks"))
    facts = texture.facts()
    assert (facts.name, facts.kind, facts.licence, facts.scale) == ("paper-bricks", "paper", "none stated", 1.0)
    assert "jlazarow/inn" in facts.source


def test_a_larger_picture_is_quartered(fetched: dict[str, Texture]) -> None:
    for name, (height, width) in {"bark": (132, 199), "scream": (240, 188)}.items():
        whole = pixels_of(name)
        quarters = [whole[top : top + height, left : left + width] for top in (0, height) for left in (0, width)]
        np.testing.assert_array_equal([fetched[name].train, *fetched[name].held_out], quarters)


@pytest.mark.usefixtures("fetched")
def test_a_file_that_was_changed_since_is_not_taken_for_the_picture(cache: Path) -> None:
    (cache / "bricks.png").write_bytes(FILES["bark.png"])
    with pytest.raises(InputError, match="'paper-bricks' is not on this machine"):
        load_texture("paper-bricks")


@pytest.mark.usefixtures("no_network")
def test_the_list_tells_what_is_fetched_and_asks_no_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inng_bench.textures.paper.PICTURES", {**PICTURES, "paper-bricks": REGISTRY["paper-bricks"]})
    fetch("--from", str(save_files(tmp_path / "mine")))
    capsys.readouterr()
    cli.main(["list"])
    textures = capsys.readouterr().out.partition("\nmethods")[0]  # a suite may be called after the paper as well
    listed = {line.split()[0]: line for line in textures.splitlines() if line.startswith("  paper-")}
    assert set(listed) == set(PICTURES)
    assert {name for name, line in listed.items() if "not fetched" not in line} == {"paper-bricks"}


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_suite_without_its_pictures_says_how_to_fetch_them_and_asks_no_network(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "--suite", "paper", "--device", "cpu", *more]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert "'paper-bark' is not on this machine" in errors[0]
    assert "inng-bench textures fetch paper" in errors[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("fetched", "no_network")
def test_a_suite_with_its_pictures_is_planned() -> None:
    names = tuple(f"paper-{name}" for name in SIZES)
    suite = load_suite("paper").model_copy(update={"textures": names})
    plan = make_plan(suite, Overrides(device="cpu"))
    assert {run.texture.name for run in plan.runs} == set(names)
    assert len(plan.runs) == len(names) * (3 * 3 + len(REFERENCE_ROWS))
