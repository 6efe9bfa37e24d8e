"""What all tests share: one thread, as the runs of the suites have, and a machine of their own.

Results repeat with one thread, and tests may run side by side. The lock by which a timing and a run refuse each other
lies in the folder of temporary files: in another one, tests do not depend on what else runs on the machine.
"""

import tempfile
from collections.abc import Iterator

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def machine_of_their_own() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="inng-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", None)  # forget the folder that was looked up before
        yield
