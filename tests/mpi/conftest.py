# SPDX-License-Identifier: MIT
"""Programs on ranks of MPI that Python tests compile and run, over FTORCH_BUILD_DIR."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("FTORCH_BUILD_DIR") or Path(__file__).parents[2] / "build").resolve()
MODELS = Path(os.environ.get("FTORCH_TEST_MODELS") or BUILD / "models")
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}
"""Ranks share cores, also as root, and with those of other tests."""


def cached(name: str) -> str:
    """A variable of the build's CMakeCache.txt."""
    text = (BUILD / "CMakeCache.txt").read_text()
    return re.search(rf"^{name}:[A-Z]+=(.*)$", text, re.MULTILINE)[1]


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program of a module test_<noun>.py: <noun>/<noun>.f90."""
    if not (BUILD / "libftorch_mpi.so").exists():
        pytest.skip("FTORCH_BUILD_DIR names no build with the component mpi")
    if not (shutil.which("mpifort") and shutil.which("mpirun")):
        pytest.skip("mpifort or mpirun is missing")
    shown = subprocess.run(["mpifort", "-show"], capture_output=True, text=True, check=True)
    if Path(shown.stdout.split()[0]).name != Path(cached("CMAKE_Fortran_COMPILER")).name:
        pytest.skip("mpifort is not of the compiler that built FTorch")
    noun = Path(request.path).stem.removeprefix("test_")
    source = Path(__file__).parent / noun / f"{noun}.f90"
    folder = tmp_path_factory.mktemp(noun)
    includes = [f"-I{BUILD}/modules", f"-I{BUILD}/modules/mpi"]
    # With backtraces gfortran's library takes signals that a test has ignored.
    options = ["-O1", "-fopenmp", "-fno-backtrace"]
    compile_it = ["mpifort", *options, *includes, str(source), "-o", noun]
    link = [f"-L{BUILD}", "-lftorch_mpi", "-lftorch", f"-Wl,-rpath,{BUILD}"]
    subprocess.run([*compile_it, *link], cwd=folder, check=True, timeout=120)
    return folder / noun
