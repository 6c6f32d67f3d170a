# SPDX-License-Identifier: MIT
"""The imports of ftorch-test go one way, as the docstring of its package says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ftorch_tools.testing as package

ROOT = Path(package.__file__).parent
# The lines of the docstring's list, the highest first; all other modules are on its last line.
LAYERS = [
    [name.strip() for name in line[4:30].split(",")]
    for line in (package.__doc__ or "").splitlines()
    if line.startswith("    ")
]


def layer_of(name: str) -> int:
    """Return the place of a module or package from above."""
    return next((n for n, layer in enumerate(LAYERS) if name in layer), len(LAYERS) - 1)


def imported(file: Path) -> set[str]:
    """Return the modules and packages of ftorch-test that `file` imports, wherever it does."""
    prefix = f"{package.__name__}."
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
            found |= {
                name.removeprefix(prefix).partition(".")[0]
                for name in names
                if name.startswith(prefix)
            }
    return found


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in ROOT.iterdir() if path.stem[0] != "_")
)
def test_imports_go_down(name: str) -> None:
    files = ROOT.joinpath(name).rglob("*.py") if (ROOT / name).is_dir() else [ROOT / f"{name}.py"]
    wrong = {
        other for file in files for other in imported(file) if layer_of(other) < layer_of(name)
    }
    assert wrong == set()


def test_what_the_tools_share_needs_none_of_them() -> None:
    for file in ROOT.parent.glob("*.py"):
        assert package.__name__ not in file.read_text(), file
