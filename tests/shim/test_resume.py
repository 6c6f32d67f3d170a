# SPDX-License-Identifier: MIT
"""A run that is resumed in another process is, bit for bit, the run that was not interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from resume import cases
from safetensors.torch import load_file

SHIM = Path(__file__).parent


def train(part: str, folder: Path, network: Path) -> None:
    """One part of all runs in a process of its own."""
    path = os.pathsep.join([str(SHIM), str(SHIM.parents[1] / "src")])
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SHIM / "resume.py"), part, str(folder), str(network)]
    process = subprocess.run(command, env=env, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for part in ("whole", "first", "second"):
        train(part, folder, models / "noisy.pt")
    return folder


@pytest.mark.parametrize("case", cases())
def test_resumed_run_is_the_same(case, runs: Path) -> None:
    """The files are equal, and so are parameters, statistics, states and generators."""
    whole, resumed = (runs / f"{case}.{part}" for part in ("whole", "second"))
    first, last = load_file(runs / f"{case}.first"), load_file(whole)
    assert not last["model.0.weight"].equal(first["model.0.weight"])
    assert not last["model.1.running_mean"].equal(first["model.1.running_mean"])
    assert not last["generator:cpu"].equal(first["generator:cpu"])
    again = load_file(resumed)
    assert [name for name in last if not again[name].equal(last[name])] == []
    assert whole.read_bytes() == resumed.read_bytes()
