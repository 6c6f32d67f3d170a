# SPDX-License-Identifier: MIT
"""The imports of each tool go one way, as the docstring of its package says."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

import pytest

from ftorch_tools import export, metrics, testing

PACKAGES = (testing, metrics, export)


def root_of(package: ModuleType) -> Path:
    """Return the folder of a package."""
    return Path(package.__file__ or "").parent


def layer_of(package: ModuleType, name: str) -> int:
    """Return the place of a module or package from above.

    The lines of the docstring's list are the layers, the highest first; all other modules are on
    its last line.
    """
    layers = [
        [name.strip() for name in line[4:30].split(",")]
        for line in (package.__doc__ or "").splitlines()
        if line.startswith("    ")
    ]
    return next((n for n, layer in enumerate(layers) if name in layer), len(layers) - 1)


def imported(package: ModuleType, file: Path) -> set[str]:
    """Return the modules and packages of the tool that `file` imports, wherever it does."""
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
    ("package", "name"),
    [
        (package, name)
        for package in PACKAGES
        for name in sorted(path.stem for path in root_of(package).iterdir() if path.stem[0] != "_")
    ],
)
def test_imports_go_down(package: ModuleType, name: str) -> None:
    root = root_of(package)
    files = (root / name).rglob("*.py") if (root / name).is_dir() else [root / f"{name}.py"]
    above = layer_of(package, name)
    wrong = {
        other
        for file in files
        for other in imported(package, file)
        if layer_of(package, other) < above
    }
    assert wrong == set()


def test_what_the_tools_share_needs_none_of_them() -> None:
    for file in root_of(testing).parent.glob("*.py"):
        for package in PACKAGES:
            assert package.__name__ not in file.read_text(), file


@pytest.mark.parametrize("package", PACKAGES)
def test_no_tool_needs_another(package: ModuleType) -> None:
    others = [other.__name__ for other in PACKAGES if other is not package]
    for file in root_of(package).rglob("*.py"):
        assert not any(other in file.read_text() for other in others), file
