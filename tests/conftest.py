"""What all tests share: one thread, as the runs of the suites have, and a machine of their own.

Results repeat with one thread, and tests may run side by side. The lock by which a timing and a run refuse each other
lies in the folder of temporary files: in another one, tests do not depend on what else runs on the machine.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torchvision.models import vgg19

from inng_bench.harness.executor import worker_environment
from inng_bench.harness.machine import lock_path
from inng_bench.metrics.gram_vgg import vgg_network
from inng_bench.metrics.local_weights import VGG19

torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest test, so that at the end of a session no worker waits for it."""
    items.sort(key=lambda item: item.path.name != "test_wheel.py")


@pytest.fixture(scope="session", autouse=True)
def machine_of_their_own() -> Iterator[None]:
    folder = Path(tempfile.mkdtemp(prefix="inng-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)  # forget the folder that was looked up before
        yield
    (folder / lock_path().name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # multiprocessing has a folder of its own in it until the interpreter ends
        folder.rmdir()


@pytest.fixture(scope="session")
def warm_worker(machine_of_their_own: None) -> Iterator[tuple[str, ...]]:
    """The command of a worker with stubs that begins in milliseconds, see ``warm_server.py``."""
    tests = Path(__file__).parent
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("INNG_TEST_WORKERS", f"{folder}/socket")
        command = [sys.executable, str(tests / "warm_server.py"), os.environ["INNG_TEST_WORKERS"]]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=worker_environment(1)
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield (sys.executable, "-S", "-I", str(tests / "warm_client.py"))
            server.stdin.close()


@pytest.fixture(scope="module")
def small_canvases() -> Iterator[None]:
    """Let suites have canvases of 64 px, which are compared with windows of 256 px: for tests of no figure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inng_bench.harness.suite.WINDOW_SIDE", 64)
        yield


@pytest.fixture(scope="session")
def random_vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of VGG-19 as torchvision stores them, random and without the classifier that nothing reads."""
    with torch.device("meta"):
        network: torch.nn.Module = vgg19().features
    random, state = torch.Generator().manual_seed(0), {}
    for name, one in network.state_dict().items():
        state[f"features.{name}"] = 0.05 * torch.randn(one.shape, generator=random)
    state["classifier.0.bias"] = torch.zeros(3)
    path = tmp_path_factory.mktemp("weights") / "vgg19.pth"
    torch.save(state, path)
    return path


@pytest.fixture
def vgg_file(random_vgg: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Such a file, named as the user would and with the hash stated."""
    monkeypatch.setenv(VGG19.variable, str(random_vgg))
    monkeypatch.setenv(f"{VGG19.variable}_SHA256", hashlib.sha256(random_vgg.read_bytes()).hexdigest())
    vgg_network.cache_clear()
    yield random_vgg
    vgg_network.cache_clear()
