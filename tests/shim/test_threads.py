# SPDX-License-Identifier: MIT
"""How many threads work: those that the host asks OpenMP for, also after it has begun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, os, sys
import shim
omp = next(line.split()[-1] for line in open("/proc/self/maps") if "libgomp" in line)
omp = ctypes.CDLL(omp)

def work():
    if sys.argv[2] == "loops":
        x = shim.create([2_000_000])
        shim.binary(shim.ADD, x, x)
    else:
        shim.forward(shim.load(sys.argv[1]), [shim.create([20000, 8])], [shim.create([20000, 4])])
    return len(os.listdir("/proc/self/task"))

one = work()
omp.omp_set_num_threads(3)
print(work() - one, omp.omp_get_max_threads())
"""


@pytest.mark.parametrize("what", ["loops", "matrices"])
def test_work_follows_the_number_of_threads(what: str, models: Path) -> None:
    if not Path("/proc/self/task").is_dir():
        pytest.skip("no /proc")
    # Left alone, MKL takes no more threads than there are cores.
    threads = {"OMP_NUM_THREADS": "1", "MKL_DYNAMIC": "FALSE"}
    environment = {**os.environ, **threads, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", PROGRAM, str(models / "mlp_float32.pt"), what]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert answer.stdout.split() == ["2", "3"], answer.stderr
