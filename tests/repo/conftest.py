# SPDX-License-Identifier: MIT
"""What the rules of the repository are checked against: its files and its catalog."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "docs" / "_ext")]


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Files of the project, relative to its folder."""
    if not (root / ".git").exists():
        pytest.skip("not a git checkout, so nobody knows which files belong to it")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [Path(line) for line in listing.splitlines() if (root / line).is_file()]
