"""The rules of the house: which way imports run, and who may import what."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("app", "jobs", "lake", "qbrain_core")
TOP_LEVEL = {
    "app", "lake", "jobs", "qbrain_core", "tests", "pyproject.toml", "compose.yaml", "README.md", "Makefile", "docs",
    "bench", "deploy",
}  # fmt: skip
# who alone may import a heavy library, as path prefixes
RESERVED = {
    "qlib": ("qbrain_core/models/", "qbrain_core/dataset.py"),
    "torch": ("qbrain_core/models/", "qbrain_core/dataset.py"),
    "lightgbm": ("qbrain_core/models/",),
    "vectorbt": ("qbrain_core/accounting",),
    "mlflow": ("lake/registry.py",),
}
CORE_IS_PURE = {"redis", "rq", "duckdb", "deltalake", "s3fs", "fsspec", "streamlit", "sqlalchemy", "mlflow", "fastapi"}


def sources() -> list[Path]:
    return sorted(p for layer in LAYERS for p in (ROOT / layer).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[tuple[str, int]]:
    nodes = tree(path).body if top_level_only else ast.walk(tree(path))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_one_way(layer: str) -> None:
    forbidden = set(LAYERS[: LAYERS.index(layer)])
    wrong = [
        f"{relative(path)}:{line} imports {name}"
        for path in sources()
        if relative(path).startswith(f"{layer}/")
        for name, line in imports(path)
        if name.partition(".")[0] in forbidden
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", RESERVED)
def test_heavy_library_is_imported_only_where_it_lives(library: str) -> None:
    wrong = [
        f"{relative(path)}:{line}"
        for path in sources()
        if not relative(path).startswith(RESERVED[library])
        for name, line in imports(path)
        if name.partition(".")[0] == library
    ]
    # a worker's parent imports what its tasks use before it forks, and uses nothing of it
    assert [w for w in wrong if not w.startswith("jobs/worker.py")] == []


def test_mlflow_is_imported_lazily() -> None:
    top = [name for name, _ in imports(ROOT / "lake" / "registry.py", top_level_only=True)]
    assert not any(name.partition(".")[0] == "mlflow" for name in top)


def test_core_does_no_io() -> None:
    wrong = [
        f"{relative(path)}:{line} imports {name}"
        for path in sources()
        if relative(path).startswith("qbrain_core/")
        for name, line in imports(path)
        if name.partition(".")[0] in CORE_IS_PURE
    ]
    assert not wrong, "\n".join(wrong)


def test_importing_the_app_reaches_no_heavy_library() -> None:
    modules = [
        relative(p)[:-3].replace("/", ".").removesuffix(".__init__")
        for p in sources()
        # views draw when they are imported; main runs them inside a page
        if relative(p).startswith("app/") and "/views/" not in relative(p) and p.name != "main.py"
    ]
    code = (
        f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\n"
        f"print(sorted(set({sorted(RESERVED)!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_nothing_in_app_shadows_a_package() -> None:
    # Streamlit puts app/ first on sys.path: app/jobs.py would hide the package jobs
    names = {p.stem for p in (ROOT / "app").iterdir() if not p.name.startswith("_")}
    taken = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions()) | {*LAYERS, "tests"}
    assert not (names & taken) - {"app"}


def test_top_level_holds_only_what_was_agreed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    top = {name.partition("/")[0] for name in listed}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_everything_public_is_documented() -> None:
    wrong = []
    for path in sources():
        if not ast.get_docstring(tree(path)):
            wrong.append(f"{relative(path)} has no docstring")
        for node in tree(path).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node) and "/views/" not in relative(path):
                wrong.append(f"{relative(path)}:{node.lineno} {node.name}")
    assert not wrong, "\n".join(wrong)


def test_no_room_without_a_purpose() -> None:
    nameless = re.compile(r"(utils?|common|helpers?|misc|base|manager)\.py$")
    assert [relative(p) for p in sources() if nameless.fullmatch(p.name)] == []


def test_nothing_unpickles() -> None:
    wrong = [
        f"{relative(path)}:{line} imports {name}"
        for path in sources()
        for name, line in imports(path)
        if name.partition(".")[0] in {"pickle", "dill", "cloudpickle", "shelve", "joblib"}
    ]
    assert not wrong, "\n".join(wrong)


def test_constraints_name_no_host() -> None:
    text = (ROOT / "deploy" / "constraints.txt").read_text()
    assert "://" not in text
    assert " @ " not in text
    assert re.search(r"^torch==2\.13\.0$", text, re.MULTILINE)
