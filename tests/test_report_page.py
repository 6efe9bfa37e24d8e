"""The page of a report without a browser: complete, closed, escaped and small; and the server that shows it."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from paged_results import FACTORS, TEXTURES, make_results
from record_builder import make_record, make_texture, write_records

from inng_bench import cli
from inng_bench.records import store
from inng_bench.records.schema import Status
from inng_bench.report import build_report
from inng_bench.report.build import csv_texts
from inng_bench.report.documents import make_sections
from inng_bench.report.page import build_page
from inng_bench.report.page.gallery import make_gallery
from inng_bench.report.serve import PageServer
from inng_bench.report.study import read_study

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}&amp;"


class Elements(HTMLParser):
    """All elements of a page with their attributes, and the text outside scripts and styles."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page_of(results: Path, live: str = "") -> bytes:
    study = read_study(results)
    return build_page(study, make_sections(study), csv_texts(study), live=live)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def page(results: Path) -> bytes:
    return page_of(results)


def test_a_report_has_a_page_of_one_file_whose_bytes_repeat(results: Path, tmp_path: Path) -> None:
    first, second = (build_report(results, tmp_path / name) for name in "ab")
    assert (first.folder / "index.html").read_bytes() == (second.folder / "index.html").read_bytes()
    stills = [one for one in Elements((first.folder / "index.html").read_bytes()).named("img") if "still" in str(one)]
    assert len(stills) == 3


def test_the_page_names_no_address_outside_itself_and_its_policy_allows_none(page: bytes) -> None:
    elements = Elements(page)
    for _, attributes in elements.found:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            assert re.match(r"(data:|#|$)", attributes.get(name) or "")
    policy = next(str(one["content"]) for one in elements.named("meta") if "http-equiv" in one)
    assert policy.startswith("default-src 'none'; img-src data:; script-src 'sha256-")
    assert "connect-src" not in policy
    assert "unsafe" not in policy
    assert not [name for _, one in elements.found for name in one if name.startswith("on") or name == "style"]


def test_the_page_has_every_row_and_every_section_without_a_script(page: bytes) -> None:
    elements = Elements(page)
    rows = [(one["data-texture"], one["data-method"]) for one in elements.named("tr") if "data-method" in one]
    assert sorted(rows) == sorted((texture, method) for texture in TEXTURES for method in FACTORS)
    for title in ("Times the floor", "Quality over cost", "Cost", "Curves of the trainings", "Environment", "Runs"):
        assert title in elements.text
    assert "Example CPU" in elements.text
    links = {one["download"]: one["href"] for one in elements.named("a") if "download" in one}
    assert set(links) == {"table.csv", "agreement.csv"}
    assert str(links["table.csv"]).startswith("data:text/csv;charset=utf-8,texture%2Cmethod%2Cseeds")


def test_every_picture_is_stored_once_and_says_what_it_is(page: bytes) -> None:
    images = [one for one in Elements(page).named("img") if one.get("src")]
    assert len({one["src"] for one in images}) == len(images)
    assert {one["id"] for one in images} >= {"brick/source", "brick/inng/0/1", "pebbles/dcgan/0/1"}
    assert all(one["alt"] for one in images)


def test_hostile_strings_of_a_record_are_text(tmp_path: Path) -> None:
    texture = make_texture().model_copy(update={"source": HOSTILE, "licence": HOSTILE, "kind": HOSTILE})
    records = [
        make_record("inng", texture=texture, warnings=(HOSTILE,), suite=HOSTILE),
        make_record("dcgan", texture=texture, status=Status.FAILED, error=HOSTILE),
    ]
    write_records(tmp_path, records)
    store.suite_path(tmp_path).write_text(json.dumps({"command": HOSTILE}))
    plain = write_records(tmp_path / "plain", [make_record("inng"), make_record("dcgan", status=Status.FAILED)])
    hostile, usual = Elements(page_of(tmp_path)), Elements(page_of(plain))
    for tag in ("script", "img", "style", "meta", "link"):
        assert len(hostile.named(tag)) == len(usual.named(tag)), tag
    assert "49" not in str(hostile.named("title"))
    assert hostile.text.count("{{7*7}}&amp;") >= 5


