"""The wheel, as somebody would use it: installed elsewhere, run from an empty folder."""

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


def run(installed: Path, folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", *arguments]
    outcome = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def test_the_wheel_claims_no_other_top_level_name_than_the_package(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"inng_bench"}


def test_the_wheel_carries_baselines_suites_and_the_metrics_pool(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    suites = {f"inng_bench/suites/{name}.toml" for name in ("quick", "standard", "paper", "smoke")}
    assert suites | {"inng_bench/baselines/dcgan.py", "inng_bench/metrics/standardisation.json"} <= names


@pytest.mark.timeout(600)
def test_an_installed_wheel_runs_smoke_from_an_empty_folder_to_its_report(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "inng_bench", "list")
    assert "pebbles" in where
    run(installed, tmp_path, "inng_bench", "run", "--suite", "smoke")
    run(installed, tmp_path, "inng_bench.report")
    report = tmp_path / "results" / "runs" / "smoke" / "report"
    table = pd.read_csv(report / "table.csv")
    assert len(table) == 10
    assert set(table["method"]) == {"real", "inng", "dcgan", "noise", "random-phase"}
    assert table[["gram", "patch_fid"]].notna().all().all()
    assert table.loc[table["method"] == "inng", "image_steps_per_second"].notna().all()
    scores = table.pivot(index="texture", columns="method", values="patch_fid")
    assert (scores["real"] < scores["noise"]).all()
    assert (report / "sheets" / "overview.png").stat().st_size > 10_000
