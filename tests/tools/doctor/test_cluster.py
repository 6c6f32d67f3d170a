# SPDX-License-Identifier: MIT
"""Faults of MPI and of Slurm. The programs that lie say what the real ones say in such a case."""

from __future__ import annotations

import shutil
import subprocess
from types import SimpleNamespace

import pytest

from ftorch_tools.testing.doctor import mpi, slurm
from ftorch_tools.testing.doctor.subject import Subject, find_subject

OPEN_MPI = "mpirun (Open MPI) 4.1.4"
HYDRA = "HYDRA build details:\n    Version: 4.2"
# In each copy of the program that mpirun starts.
STARTS_TWO = "echo ftorch-probe; echo ftorch-probe"
GFORTRAN_OF_OPEN_MPI = (
    "gfortran -I/x -L/x -lmpi_usempif08 -lmpi_usempi_ignore_tkr -lmpi_mpifh -lmpi"
)
GFORTRAN_OF_MPICH = "gfortran -I/x -L/x -lmpifort -lmpi"


@pytest.fixture
def mpirun(program):
    """A function that makes a launcher and its compiler."""

    def make(version, launch, shown=GFORTRAN_OF_OPEN_MPI):
        program("mpirun", f'[ "$1" = --version ] && echo "{version}" && exit\n{launch}')
        program("mpifort", f'[ "$1" = -show ] && echo "{shown}" && exit\nexec gfortran "$@"')
        program("srun", "echo 'MPI plugin types are...'; echo none; echo pmi2; echo pmix_v4")

    return make


def test_nothing_wrong(mpirun, examine):
    mpirun(OPEN_MPI, STARTS_TWO)
    said = examine(mpi.check, Subject())
    assert said["problem"] == said["warning"] == ""
    assert "launcher: Open MPI 4.1.4" in said["ok"]
    assert "starts 2 processes" in said["ok"]
    assert "srun starts MPI programs by pmi2, pmix_v4" in said["ok"]


def test_real_mpi(monkeypatch, examine):
    if shutil.which("mpirun") is None:
        pytest.skip("no MPI on this machine")
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMPI_MCA_rmaps_base_oversubscribe", "1")
    said = examine(mpi.check, Subject())
    assert said["problem"] == ""
    assert "starts 2 processes" in said["ok"]


def test_no_mpi(only_programs, examine):
    only_programs()
    assert "no mpirun" in examine(mpi.check, Subject())["ok"]


def test_launcher_of_another_mpi(mpirun, examine):
    mpirun(HYDRA, STARTS_TWO)
    said = examine(mpi.check, Subject())["problem"]
    assert "compiles for Open MPI" in said
    assert "belongs to MPICH" in said


def test_compiler_of_another_mpi(mpirun, examine):
    mpirun(OPEN_MPI, STARTS_TWO, GFORTRAN_OF_MPICH)
    assert "compiles for MPICH" in examine(mpi.check, Subject())["problem"]


def test_mpi_of_another_compiler(mpirun, program, prefix, examine):
    flang = shutil.which("flang-new-19") or shutil.which("flang")
    if flang is None:
        pytest.skip("no flang beside gfortran")
    mpirun(OPEN_MPI, STARTS_TWO)
    program("mpifort", f'[ "$1" = -show ] && echo "flang -lmpi_mpifh" && exit\nexec {flang} "$@"')
    said = examine(mpi.check, find_subject(prefix, None))["warning"]
    assert "mpifort cannot read the modules of FTorch" in said


@pytest.mark.parametrize(
    ("built", "version", "state", "text"),
    [
        ("Open MPI 4.1.4", OPEN_MPI, "ok", "component mpi: {}, built with Open MPI 4.1.4"),
        ("MPICH 4.0.2", OPEN_MPI, "problem", "{} was built with MPICH 4.0.2, but "),
        ("Open MPI 4.1.4", HYDRA, "problem", " belongs to MPICH: each process would"),
        ("Cray MPICH 8.1", HYDRA, "ok", "component mpi: {}, built with Cray MPICH 8.1"),
        ("", OPEN_MPI, "unknown", "{} does not say which MPI it was built with"),
    ],
)
def test_library_of_another_mpi(built, version, state, text, mpirun, tmp_path, examine):
    shown = GFORTRAN_OF_MPICH if version == HYDRA else GFORTRAN_OF_OPEN_MPI
    mpirun(version, STARTS_TWO, shown)
    library = tmp_path / "libftorch_mpi.a"
    said = examine(mpi.check, Subject(mpi_library=library, mpi=built))
    assert text.format(library) in said[state]
    assert (said["problem"] == "") == (state != "problem")


def test_library_whose_mpi_is_gone(only_programs, tmp_path, examine):
    if shutil.which("gcc") is None or shutil.which("ldd") is None:
        pytest.skip("no gcc to make a library with, or no ldd")
    only_programs(*map(shutil.which, ("gcc", "ldd", "bash", "as", "ld", "cat")))
    (tmp_path / "empty.c").touch()
    shared = ["gcc", "-shared", "-fPIC", "empty.c"]
    called = "-Wl,--no-as-needed,-soname,libmpi.so.99"
    subprocess.run([*shared, called, "-o", "libmpi.so"], cwd=tmp_path, check=True)
    linked = ["-Wl,--no-as-needed", "libmpi.so", "-o", "libftorch_mpi.so"]
    subprocess.run([*shared, *linked], cwd=tmp_path, check=True)
    library = tmp_path / "libftorch_mpi.so"
    said = examine(mpi.check, Subject(mpi_library=library, mpi="Open MPI 4.1.4"))
    assert f"the dynamic loader does not find libmpi.so.99 of {library}" in said["problem"]
    assert f"{library}, built with Open MPI 4.1.4" in said["ok"]


