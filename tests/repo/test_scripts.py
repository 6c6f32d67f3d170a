# SPDX-License-Identifier: MIT
"""What the scripts in ci install before they do their work."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

STAND_IN = """#!/bin/sh
# Python that makes environments of copies of itself and writes down what pip is told.
case "$*" in
  *"-m venv"*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
  *"-m pip"*) echo "$*" >>"$LOG" ;;
esac
"""


@pytest.fixture
def bootstrap(root: Path, tmp_path: Path):
    """Runs lines of bash in a copy of the project without .venv; returns what pip was told."""
    shutil.copytree(root / "ci", tmp_path / "ci")
    shutil.copy(root / "pyproject.toml", tmp_path)
    python = tmp_path / "python"
    python.write_text(STAND_IN)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    log = tmp_path / "log"

    def run(lines: str) -> str:
        log.write_text("")
        environment = {**os.environ, "FTORCH_PYTHON": str(python), "LOG": str(log)}
        command = ["bash", "-euc", lines]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        return log.read_text()

    return run


def test_documentation_needs_no_pytorch(bootstrap) -> None:
    installed = bootstrap("ci/docs || true")
    assert "ci/requirements.txt" in installed
    assert "torch==" not in installed


def test_tools_need_no_compiler_and_builds_install_the_rest(bootstrap) -> None:
    tools = "ftorch_tools_only=1; . ci/bootstrap"
    assert "torch==" not in bootstrap(f"export FC=/no/compiler; {tools}")
    assert bootstrap(tools) == ""
    assert "install -qq torch==" in bootstrap(". ci/bootstrap")
    assert bootstrap(". ci/bootstrap") == ""
    assert bootstrap(tools) == ""
