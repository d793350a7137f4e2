"""docs/notebook.ipynb: a notebook whose cells run one after another, as a notebook runs them: inside a running loop."""

import asyncio
import json
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


def test_its_cells_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="the small models need torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RELAY_POOL", str(tmp_path / "pool.sqlite"))
    notebook = json.loads(PAGE.read_text())
    assert notebook["nbformat"] == 4
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) == 5

    async def kernel() -> None:
        names: dict[str, object] = {}
        for i, cell in enumerate(cells):
            exec(compile(cell, f"cell {i}", "exec"), names)

    asyncio.run(kernel())
    assert "m=0.8 n=0.4" in capsys.readouterr().out


def test_it_holds_no_path_of_the_machine_that_made_it() -> None:
    text = PAGE.read_text()
    assert "/tmp/" not in text
    assert "/home/" not in text