def test_pictures_beyond_the_limit_are_left_out_and_counted(results: Path) -> None:
    study = read_study(results)
    whole = make_gallery(study)
    assert whole.left_out == 0
    size = sum(len(one.address) for texture in whole.textures for run in texture.runs for one in run.shown[:1])
    part = make_gallery(study, size * 3 // 4 + 200_000)
    assert part.left_out > 0
    assert all(run.shown for texture in part.textures for run in texture.runs)
    text = Elements(page_of(results)).text
    assert "further samples are not shown" not in text


def test_a_page_of_a_hundred_records_stays_below_thirty_megabytes(tmp_path: Path) -> None:
    results = make_results(tmp_path, [f"texture-{number}" for number in range(20)])  # noise, which no PNG makes smaller
    page = page_of(results)
    assert len(page) < 30e6
    elements = Elements(page)
    assert len([one for one in elements.named("tr") if "data-method" in one]) == 100
    beside = [one for one in elements.named("img") if str(one.get("id")).endswith("/0/1")]
    assert len(beside) == 80, "the first sample of every row is shown, whatever else is left out"


def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    text = Elements(page_of(write_records(tmp_path, [make_record()]))).text
    assert "This folder does not contain the windows." in text
    assert "The record names no samples." in text


# Server


@contextlib.contextmanager
def served(results: Path) -> Iterator[PageServer]:
    with PageServer(results) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: PageServer, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(str(server.server_address[0]), server.server_port)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    content = answer.status, answer.read()
    connection.close()
    return content


def test_the_server_shows_rows_as_they_come(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert b"No run has ended yet" in ask(server)[1]
        before = ask(server, "/state")
        write_records(tmp_path, [make_record()])
        after = ask(server, "/state")
        assert (before[0], after[0]) == (200, 200)
        assert before != after
        status, page = ask(server)
        assert status == 200
        assert b"connect-src 'self'" in page
        assert json.dumps(after[1].decode()).encode() in page


def test_the_server_tells_which_run_is_at_which_worker_unless_the_client_was_killed(tmp_path: Path) -> None:
    file = tmp_path / store.WORKERS_NAME
    file.write_text("1 workers\nw<1>: brick · inng · seed 0 · train 50%")
    with served(tmp_path) as server:
        assert "w&lt;1&gt;: brick · inng".encode() in ask(server)[1]
        write_records(tmp_path, [make_record()])
        assert ask(server, "/state")[1].decode().split("\n", 1)[1] == file.read_text()
        assert b'<pre id="workers">' in ask(server)[1]
        os.utime(file, (0, 0))
        assert b"\n" not in ask(server, "/state")[1]


def test_the_server_listens_to_this_machine_alone_and_writes_nothing(tmp_path: Path) -> None:
    write_records(tmp_path, [make_record()])
    before = sorted(tmp_path.rglob("*"))
    with served(tmp_path) as server:
        assert server.server_address[0] == "127.0.0.1"
        assert ask(server, Host="evil.example")[0] == 403
        assert ask(server, Host=f"evil.example:{server.server_port}")[0] == 403
        assert ask(server, Host=f"localhost:{server.server_port}")[0] == 200
        assert ask(server, "/../suite.json")[0] == 404
        assert ask(server, "/runs/brick/inng/seed-0/record.json")[0] == 404
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert ask(server, method=method)[0] == 501
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_record_is_told_in_the_browser_and_not_the_end(tmp_path: Path) -> None:
    write_records(tmp_path, [make_record()])
    store.record_path(tmp_path, "brick", "inng", 0).write_text("<b>")
    with served(tmp_path) as server:
        assert b"The results cannot be shown" in ask(server)[1]


def test_view_refuses_what_is_no_folder_and_a_port_that_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["view", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err
    with PageServer(tmp_path) as server:
        assert cli.main(["view", str(tmp_path), "--port", str(server.server_port)]) == 2
    assert "name another with --port" in capsys.readouterr().err


def test_view_ends_well_with_ctrl_c_and_loads_no_torch(tmp_path: Path) -> None:
    write_records(tmp_path, [make_record()])
    code = (
        "import _thread, sys, threading; from inng_bench import cli; from inng_bench.report import serve\n"
        "serve.PageServer.service_actions = lambda self: (self.page(), _thread.interrupt_main())\n"
        f"status = cli.main(['view', {str(tmp_path)!r}])\n"
        "print(int(status), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    first, last = done.stdout.splitlines()
    assert "is shown at http://127.0.0.1:" in first
    assert last == "0 False"
