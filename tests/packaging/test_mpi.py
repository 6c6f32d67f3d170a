# SPDX-License-Identifier: MIT
"""The component mpi: asked for, not asked for, missing, and over another MPI."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, Installation, cached, run

PROGRAM = """
#include <ftorch_mpi.h>
#include <mpi.h>

int main(int argc, char **argv)
{
  int64_t place[7] = {0};
  ft_handle communicator = 0;
  MPI_Init(&argc, &argv);
  const int world = MPI_Comm_c2f(MPI_COMM_WORLD);
  if (ft_mpi_communicator_create(world, 60, 1000, 0, &communicator) != ft_ok) return 1;
  if (ft_mpi_communicator_place(communicator, place) != ft_ok || place[1] != 2) return 2;
  if (ft_mpi_communicator_delete(communicator) != ft_ok) return 3;
  MPI_Finalize();
  return 0;
}
"""
HEADERS = {
    "Open MPI 4.1.4": "#define OMPI_MAJOR_VERSION 4\n#define OMPI_MINOR_VERSION 1\n"
    "#define OMPI_RELEASE_VERSION 4\n#define MPI_VERSION 3\n",
    "MPICH 4.0.2": '#define MPI_VERSION    4\n#define MPICH_VERSION "4.0.2"\n',
    "Intel MPI 2021.11": '#define MPICH_VERSION "3.3"\n# define I_MPI_VERSION "2021.11"\n',
    "MVAPICH 2.3.7": '#define MVAPICH2_VERSION "2.3.7"\n#define MPICH_VERSION "3.2.1"\n',
    "Cray MPICH 8.1.29": '#define MPICH_VERSION "3.4a2"\n#define CRAY_MPICH_VERSION "8.1.29"\n',
    " ": "#define MPI_VERSION 3\n",
}


@pytest.fixture
def with_mpi(installation: Installation) -> Installation:
    """The installation, with the component."""
    if cached("FTORCH_MPI") != "ON":
        pytest.skip("built without -DFTORCH_MPI=ON")
    return installation


@pytest.fixture
def edited(installation: Installation, tmp_path: Path) -> Callable[..., Installation]:
    """A function that copies the CMake package, and changes what it says of itself."""

    def edit(**settings: str) -> Installation:
        copy = tmp_path / "edited"
        for folder in ("lib", "lib64", "include"):
            if (installation.prefix / folder).exists():
                shutil.copytree(installation.prefix / folder, copy / folder, symlinks=True)
        (config,) = copy.rglob("FTorchConfig.cmake")
        lines = config.read_text().splitlines()
        for name, value in settings.items():
            (place,) = (i for i, line in enumerate(lines) if line.startswith(f"set({name} "))
            lines[place] = f'set({name} "{value}")'
        config.write_text("\n".join(lines) + "\n")
        return Installation(copy, installation.compiler)

    return edit


def configure(
    folder: Path, used: Installation, request: str, *options: str, language: str = "Fortran"
) -> subprocess.CompletedProcess[str]:
    """Configures a project of a user; CMake breaks lines, so that any space is one."""
    (folder / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.21)\nproject(user LANGUAGES {language})\n"
        f"find_package(FTorch REQUIRED {request})\n"
        'message(STATUS "mpi: ${FTorch_mpi_FOUND}: ${FTorch_mpi_NOT_FOUND_MESSAGE}")\n'
        "add_executable(app ${SOURCE})\ntarget_link_libraries(app PRIVATE FTorch::${TARGET})\n"
    )
    command = ["cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={used.prefix}"]
    if language == "Fortran":
        command.append(f"-DCMAKE_Fortran_COMPILER={used.compiler}")
    process = subprocess.run([*command, *options], capture_output=True, text=True)
    process.stdout, process.stderr = (
        " ".join(text.split()) for text in (process.stdout, process.stderr)
    )
    return process


def check_on_two_ranks(program: Path) -> str:
    environment = {
        "OMP_NUM_THREADS": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
    }
    return run(cached("MPIEXEC_EXECUTABLE"), "-n", "2", program, env=environment)


def program_of(used: Installation) -> Path:
    return used.readme.parent / "mpi" / "mean_gradient.f90"


def test_a_program_in_c_finds_it(with_mpi: Installation, tmp_path: Path):
    source = tmp_path / "app.c"
    source.write_text(PROGRAM)
    options = f"-DSOURCE={source}", "-DTARGET=mpi"
    done = configure(tmp_path, with_mpi, "COMPONENTS mpi", *options, language="C")
    assert done.returncode == 0, done.stderr
    run("cmake", "--build", tmp_path / "build")
    check_on_two_ranks(tmp_path / "build" / "app")


def test_the_validation_suite_has_a_program(with_mpi: Installation, tmp_path: Path):
    run("cmake", "-S", with_mpi.readme.parent, "-B", tmp_path)
    run("cmake", "--build", tmp_path, "--target", "mean_gradient")
    run("ctest", "--test-dir", tmp_path, "-R", "^mpi[.]", "--no-tests=error")


@pytest.mark.parametrize("tool", ["pkg-config", "ftorch-config"])
def test_mpifort(with_mpi: Installation, needs, tmp_path: Path, tool: str):
    needs("mpifort")
    if Path(run("mpifort", "-show").split()[0]).name != Path(with_mpi.compiler).name:
        pytest.skip("mpifort is not of the compiler that built FTorch")
    if tool == "pkg-config":
        needs("pkg-config")
        search = {"PKG_CONFIG_PATH": str(with_mpi.pkg_config)}
        flags = run("pkg-config", "--static", "--cflags", "--libs", "ftorch-mpi", env=search)
    else:
        config = with_mpi.prefix / "bin" / "ftorch-config"
        flags = run(config, "--mpi", "--fflags", "--libs")
    program = tmp_path / "app"
    run("mpifort", program_of(with_mpi), "-o", program, *flags.split(), cwd=tmp_path)
    assert "2 ranks, mean gradient 1.6667" in check_on_two_ranks(program)


@pytest.mark.parametrize("request_", ["", "OPTIONAL_COMPONENTS mpi"])
def test_a_project_without_mpi(installation: Installation, tmp_path: Path, request_: str):
    options = f"-DSOURCE={installation.readme}/readme.f90", "-DTARGET=ftorch"
    hidden = "-DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON"
    done = configure(tmp_path, installation, request_, *options, hidden)
    assert done.returncode == 0, done.stderr
    assert "mpi: FALSE: " in done.stdout
    if request_ and cached("FTORCH_MPI") == "ON":
        assert "and no MPI was found for Fortran: put the folder of its mpicc" in done.stdout
    run("cmake", "--build", tmp_path / "build")
    installation.check(tmp_path / "build" / "app")
    assert "libmpi" not in run("ldd", tmp_path / "build" / "app")
    for file in installation.prefix.rglob("FTorchTargets*.cmake"):
        assert "MPI::" not in file.read_text()


def test_no_mpi_is_found(with_mpi: Installation, tmp_path: Path):
    options = "-DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON", "-DTARGET=mpi"
    done = configure(tmp_path, with_mpi, "COMPONENTS mpi", *options)
    assert done.returncode != 0
    text = "this FTorch gives no component 'mpi': it was built with "
    assert text in done.stderr
    assert "and no MPI was found for Fortran: put the folder of its mpicc" in done.stderr


def test_built_without_the_component(edited, tmp_path: Path):
    done = configure(tmp_path, edited(FTorch_MPI="OFF"), "COMPONENTS mpi")
    assert done.returncode != 0
    text = "this FTorch gives no component 'mpi': configure FTorch with -DFTORCH_MPI=ON"
    assert text in done.stderr


def test_mpi_of_another_vendor(with_mpi: Installation, edited, tmp_path: Path):
    del with_mpi
    found = f"{cached('FTORCH_MPI_VENDOR')} {cached('FTORCH_MPI_VERSION')}"
    other = edited(FTorch_MPI_VENDOR="Other MPI", FTorch_MPI_VERSION="7.6")
    done = configure(tmp_path, other, "COMPONENTS mpi")
    assert done.returncode != 0
    text = f"it was built with Other MPI 7.6, and the MPI found is {found}: load that of FTorch"
    assert text in done.stderr


@pytest.mark.parametrize("vendor", HEADERS)
@pytest.mark.parametrize("name", ["mpi.h", "mpi-x86_64.h"])
def test_vendors_are_known_by_their_header(tmp_path: Path, vendor: str, name: str):
    (tmp_path / "mpi.h").write_text("#include <mpi-x86_64.h>\n")
    (tmp_path / name).write_text(HEADERS[vendor])
    script = tmp_path / "say.cmake"
    script.write_text(
        f"include({ROOT}/cmake/FTorchMPIVendor.cmake)\nftorch_mpi_vendor(vendor version)\n"
        'message("${vendor} ${version}")\n'
    )
    folders = f"-DMPI_C_INCLUDE_DIRS={tmp_path / 'none'};{tmp_path}"
    assert run("cmake", folders, "-P", script) == f"{vendor}\n"


def test_ftorch_config_without_the_component(installation: Installation):
    config = installation.prefix / "bin" / "ftorch-config"
    if cached("FTORCH_MPI") == "ON":
        assert f"-I{installation.prefix}/include/ftorch/mpi" in run(config, "--mpi", "--fflags")
        assert "-lftorch_mpi -lftorch" in run(config, "--mpi", "--libs")
        return
    answer = subprocess.run([config, "--mpi", "--libs"], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (3, "")
    assert "no component mpi: configure it with -DFTORCH_MPI=ON" in answer.stderr
