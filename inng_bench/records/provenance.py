"""What a reader needs to run the same again: code, versions, processor; no user, host or path names."""

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import inng_bench
from inng_bench.records.schema import Provenance

PACKAGES = (
    "torch",
    "torchvision",
    "torch-fidelity",
    "numpy",
    "scipy",
    "scikit-image",
    "pandas",
    "pydantic",
    "pillow",
)
"""Distributions whose versions can move a figure or the reading of a record."""

ENVIRONMENT = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_MAX_CPU_ISA",
    "KMP_AFFINITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)
"""The only variables that are kept, because they can move a figure or a speed."""

_PLAIN = re.compile(r"[\w.,:=+-]{1,64}", re.ASCII)

_SOURCES = ("inng_bench", "baselines", "benchmarks", "pyproject.toml")
"""Parts of the tree that figures come from; a changed result or text does not make the code dirty."""


def collect(*, threads: int, device: str, precision: str, libraries: Mapping[str, str] | None = None) -> Provenance:
    """Describe the code and the machine of this process.

    Parameters
    ----------
    threads : int
        Threads of the computation.
    device : str
        Resolved torch device.
    precision : str
        Resolved: ``float32`` or ``bfloat16``.
    libraries : Mapping[str, str] or None
        What multiplies; None where the caller has not loaded it.
    """
    sha, dirty = describe_source(Path(inng_bench.__file__).parent)
    return Provenance(
        git_sha=sha,
        git_dirty=dirty,
        source_sha256=source_hash(),
        package_version=inng_bench.__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        versions=_installed_versions(),
        cpu=cpu_model(),
        cores=usable_cores(),
        cpu_quota=cpu_quota(),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        threads=threads,
        device=device,
        precision=precision,
        libraries=dict(libraries or {}),
        environment=listed_environment(os.environ),
    )


def describe_source(package: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the tree that a package's source belongs to, and whether that source differs from it.

    Both are None where git does not track the package: an installed wheel, even within somebody's repository, or
    a machine without git.
    """
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None
    sha = _git(package, "rev-parse", "HEAD")
    changes = _git(package.parent, "status", "--porcelain", "--", *_SOURCES)
    return (None, None) if sha is None or changes is None else (sha, bool(changes))


@cache
def source_hash() -> str:
    """Return the SHA-256 of the code that figures come from, the same in a tree and in an installed wheel.

    Report and gate are left out: a table may look better in the middle of a night's run.
    """
    digest = hashlib.sha256()
    for name, path in sorted(_source_files().items()):
        digest.update(f"{name}\0{path.read_text(encoding='utf-8')}\0".encode())
    return digest.hexdigest()


def _source_files() -> dict[str, Path]:
    """Return the files of :func:`source_hash` by their module's place in an installed package."""
    competitors = find_spec("inng_bench.baselines")  # in a tree they lie elsewhere than in a wheel
    assert competitors is not None
    assert competitors.submodule_search_locations
    roots = {"": Path(inng_bench.__file__).parent, "baselines/": Path(competitors.submodule_search_locations[0])}
    files = {
        prefix + path.relative_to(root).as_posix(): path
        for prefix, root in roots.items()
        for path in root.rglob("*.py")
    }
    return {name: path for name, path in files.items() if not name.startswith(("report/", "gate/"))}


def listed_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of :data:`ENVIRONMENT` that are set to a number or a plain word; no path is one."""
    values = {name: environment[name] for name in ENVIRONMENT if name in environment}
    return {name: value for name, value in values.items() if _PLAIN.fullmatch(value)}


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the output of a git command, or None when it fails.

    Variables such as GIT_DIR, which hooks set, would point git to another tree; optional locks would disturb others.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _installed_versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


@cache
def cpu_model() -> str:
    """Return the processor's name.

    The system's own word comes first, since py-cpuinfo takes a second to look everywhere.
    """
    return _cpu_from_proc(Path("/proc/cpuinfo")) or _cpu_from_sysctl() or _cpu_from_library()


def _cpu_from_proc(path: Path) -> str:
    """Return the name with family and model: virtual machines call processors of several generations the same."""
    if not path.exists():
        return ""
    first = path.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    name, family, model = (facts.get(key, "") for key in ("model name", "cpu family", "model"))
    return f"{name} (family {family}, model {model})" if name and family and model else name


def _cpu_from_sysctl() -> str:
    if platform.system() != "Darwin":
        return ""
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _cpu_from_library() -> str:
    import cpuinfo  # slow to use and seldom needed

    return str(cpuinfo.get_cpu_info().get("brand_raw") or platform.machine())


def usable_cores() -> int:
    """Return the cores that the affinity of this process allows."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota(mount: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> float | None:
    """Return the cores that control groups allow, or None where there is no limit.

    Parameters
    ----------
    mount : Path
        Where control groups are mounted.
    membership : Path
        The file that names the groups of this process.

    Notes
    -----
    Limits of all enclosing groups hold, so that the tightest counts. Version 2 keeps ``quota period`` in ``cpu.max``,
    version 1 keeps them in two files below ``cpu``; both are in microseconds.
    """
    if not membership.exists():
        return None
    limits = []
    for line in membership.read_text(encoding="utf-8").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            limits += [_quota_v2(folder) for folder in _enclosing(mount, group)]
        elif "cpu" in controllers.split(","):
            roots = (mount / "cpu", mount / controllers)
            limits += [_quota_v1(folder) for root in roots for folder in _enclosing(root, group)]
    return min((limit for limit in limits if limit is not None), default=None)


def _enclosing(root: Path, group: str) -> Iterator[Path]:
    """Give the folders of a group and of all groups around it; within a container the upper ones may be hidden."""
    parts = [part for part in group.split("/") if part not in ("", "..")]
    for length in range(len(parts), -1, -1):
        yield root.joinpath(*parts[:length])


def _quota_v2(folder: Path) -> float | None:
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _quota_v1(folder: Path) -> float | None:
    quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _read(path: Path) -> str:
    """Return a file's stripped text; empty when there is none or it may not be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
