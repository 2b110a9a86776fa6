"""The part of our code that a registered model needs, carried along in its files.

A model is then loaded where Regulars is not installed, and by the release that made it.
"""

import ast
import shutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
ENTRY = "training.pyfunc"
PACKAGES = ("features", "training")

REQUIREMENTS = (
    *("babel", "duckdb", "filelock", "joblib", "lightgbm", "numpy", "pandas", "pyarrow"),
    *("pydantic", "python-calamine", "rich", "scipy", "sqlglot", "threadpoolctl"),
    *("typing-extensions", "tzdata"),
)
"""What the carried code imports when a model is loaded and predicts."""


OWN_REQUIREMENTS = ("scikit-learn", "skops")
"""What a shop's own classifier needs beside them."""


def pinned_requirements(*, own: bool = False) -> list[str]:
    """`REQUIREMENTS`, and those of an own classifier, with the versions that are installed."""
    names = (*REQUIREMENTS, *OWN_REQUIREMENTS) if own else REQUIREMENTS
    return [_pinned(name) for name in names]


@cache
def _pinned(name: str) -> str:
    return f"{name}=={version(name)}"


@cache
def carried_code() -> "TemporaryDirectory[str]":
    """A folder with the packages, and in them only the modules that `ENTRY` leads to.

    Data files go along with the modules beside which they lie. The folder is gone with the process.
    """
    folder = TemporaryDirectory(prefix="regulars-code-")
    for module in needed_modules():
        target = Path(folder.name) / module.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, target)
        for data in module.parent.iterdir():
            if data.is_file() and data.suffix not in {".py", ".pyc"}:
                shutil.copyfile(data, target.parent / data.name)
    return folder


def needed_modules() -> list[Path]:
    """The files of the modules that `ENTRY` imports, at once or later, and theirs, in order."""
    waiting, found = [ENTRY], dict[str, Path]()
    while waiting:
        name = waiting.pop()
        if name in found or (file := _file_of(name)) is None:
            continue
        found[name] = file
        waiting += _imported(file)
        waiting += [name.rpartition(".")[0]] if "." in name else []
    return sorted(set(found.values()))


def _file_of(name: str) -> Path | None:
    path = ROOT.joinpath(*name.split("."))
    if (path / "__init__.py").is_file():
        return path / "__init__.py"
    module = path.with_suffix(".py")
    return module if module.is_file() else None


def _imported(file: Path) -> Iterator[str]:
    """Names of our packages that a file imports outside of what is for type checkers only."""
    for node in _running(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module.partition(".")[0] in PACKAGES:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (
                alias.name for alias in node.names if alias.name.partition(".")[0] in PACKAGES
            )


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _running(node)