@pytest.mark.parametrize("vendor", ["Open MPI", "Intel MPI"])
def test_an_installation_says_its_mpi(tmp_path, vendor):
    package = tmp_path / "lib/cmake/FTorch"
    package.mkdir(parents=True)
    (package / "FTorchConfig.cmake").write_text(
        f'set(FTorch_MPI ON)\nset(FTorch_MPI_VENDOR "{vendor}")\nset(FTorch_MPI_VERSION "4.1")\n'
    )
    (tmp_path / "lib/libftorch_mpi.so").touch()
    subject = find_subject(tmp_path, None)
    assert (subject.mpi, subject.mpi_library) == (
        f"{vendor} 4.1",
        tmp_path / "lib/libftorch_mpi.so",
    )


def test_a_build_says_its_mpi(tmp_path):
    (tmp_path / "CMakeCache.txt").write_text(
        "CMAKE_PROJECT_NAME:STATIC=FTorch\n"
        "FTORCH_MPI_VENDOR:INTERNAL=Open MPI\nFTORCH_MPI_VERSION:INTERNAL=4.1.4\n"
    )
    assert find_subject(None, tmp_path).mpi == "Open MPI 4.1.4"
    assert find_subject(None, tmp_path).mpi_library is None


def test_root_is_refused(mpirun, monkeypatch, examine):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    mpirun(OPEN_MPI, "echo 'mpirun has detected an attempt to run as root.' >&2; exit 1")
    said = examine(mpi.check, Subject())
    assert "started 0 processes, exit code 1: mpirun has detected" in said["warning"]


def test_no_word_of_a_launcher_is_cut(mpirun, examine):
    words = [f"--option-number-{number}" for number in range(60)]
    mpirun(OPEN_MPI, f"echo '{' '.join(words)}' >&2; exit 1")
    said = examine(mpi.check, Subject())["problem"]
    shown = said.partition("exit code 1: ")[2].partition(" …")[0].split()
    assert shown
    assert set(shown) <= set(words)


def test_too_few_slots(mpirun, examine):
    mpirun(OPEN_MPI, "echo 'There are not enough slots available' >&2; exit 1")
    assert "not enough slots" in examine(mpi.check, Subject())["problem"]


def test_launcher_that_starts_one(mpirun, examine):
    mpirun(OPEN_MPI, "echo ftorch-probe")
    assert "started 1 processes" in examine(mpi.check, Subject())["problem"]


def test_launcher_that_hangs(mpirun, monkeypatch, examine, sleepers, tmp_path):
    monkeypatch.setattr(mpi, "_SECONDS", 0.5)
    mpirun(OPEN_MPI, "sleep 7619")
    assert "did not answer within 0.5 s" in examine(mpi.check, Subject())["problem"]
    assert not sleepers(SimpleNamespace(root=tmp_path), 7619)


def test_srun_without_mpi(mpirun, program, examine):
    mpirun(OPEN_MPI, STARTS_TWO)
    program("srun", "echo 'MPI plugin types are...'; echo none")
    assert "srun lists no interface" in examine(mpi.check, Subject())["warning"]
    program("srun", "echo 'srun: fatal: Could not establish a configuration source' >&2; exit 1")
    assert "configuration source" in examine(mpi.check, Subject())["unknown"]


def test_no_slurm(only_programs, examine, monkeypatch):
    only_programs()
    assert examine(slurm.check, Subject())["ok"] == "no Slurm here\n"
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert "no command of Slurm is on PATH" in examine(slurm.check, Subject())["problem"]


@pytest.mark.parametrize(
    ("listing", "state", "text"),
    [
        ("3 idle\n2 down*\n1 mixed-", "ok", "nodes: 3 idle, 2 down, 1 mixed"),
        ("2 down*\n1 drained", "warning", "no node that works: 2 down, 1 drained"),
        ("", "warning", "no node that works: none at all"),
    ],
)
def test_nodes(listing, state, text, program, examine):
    program("sinfo", f"printf '{listing}\\n'")
    assert text in examine(slurm.check, Subject())[state]


def test_slurm_that_does_not_answer(program, monkeypatch, examine):
    program(
        "sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1"
    )
    assert "Unable to contact slurm controller" in examine(slurm.check, Subject())["warning"]
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert "Unable to contact slurm controller" in examine(slurm.check, Subject())["problem"]


def test_slurm_that_hangs(program, monkeypatch, examine, sleepers, tmp_path):
    monkeypatch.setattr(slurm, "_SECONDS", 0.5)
    program("sinfo", "sleep 7621")
    assert "did not answer within 0.5 s" in examine(slurm.check, Subject())["warning"]
    assert not sleepers(SimpleNamespace(root=tmp_path), 7621)


@pytest.mark.parametrize(
    ("answer", "state", "text"),
    [
        ("echo RUNNING 29:42", "ok", "inside job 17 on 2 nodes, time left 29:42"),
        ("echo 'slurm_load_jobs error: Invalid job id' >&2; exit 1", "problem", "is unknown"),
        ("echo COMPLETING 0:00", "problem", "is COMPLETING"),
        ("true", "problem", "is unknown"),
    ],
)
def test_allocation(answer, state, text, program, monkeypatch, examine):
    program("sinfo", "echo 2 allocated")
    program("squeue", answer)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    assert text in examine(slurm.check, Subject())[state]
