# SPDX-License-Identifier: MIT
"""The component over MPICH: all programs here pass, and a user with another MPI is refused.

Wanted are the commands of Debian's packages mpich and libmpich-dev, beside those of Open MPI.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import ENVIRONMENT, MODELS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MPICH = {
    "MPI_C_COMPILER": "mpicc.mpich",
    "MPI_Fortran_COMPILER": "mpifort.mpich",
    "MPIEXEC_EXECUTABLE": "mpiexec.mpich",
}
OPEN_MPI = {name: command.replace("mpich", "openmpi") for name, command in MPICH.items()}
QUICK = {
    "CMAKE_BUILD_TYPE": "Release",
    "CMAKE_CXX_FLAGS_RELEASE": "-O0",
    "CMAKE_Fortran_FLAGS_RELEASE": "-O0",
    "CMAKE_UNITY_BUILD": "ON",
    "CMAKE_UNITY_BUILD_BATCH_SIZE": "0",
    "FTORCH_BUILD_EXAMPLES": "OFF",
    "FTORCH_INSTALL_VALIDATION": "OFF",
    "FTORCH_MAX_RANK": "4",
}
"""As little work for compilers as the programs of this folder allow."""
USER = """
cmake_minimum_required(VERSION 3.21)
project(user LANGUAGES C Fortran)
find_package(FTorch REQUIRED COMPONENTS mpi)
message(STATUS "Found for ${FTorch_MPI_VENDOR}")
"""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def succeed(*command: str | Path) -> str:
    """What a command prints; when it fails, the test fails with its output."""
    done = run(*command)
    assert done.returncode == 0, done.stdout
    return done.stdout


def settings(*tables: dict[str, str]) -> list[str]:
    return [f"-D{name}={value}" for table in tables for name, value in table.items()]


def commands(mpi: dict[str, str]) -> dict[str, str]:
    """The commands of an MPI with their paths; the test is skipped where one is missing."""
    if missing := [command for command in mpi.values() if not shutil.which(command)]:
        pytest.skip(f"missing: {', '.join(missing)}")
    return {name: str(shutil.which(command)) for name, command in mpi.items()}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build over MPICH of the library, the component, and the programs of this folder."""
    mpich = commands(MPICH)
    if not MODELS.exists():
        pytest.skip("neither FTORCH_TEST_MODELS nor FTORCH_BUILD_DIR names the models of a build")
    folder = tmp_path_factory.mktemp("mpich")
    options = settings(mpich, QUICK, {"FTORCH_BUILD_TESTS": "ON", "FTORCH_MPI": "ON"})
    text = succeed("cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", *options)
    assert "Component mpi: MPICH " in text
    programs = sorted(path.stem for path in HERE.glob("test_*.f90"))
    succeed("cmake", "--build", folder, "--target", *programs)
    (folder / "models").symlink_to(MODELS.resolve())
    return folder


def test_programs(build: Path) -> None:
    libraries = succeed("ldd", build / "tests" / "mpi" / "test_average")
    assert "libmpich" in libraries
    print(succeed("ctest", "--test-dir", build, "-R", "^mpi[.]", "--output-on-failure"))


def test_users_of_another_mpi_are_refused(build: Path, tmp_path: Path) -> None:
    open_mpi = commands(OPEN_MPI)
    succeed("cmake", "--install", build, "--prefix", tmp_path / "prefix")
    (tmp_path / "CMakeLists.txt").write_text(USER)
    configure = ["cmake", "-S", tmp_path, f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}"]
    text = succeed(*configure, "-B", tmp_path / "same", *settings(commands(MPICH)))
    assert "Found for MPICH" in text
    refused = run(*configure, "-B", tmp_path / "other", *settings(open_mpi))
    assert refused.returncode != 0
    text = " ".join(refused.stdout.split())
    assert "it was built with MPICH " in text
    assert "and the MPI found is Open MPI " in text
