# SPDX-License-Identifier: MIT
"""Networks of packages on PyPI in the library: run, differentiated, trained and written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from comparison import Comparison
from third_party import PACKAGES, rows, stand_in_for_torchvision

ROWS = rows()
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session", autouse=True)
def packages(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Packages in a folder of their own, or in FTORCH_THIRD_PARTY, where they stay."""
    kept = os.environ.get("FTORCH_THIRD_PARTY")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("packages")
    if not (folder / "timm").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        answer = subprocess.run([*command, folder, *PACKAGES], capture_output=True, text=True)
        if answer.returncode != 0:
            pytest.skip(f"pip installs no packages here: {answer.stderr[-200:]}")
    sys.path.append(str(folder))
    stand_in_for_torchvision()


@pytest.mark.parametrize("name", ROWS)
def test_network_is_that_of_pytorch(name: str, tmp_path: Path) -> None:
    outcome = Comparison(ROWS[name], tmp_path).run()
    assert outcome.problems == []
    if not ROWS[name].inexact:
        assert outcome.differences == dict.fromkeys(outcome.differences, 0.0)
