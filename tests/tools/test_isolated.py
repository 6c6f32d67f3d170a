# SPDX-License-Identifier: MIT
"""Python tests in processes of their own: those that may crash, and those under MPI."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

# Starts what follows N times, as an mpiexec does, and ends with the worst status.
FAKE_MPIEXEC = """#!/bin/sh
[ "$1" = -n ] || exit 99
ranks=$2; shift 2
echo "$ranks" >> "$MPI_LOG"
status=0; pids=
rank=0
while [ $rank -lt $ranks ]; do
  PMI_RANK=$rank PMI_SIZE=$ranks "$@" &
  pids="$pids $!"
  rank=$((rank + 1))
done
for pid in $pids; do wait $pid || status=$?; done
exit $status
"""

TESTS = """
import ctypes, os, signal, sys, time
import pytest

def in_worker(): return "PYTEST_XDIST_WORKER" in os.environ
rank = os.environ.get("PMI_RANK")

def test_shared(): assert in_worker()
@pytest.mark.isolated
def test_alone(): print("said alone"); assert not in_worker() and rank is None
@pytest.mark.isolated
@pytest.mark.parametrize("x", ["a b", "[(\\u00fc$"])
def test_parameter(x): assert not in_worker()
@pytest.mark.isolated
def test_fails(): print("before"); assert 1 == 2
@pytest.mark.isolated
def test_segv(): os.kill(os.getpid(), signal.SIGSEGV)
@pytest.mark.isolated
def test_exits(): os._exit(3)
@pytest.mark.isolated
def test_skips(): pytest.skip("not here")
@pytest.mark.isolated
@pytest.mark.timeout(1)
def test_hangs(): time.sleep(600)
@pytest.mark.mpi
def test_starts_mpi_itself(): assert not in_worker() and rank is None
@pytest.mark.mpi(2)
def test_two(): assert os.environ["PMI_SIZE"] == "2"; print("rank", rank)
@pytest.mark.mpi(ranks=2)
def test_one_of_two_fails(): assert rank == "0", "not the first"
@pytest.mark.mpi(min_size=2)
def test_one_of_two_dies(): rank == "1" and os.abort(); print(f"rank {rank} passes")
@pytest.mark.mpi(2)
def test_one_of_two_skips(): rank == "1" and pytest.skip("nothing to do")
@pytest.mark.mpi(2)
def test_both_skip(): pytest.skip("no network")
"""


def with_mpiexec(project, tmp_path: Path) -> dict[str, str]:
    """Give the build a launcher, and return the environment that it needs."""
    launcher = tmp_path / "my-mpiexec"
    launcher.write_text(FAKE_MPIEXEC)
    launcher.chmod(0o755)
    (project.build / "CMakeCache.txt").write_text(
        f"MPIEXEC_EXECUTABLE:FILEPATH={launcher}\nMPIEXEC_NUMPROC_FLAG:STRING=-n\n"
    )
    return {"MPI_LOG": str(tmp_path / "mpi.log")}


@pytest.fixture(scope="module")
def result(once, project_class):
    def make(folder):
        project = project_class(folder / "project")
        project.add_python("test_a.py", TESTS)
        result = project.run("-j", "2", **with_mpiexec(project, folder))
        result.launches = (folder / "mpi.log").read_text().split()
        return result

    return once("isolated", make)


@pytest.mark.parametrize(
    ("name", "outcome", "exit_code", "signal", "reason"),
    [
        ("test_shared", "passed", None, None, None),
        ("test_alone", "passed", None, None, None),
        ("test_parameter[a b]", "passed", None, None, None),
        (r"test_parameter[[(\xfc$]", "passed", None, None, None),
        ("test_fails", "failed", None, None, None),
        ("test_segv", "crashed", None, "SIGSEGV", None),
        ("test_exits", "crashed", 3, None, None),
        ("test_skips", "skipped", None, None, "not here"),
        ("test_hangs", "timeout", None, None, None),
        ("test_starts_mpi_itself", "passed", None, None, None),
        ("test_two", "passed", None, None, None),
        ("test_one_of_two_fails", "failed", None, None, None),
        ("test_one_of_two_dies", "crashed", 134, None, None),
        ("test_one_of_two_skips", "passed", None, None, None),
        ("test_both_skip", "skipped", None, None, "no network"),
    ],
)
def test_recorded(result, name, outcome, exit_code, signal, reason):
    test = result.test(f"tests/test_a.py::{name}")
    found = (test["outcome"], test["exit_code"], test["signal"], test["reason"])
    assert found == (outcome, exit_code, signal, reason), result.out
    assert test["seconds"] < 60


def test_what_each_process_said_is_one_attempt(result):
    tests = [test for test in result.record["tests"] if len(test["attempts"]) != 1]
    assert tests == []
    assert "rank 0 passes" in result.output("tests/test_a.py::test_one_of_two_dies")


def test_nothing_else_is_recorded(result):
    assert len(result.record["tests"]) == 15
    assert result.launches == ["2"] * 5
    assert result.code == 1


def test_outputs(result):
    assert "said alone" in result.output("tests/test_a.py::test_alone")
    assert "assert 1 == 2" in result.output("tests/test_a.py::test_fails")
    assert "Segmentation fault" in result.output("tests/test_a.py::test_segv")
    two = result.output("tests/test_a.py::test_two")
    assert "rank 0" in two
    assert "rank 1" in two
    assert "not the first" in result.output("tests/test_a.py::test_one_of_two_fails")


def test_labels(result):
    assert result.test("tests/test_a.py::test_two")["labels"] == ["mpi", "python"]
    assert result.test("tests/test_a.py::test_alone")["labels"] == ["isolated", "python"]


def test_no_launcher_is_no_pass(project, tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("ctest", "git"):
        found = shutil.which(name)
        if found:
            (tmp_path / "bin" / name).symlink_to(found)
    project.add_python(
        "test_a.py",
        "import pytest\n@pytest.mark.mpi(2)\ndef test_a(): pass\ndef test_b(): pass\n",
    )
    result = project.run(PATH=str(tmp_path / "bin"))
    assert result.outcomes == {
        "tests/test_a.py::test_a": "not_run",
        "tests/test_a.py::test_b": "passed",
    }
    assert "no MPI launcher" in result.test("tests/test_a.py::test_a")["reason"]
    assert result.code == 1


def test_ranks_count_as_cores(project, tmp_path):
    log = tmp_path / "spans"
    log.mkdir()
    project.add_python(
        "test_a.py",
        "import os, time, pytest\n"
        "@pytest.mark.mpi(2)\n"
        "@pytest.mark.parametrize('n', range(2))\n"
        "def test_a(n):\n"
        "    begin = time.time(); time.sleep(0.3)\n"
        f"    open(f'{log}/{{n}}-{{os.getpid()}}', 'w').write(f'{{begin}} {{time.time()}}')\n",
    )
    assert project.run("-j", "2", **with_mpiexec(project, tmp_path)).code == 0
    spans = [tuple(map(float, file.read_text().split())) for file in log.iterdir()]
    assert len(spans) == 4
    assert all(sum(begin <= start < end for begin, end in spans) <= 2 for start, _ in spans)


def test_real_mpi(project):
    mpiexec = shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("mpiexec is not installed")
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    root["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
    probe = [mpiexec, "-n", "2", "true"]
    if subprocess.run(probe, check=False, env={**root, "PATH": "/usr/bin:/bin"}).returncode:
        pytest.skip("mpiexec cannot start two processes here")
    project.add_python(
        "test_a.py",
        "import os, pytest\n"
        "@pytest.mark.mpi(2)\n"
        "def test_a():\n"
        "    ranks = {os.environ.get(n) for n in ('PMI_RANK', 'OMPI_COMM_WORLD_RANK')}\n"
        "    print('rank', *(ranks - {None}))\n",
    )
    result = project.run(**root)
    assert result.code == 0
    output = result.output("tests/test_a.py::test_a")
    assert "rank 0" in output
    assert "rank 1" in output
