"""The wheel, as somebody would use it: installed elsewhere, run from another folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


NO_NETWORK = """
import sys


def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open(LOG, "a") as stream:
            print(event, arguments, file=stream)
        raise OSError("the network is blocked")


sys.addaudithook(refuse)
"""
"""Loaded by every Python process of a run; a hook of this kind cannot be removed."""

SECRET = "planted-secret-7f3a"


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that blocks sockets; tried ones stand in its file ``log``."""
    folder = tmp_path_factory.mktemp("offline")
    (folder / "sitecustomize.py").write_text(NO_NETWORK.replace("LOG", repr(str(folder / "log"))))
    return folder


def run(installed: Path, folder: Path, *arguments: str, offline: Path | None = None) -> str:
    path = os.pathsep.join(map(str, [*([offline] if offline else []), installed]))
    private = {"HOME": str(folder / SECRET), "USER": SECRET, "API_TOKEN": SECRET, "OMP_PROC_BIND": f"/{SECRET}"}
    environment = {**os.environ, **private, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", *arguments]  # -P: the path of modules that the script `inng-bench` has
    outcome = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def test_the_wheel_claims_no_other_top_level_name_than_the_package(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"inng_bench"}


def test_the_wheel_carries_baselines_suites_the_metrics_pool_and_the_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    suites = {f"inng_bench/suites/{name}.toml" for name in ("quick", "rivals", "paper", "smoke")}
    page = {f"inng_bench/{room}/page.{kind}" for room in ("people", "report/page") for kind in ("html", "css", "js")}
    page |= {f"inng_bench/report/page/uplot/{name}" for name in ("uPlot.iife.min.js", "uPlot.min.css", "LICENSE")}
    page |= {"inng_bench/pages/base.css"}
    assert suites | page | {"inng_bench/baselines/dcgan.py", "inng_bench/metrics/standardisation.json"} <= names


def test_the_block_of_the_network_holds(offline: Path) -> None:
    script = "import socket; socket.create_connection(('127.0.0.1', 9))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(offline)}, capture_output=True, text=True, check=False
    )
    assert "the network is blocked" in done.stderr
    (offline / "log").unlink()


@pytest.mark.timeout(600)
def test_an_installed_wheel_runs_smoke_of_one_texture_without_network_from_a_checkout_to_its_report(
    installed: Path, offline: Path, tmp_path: Path
) -> None:
    (tmp_path / "inng_bench").mkdir()  # what lies in the present folder takes the place of no installed module
    (tmp_path / "inng_bench" / "__init__.py").write_text("raise ImportError('this is not the installed package')\n")
    where = run(installed, tmp_path, "inng_bench", "list", offline=offline)
    assert "pebbles" in where
    smoke = (installed / "inng_bench" / "suites" / "smoke.toml").read_text()
    one_texture = smoke.replace('name = "smoke"', 'name = "one"').replace('["grass", "pebbles"]', '["grass"]')
    (tmp_path / "one.toml").write_text(one_texture.replace("budget_tflop = 0.05", "budget_tflop = 0.01"))
    # Of the baselines the reference rows are enough: each row takes as long as its metrics.
    run(installed, tmp_path, "inng_bench", "run", "--suite", "one.toml", "--methods", "inng", offline=offline)
    run(installed, tmp_path, "inng_bench.report", offline=offline)
    run(installed, tmp_path, "inng_bench", "results", "verify", offline=offline)
    assert not (offline / "log").exists()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes() or SECRET in path.name]
    assert not [path for path in files if str(tmp_path).encode() in path.read_bytes()]
    report = tmp_path / "results" / "runs" / "one" / "report"
    table = pd.read_csv(report / "table.csv")
    rows = ["inng", "mirror", "noise", "quilting", "random-phase", "real"]
    assert sorted(zip(table["texture"], table["method"], strict=True)) == [("grass", row) for row in rows]
    assert table[["gram", "patch_fid"]].notna().all().all()
    assert table.loc[table["method"] == "inng", "image_steps_per_second"].notna().sum() == 1  # timed on one texture
    scores = table.pivot(index="texture", columns="method", values="patch_fid")
    assert (scores["real"] < scores["noise"]).all()
    assert (report / "sheets" / "overview.png").stat().st_size > 10_000
    assert (report / "index.html").stat().st_size > 1_000_000
