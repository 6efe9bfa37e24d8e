import getpass
import os
import platform
import re
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

import inng_bench
from inng_bench.harness.hardware import libraries
from inng_bench.records import provenance


def git(folder: Path, *arguments: str) -> str:
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    environment = {**os.environ, **identity}
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=environment).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with a committed package."""
    package = tmp_path / "inng_bench"
    package.mkdir()
    (package / "__init__.py").write_text("")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_a_clean_tree_gives_its_commit(tree: Path) -> None:
    assert provenance.describe_source(tree / "inng_bench") == (git(tree, "rev-parse", "HEAD").strip(), False)


@pytest.mark.parametrize("name", ["inng_bench/__init__.py", "inng_bench/new.py", "baselines/new.py", "pyproject.toml"])
def test_a_changed_or_new_source_file_makes_the_tree_dirty(tree: Path, name: str) -> None:
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text("x = 1\n")
    assert provenance.describe_source(tree / "inng_bench")[1] is True


def test_results_and_texts_do_not_make_the_tree_dirty(tree: Path) -> None:
    (tree / "notes.md").write_text("hello")
    assert provenance.describe_source(tree / "inng_bench")[1] is False


def test_a_wheel_installed_within_a_repository_has_no_commit(tree: Path) -> None:
    installed = tree / "venv" / "site-packages" / "inng_bench"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    assert provenance.describe_source(installed) == (None, None)


def test_without_git_there_is_no_commit(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tree / "nowhere"))
    assert provenance.describe_source(tree / "inng_bench") == (None, None)


def test_a_variable_of_git_does_not_lead_to_another_tree(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = git(tree, "rev-parse", "HEAD").strip()
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("elsewhere")))
    assert provenance.describe_source(tree / "inng_bench") == (sha, False)


def test_collected_facts_are_those_of_this_process() -> None:
    found = provenance.collect(threads=3, device="cpu", precision="float32")
    assert (found.threads, found.device, found.precision) == (3, "cpu", "float32")
    assert found.python == platform.python_version()
    assert found.versions["numpy"] == metadata.version("numpy")
    assert set(found.versions) == set(provenance.PACKAGES)
    assert found.cpu
    assert found.cores >= 1
    assert found.memory_gib > 0.1


def test_nothing_private_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "planted-secret-7f3a")
    monkeypatch.setenv("OMP_PROC_BIND", "/home/planted-secret-7f3a")
    monkeypatch.setenv("KMP_AFFINITY", "planted-secret-7f3a and more words than a setting has")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    collected = provenance.collect(threads=1, device="cpu", precision="float32", libraries=libraries())
    assert collected.environment["OMP_NUM_THREADS"] == "3"
    found = collected.model_dump_json()
    private = ["planted-secret-7f3a", str(Path.home()) + "/", str(Path.cwd()), f"/{getpass.getuser()}/"]
    assert not [text for text in [*private, socket.gethostname()] if text in found]


def test_only_listed_variables_with_plain_values_are_kept() -> None:
    environment = {"OMP_NUM_THREADS": "4", "MKL_CBWR": "AVX2,STRICT", "HOME": "x", "OMP_PROC_BIND": "a b", "A": "1"}
    assert provenance.listed_environment(environment) == {"OMP_NUM_THREADS": "4", "MKL_CBWR": "AVX2,STRICT"}


def test_the_libraries_that_multiply_are_told_with_their_versions_and_without_paths() -> None:
    found = libraries()
    assert {"numpy BLAS", "instructions", "torch BLAS"} <= found.keys()
    assert found["instructions"] == torch.backends.cpu.get_cpu_capability()
    assert not [value for value in found.values() if "/" in value]


def test_the_core_of_openblas_is_the_one_it_computes_with() -> None:
    if platform.machine() != "x86_64" or "openblas" not in libraries()["numpy BLAS"]:
        pytest.skip("numpy multiplies with another library here")
    command = "from inng_bench.harness.hardware import libraries; print(libraries()['OpenBLAS core'])"
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Nehalem"}  # of which every x86 processor of today is capable
    done = subprocess.run(
        [sys.executable, "-c", command], env=environment, check=True, capture_output=True, text=True, timeout=100
    )
    assert done.stdout == "Nehalem\n"
    assert re.fullmatch(r"\w+", libraries()["OpenBLAS core"])


def test_the_hash_of_the_source_changes_with_the_code_and_not_with_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "inng_bench"
    for name in ("__init__.py", "report/table.py", "gate/judge.py", "metrics/gram.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("x = 1\n")
    monkeypatch.setattr(inng_bench, "__file__", str(package / "__init__.py"))

    def hashed() -> str:
        return provenance.source_hash.__wrapped__()

    first = hashed()
    (package / "report/table.py").write_text("x = 2\n")
    (package / "gate/judge.py").write_text("x = 2\n")
    (package / "notes.txt").write_text("x")
    assert hashed() == first
    (package / "metrics/gram.py").write_text("x = 2\n")
    assert hashed() != first
    assert len(first) == 64


def test_the_processor_is_read_from_the_system(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel\t\t: 17\nmodel name\t: Example 9000 @ 3 GHz\nflags\t: a: b\n")
    assert provenance._cpu_from_proc(path) == "Example 9000 @ 3 GHz"
    one = "processor\t: {}\nvendor_id\t: Example\ncpu family\t: {}\nmodel\t\t: 2\nmodel name\t: Example 9000\n\n"
    path.write_text(one.format(0, 25))
    assert provenance._cpu_from_proc(path) == "Example 9000 (family 25, model 2)"
    path.write_text(one.format(0, 26) + one.format(1, 25))  # the second core's are not mixed in
    assert provenance._cpu_from_proc(path) == "Example 9000 (family 26, model 2)"
    path.write_text("processor\t: 0\nCPU part\t: 0xd0c\n")
    assert provenance._cpu_from_proc(path) == ""
    assert provenance._cpu_from_proc(tmp_path / "nowhere") == ""


def cgroup(tmp_path: Path, membership: str, files: dict[str, str]) -> float | None:
    for name, content in files.items():
        path = tmp_path / "mount" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "membership").write_text(membership)
    return provenance.cpu_quota(tmp_path / "mount", tmp_path / "membership")


def test_the_tightest_quota_of_the_enclosing_groups_counts(tmp_path: Path) -> None:
    files = {
        "cpu.max": "max 100000\n",
        "a/cpu.max": "150000 100000\n",
        "a/b/cpu.max": "400000 100000\n",
        "c/cpu.max": "100 100000\n",
    }
    assert cgroup(tmp_path, "0::/a/b\n", files) == 1.5


def test_a_quota_of_version_1_is_read(tmp_path: Path) -> None:
    files = {"cpu/job/cpu.cfs_quota_us": "250000\n", "cpu/job/cpu.cfs_period_us": "100000\n"}
    assert cgroup(tmp_path, "4:memory:/job\n3:cpu,cpuacct:/job\n", files) == 2.5


def test_within_a_container_the_root_of_the_mount_counts(tmp_path: Path) -> None:
    assert cgroup(tmp_path, "0::/../hidden/outside\n", {"cpu.max": "50000 100000\n"}) == 0.5


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"cpu.max": "max 100000\n"},
        {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
    ],
)
def test_without_a_limit_there_is_no_quota(tmp_path: Path, files: dict[str, str]) -> None:
    assert cgroup(tmp_path, "1:cpu:/\n0::/\n", files) is None


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert provenance.cpu_quota(tmp_path, tmp_path / "nowhere") is None


def test_records_need_no_torch() -> None:
    code = (
        "import sys; from inng_bench.records import provenance, store; "
        "provenance.collect(threads=1, device='cpu', precision='float32'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
