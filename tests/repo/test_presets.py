# SPDX-License-Identifier: MIT
"""Each preset configures, where its compiler is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRESETS = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset["name"])
def test_preset_configures(preset: dict, tmp_path: Path) -> None:
    variables = preset.get("cacheVariables", {})
    compiler = variables.get("CMAKE_Fortran_COMPILER", "gfortran")
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    environment = {key: value for key, value in os.environ.items() if key not in ("FC", "FFLAGS")}
    command = ["cmake", "--preset", preset["name"], "-B", tmp_path / "build"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "build" / "compile_commands.json").exists()
    cache = (tmp_path / "build" / "CMakeCache.txt").read_text()
    for name, value in variables.items():
        assert any(line.startswith(f"{name}:") and value in line for line in cache.splitlines())
