"""The notebook in ``examples`` runs from its first cell to its last."""

from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "first_texture.ipynb"


@pytest.mark.filterwarnings("ignore")  # of jupyter's own modules
def test_the_notebook_runs_and_is_stored_without_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in code)
    assert code[0].metadata.tags == ["parameters"]
    code[0].source = "budget, size = 3e9, (256, 256)"
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert "1 stages" in code[2].outputs[0].text
    assert code[-1].outputs[-1].text.startswith("spectrum: ")
