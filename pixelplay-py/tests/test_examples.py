"""Runs the examples unchanged."""

import ast
import json
from pathlib import Path

import pixelplay as pp
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = json.loads((EXAMPLES / "quickstart.ipynb").read_text())
    # The notebook reads the repository's pictures and leaves a file in its working folder.
    folder = tmp_path / "pixelplay-py" / "examples"
    folder.mkdir(parents=True)
    (tmp_path / "data").symlink_to(EXAMPLES.parents[1] / "data")
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    shown = []
    for cell in notebook["cells"]:
        assert not cell.get("outputs")  # committed without outputs
        if cell["cell_type"] == "code":
            shown.append(show("".join(cell["source"]), names))
    assert isinstance(names["hits"], pp.Hits) and len(names["hits"]) == 5
    tables = [value for value in shown if isinstance(value, pp.Hits)]
    assert len(tables) == 4 and all("<table>" in table._repr_html_() for table in tables)


def show(source: str, names: dict[str, object]) -> object:
    """Runs a cell and returns what a notebook would show: the value of its last expression."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
