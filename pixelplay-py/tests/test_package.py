"""The package itself: its dependencies, its import, its documentation and its types."""

import ast
import doctest
import importlib.metadata
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pixelplay as pp
import pytest
from conftest import REPOSITORY

PACKAGE = REPOSITORY / "pixelplay-py"


def test_numpy_is_all_it_needs() -> None:
    needs = importlib.metadata.requires("pixelplay") or []
    assert [need.split(">")[0] for need in needs if "extra ==" not in need] == ["numpy"]
    assert importlib.metadata.version("pixelplay") == pp.__version__


def test_it_works_with_nothing_but_numpy() -> None:
    program = f"""
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pandas", "polars", "pyarrow", "PIL", "tqdm"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
import pixelplay as pp
assert "numpy" not in sys.modules, "importing pixelplay must not import numpy"
enc = pp.Encoder()
index = pp.starter_index(enc)
hits = index.search(enc.encode_image({str(REPOSITORY / "data" / "samples" / "coffee.jpg")!r}))
assert len(hits._repr_html_()) > 1000 and hits.to_arrow().to_pylist()[0]["title"]
enc.encode_texts(["x"], progress=True)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_docstrings_run() -> None:
    assert doctest.testmod(pp).failed == 0 and doctest.testmod(pp).attempted > 0


@pytest.mark.parametrize("readme", [PACKAGE / "README.md", REPOSITORY / "README.md"], ids=["package", "repository"])
def test_readme_runs(readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The examples read the repository's pictures and leave files in their working folder.
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, str(readme), "exec"), {})


@pytest.mark.parametrize("page", ["guide.md", "accounts.md"])
def test_documentation_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the code blocks of a page as one program, except for marked blocks, which need the reader's own files."""
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / page).read_text(), re.DOTALL)
    assert blocks
    exec(compile("\n".join(blocks), page, "exec"), {})


def test_help_says_what_editors_say() -> None:
    """The stub, which editors show, and the native module, which ``help()`` shows, have the same documentation."""
    stub = ast.parse((Path(pp.__file__).parent / "_native.pyi").read_text())
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    functions = {node.name: node for node in stub.body if isinstance(node, ast.FunctionDef)}
    for name in pp.__all__:
        thing = getattr(pp, name)
        if name in functions:
            assert ast.get_docstring(functions[name]) == inspect.getdoc(thing), name
        elif name in classes:
            assert ast.get_docstring(classes[name]) == inspect.getdoc(thing), name
            for member in classes[name].body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    documented = ast.get_docstring(member)
                    assert documented and documented == inspect.getdoc(getattr(thing, member.name)), member.name
