# SPDX-License-Identifier: MIT
"""The recipe, loaded without Spack."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "spack" / "spack_repo" / "ftorch" / "packages" / "ftorch" / "package.py"
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def recipe() -> Any:
    """Class of the recipe."""
    import stand_ins

    return stand_ins.load(RECIPE)[0]


@pytest.fixture(scope="session")
def directives() -> list[Any]:
    """What the recipe declares."""
    import stand_ins

    return stand_ins.load(RECIPE)[1]
