# SPDX-License-Identifier: MIT
"""The source package: the same bytes each time, its own version, and when it asks for Fypp."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nlohmann_json
import pytest

from .conftest import ROOT, cached, run


@pytest.fixture
def sources(package: Path, tmp_path: Path) -> Path:
    """The package, unpacked."""
    (archive,) = package.glob("ftorch-*.tar.gz")
    # Python has filters from 3.11.4 on.
    filters = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, **filters)
    return tmp_path / archive.name[: -len(".tar.gz")]


def configure(sources: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Configures with a Python that has no Fypp beside it."""
    python = Path(os.path.realpath(sys.executable))
    if (python.parent / "fypp").exists():
        pytest.skip(f"Fypp is installed next to {python}")
    path = [folder for folder in os.get_exec_path() if not (Path(folder) / "fypp").exists()]
    tools = sources.parent / "tools"
    tools.mkdir()
    for name in ("cmake", "ninja"):
        program = next(
            Path(folder) / name for folder in os.get_exec_path() if (Path(folder) / name).exists()
        )
        (tools / name).symlink_to(program)
    command = ["cmake", "-S", str(sources), "-B", str(sources.parent / "build"), "-G", "Ninja"]
    command += [f"-DPython3_EXECUTABLE={python}", f"-DLibTorch_ROOT={cached('LibTorch_PREFIX')}"]
    command += [f"-DCMAKE_Fortran_COMPILER={cached('CMAKE_Fortran_COMPILER')}", *options]
    command.append(f"-DFTORCH_JSON_INCLUDE_DIR={nlohmann_json.__path__[0]}/include")
    env = {**os.environ, "PATH": os.pathsep.join([str(tools), *path])}
    return subprocess.run(command, env=env, capture_output=True, text=True)


@pytest.mark.slow
def test_same_bytes_each_time(package: Path, tmp_path: Path):
    run(ROOT / "ci" / "package", "--no-check", tmp_path)
    assert (tmp_path / "SHA256SUMS").read_text() == (package / "SHA256SUMS").read_text()


def test_checksums(package: Path):
    for line in (package / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((package / name).read_bytes()).hexdigest() == digest


def test_one_version(sources: Path):
    text = (sources / "CMakeLists.txt").read_text()
    version = re.search(r"project\(FTorch VERSION (\d+\.\d+\.\d+)", text)[1]
    assert sources.name == f"ftorch-{version}"
    assert f"\nversion: {version}\n" in (sources / "CITATION.cff").read_text()
    assert f"\n## {version} (" in (sources / "CHANGELOG.md").read_text()
    assert list((sources / "changelog.d").glob("*.md")) == []


@pytest.mark.parametrize("lifetime", [pytest.param("type", marks=pytest.mark.slow), "component"])
def test_configures_without_fypp(sources: Path, lifetime: str):
    mpi = [] if shutil.which("mpicc") is None else ["-DFTORCH_MPI=ON"]
    process = configure(sources, f"-DFTORCH_LIFETIME={lifetime}", *mpi)
    assert process.returncode == 0, process.stderr
    # To make them would make all of ftorch first.
    for name in ("fortran/mpi/ftorch_communicator.f90", "shim/mpi/ftorch_mpi.h"):
        assert (sources / "expanded" / "7" / lifetime / "src" / name).is_file()
    module = "build/fypp/ftorch_handle.f90"
    run("cmake", "--build", sources.parent / "build", "--target", module.replace("build/", ""))
    has_owner = "handle_owner" in (sources.parent / module).read_text()
    assert has_owner == (lifetime == "component")


def test_another_rank_needs_fypp(sources: Path):
    process = configure(sources, "-DFTORCH_MAX_RANK=5")
    assert process.returncode != 0
    message = " ".join(process.stderr.split())
    assert "expanded for FTORCH_MAX_RANK=7, not 5. Fypp, which expands" in message


def test_a_changed_template_needs_fypp(sources: Path):
    with (sources / "src" / "fypp" / "macros.fypp").open("a") as file:
        file.write("#! changed\n")
    process = configure(sources)
    assert process.returncode != 0
    assert "src/fypp/macros.fypp is not as in the source package" in " ".join(
        process.stderr.split()
    )
