# SPDX-License-Identifier: MIT
"""All files of C++ are compiled as one: no name of one meets that of another."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_unity_build(tmp_path: Path) -> None:
    has_mpi = shutil.which("mpicc") is not None
    options = {
        "CMAKE_BUILD_TYPE": "Debug",
        "CMAKE_COMPILE_WARNING_AS_ERROR": "ON",
        "CMAKE_UNITY_BUILD": "ON",
        "CMAKE_UNITY_BUILD_BATCH_SIZE": "0",
        "FTORCH_MPI": "ON" if has_mpi else "OFF",
    }
    settings = [f"-D{name}={value}" for name, value in options.items()]
    for command in (
        ["cmake", "-S", ROOT, "-B", tmp_path, "-G", "Ninja", *settings],
        ["cmake", "--build", tmp_path, "--target", "ftorch_mpi" if has_mpi else "ftorch"],
    ):
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
