# SPDX-License-Identifier: MIT
"""Faults of the machine: cores, limits, folders, programs and packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata

import pytest

from ftorch_tools.testing.doctor import cpus, folders, limits, programs
from ftorch_tools.testing.doctor.cgroup import memory_limit
from ftorch_tools.testing.doctor.subject import Subject

NOTHING = Subject()


def run_check(name, before, terminal_environment, **changes):
    """Run one check in a process of its own, started by the command `before`."""
    code = (
        f"from ftorch_tools.testing.doctor.{name} import check\n"
        "from ftorch_tools.testing.doctor.subject import Subject\n"
        "for finding in check(Subject()): print(finding.state.value, finding.message)\n"
    )
    answer = subprocess.run(
        [*before, sys.executable, "-c", code],
        env=terminal_environment(**changes),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_affinity_mask_bounds_the_cores(terminal_environment):
    if shutil.which("taskset") is None or os.cpu_count() < 2:
        pytest.skip("taskset and two cores are needed")
    core = str(min(os.sched_getaffinity(0)))
    said = run_check("cpus", ["taskset", "-c", core], terminal_environment, OMP_NUM_THREADS="2")
    assert f"ok 1 of {os.cpu_count()} cores may be used, by affinity" in said
    assert "warning OMP_NUM_THREADS=2 starts more threads than the 1 cores" in said


@pytest.mark.parametrize("value", ["0", "many", "", "-1"])
def test_number_of_threads_that_is_none(value, monkeypatch, examine):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert "is no number of threads" in examine(cpus.check, NOTHING)["problem"]


def test_quota_below_affinity_needs_a_number_of_threads(monkeypatch, examine):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr(cpus, "usable_cores", lambda: 2)
    assert "8 threads on 2 cores" in examine(cpus.check, NOTHING)["warning"]
    monkeypatch.setenv("OMP_NUM_THREADS", "2,1")
    assert examine(cpus.check, NOTHING)["warning"] == ""


def test_step_with_fewer_cores_than_slurm_granted(monkeypatch, examine):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4096")
    assert "Slurm granted 4096 cores" in examine(cpus.check, NOTHING)["warning"]


@pytest.mark.parametrize(
    ("limit", "state", "text"),
    [
        (["--fsize=1000000"], "problem", "size of a file (ulimit -f): at most 0 MiB"),
        (["--fsize=500000000"], "warning", "size of a file (ulimit -f): at most 476 MiB"),
        (["--as=2000000000"], "problem", "address space (ulimit -v): at most 1907 MiB"),
        (["--stack=4194304"], "warning", "stack (ulimit -s): at most 4 MiB"),
        (["--nofile=100:100"], "warning", "open files (ulimit -n): 100"),
    ],
)
def test_limits_of_the_shell(limit, state, text, terminal_environment):
    if shutil.which("prlimit") is None:
        pytest.skip("no prlimit to set limits with")
    assert f"{state} {text}" in run_check("limits", ["prlimit", *limit], terminal_environment)


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/\n", {}, (None, 0)),
        ("0::/\n", {"memory.max": "max\n"}, (None, 0)),
        (
            "0::/job/step\n",
            {"job/memory.max": "1000", "job/memory.current": "900", "memory.max": "5000"},
            (1000, 900),
        ),
        # More is left of the inner, smaller one.
        (
            "0::/job/step\n",
            {
                "job/memory.max": "2000",
                "job/memory.current": "1950",
                "job/step/memory.max": "1000",
                "job/step/memory.current": "100",
            },
            (2000, 1950),
        ),
        (
            "4:memory:/job\n1:cpu:/\n",
            {"memory/job/memory.limit_in_bytes": "3000", "memory/job/memory.usage_in_bytes": "5"},
            (3000, 5),
        ),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, (None, 0)),
    ],
)
def test_memory_limit_of_cgroups(tmp_path, membership, files, expected):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(membership)
    for name, text in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert memory_limit(tmp_path) == expected


def test_little_memory_in_the_cgroup(monkeypatch, examine):
    monkeypatch.setattr(limits, "memory_limit", lambda root: (400 * 1024**2, 100 * 1024**2))
    said = examine(limits.check, NOTHING)["problem"]
    assert said == "memory: 300 MiB may be used, by the limit of a cgroup\n"


@pytest.fixture
def mounted(tmp_path):
    """A function that names the command to run something with a tmpfs of its own mounted."""
    place = tmp_path / "mounted"
    place.mkdir()
    alone = ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("unshare lets this user mount nothing")

    def command(options, then="true"):
        script = (
            f'cd "{place}/.." && mount -t tmpfs -o {options} none mounted && {then} && exec "$@"'
        )
        return place, [*alone, "sh", "-c", script, "sh"]

    return command


def test_full_disk(mounted, terminal_environment):
    place, before = mounted("size=2m", "head -c 1900k /dev/zero > mounted/filler")
    said = run_check("folders", before, terminal_environment, TMPDIR=str(place))
    assert f"problem temporary folder {place}: No space left on device" in said


def test_little_space(mounted, terminal_environment):
    place, before = mounted("size=200m")
    said = run_check("folders", before, terminal_environment, TMPDIR=str(place))
    assert f"warning temporary folder {place}: 200.0 MiB free" in said


def test_mounted_noexec(mounted, terminal_environment):
    place, before = mounted("size=2g,noexec")
    said = run_check("folders", before, terminal_environment, TMPDIR=str(place))
    assert f"problem temporary folder {place}: programs in it cannot be run" in said


def test_read_only_file_system(mounted, terminal_environment):
    place, before = mounted("ro")
    said = run_check("folders", before, terminal_environment, XDG_STATE_HOME=f"{place}/state")
    assert f"problem state folder {place}: Read-only file system" in said


def test_folder_without_permission(tmp_path, terminal_environment):
    tmp_path.chmod(0o500)
    before = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    if os.geteuid() != 0:
        before = []
    elif shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv to lay that down")
    said = run_check("folders", before, terminal_environment, XDG_STATE_HOME=str(tmp_path))
    assert f"problem state folder {tmp_path}: Permission denied" in said


def test_temporary_folder_that_is_none(monkeypatch, examine):
    monkeypatch.setenv("TMPDIR", "/nonexistent/tmp")
    assert "TMPDIR=/nonexistent/tmp is no folder" in examine(folders.check, NOTHING)["problem"]


def test_probes_leave_nothing(tmp_path, monkeypatch, examine):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    examine(folders.check, NOTHING)
    assert list(tmp_path.iterdir()) == []


def test_old_cmake(program, examine):
    program("cmake", "echo cmake version 3.16.3")
    assert "is version 3.16.3" in examine(programs.check, NOTHING)["problem"]


def test_no_programs(only_programs, examine):
    only_programs()
    said = examine(programs.check, NOTHING)["problem"]
    assert "cmake not found" in said
    assert "ctest not found" in said
    assert "neither ninja nor make" in said


def test_packages(monkeypatch, examine):
    needed = ["pytest>=7.4", "rich<1", "absent-package>=2", 'other; python_version < "3"']
    monkeypatch.setattr(programs, "requires", lambda name: needed)
    said = examine(programs.check, NOTHING)["problem"]
    assert f"rich is {metadata.version('rich')}, not <1; absent-package>=2 is missing" in said
    assert "pytest" not in said
    assert "other" not in said


def test_packages_of_a_source_folder(monkeypatch, examine):
    def none(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(programs, "requires", none)
    assert "without what it declares" in examine(programs.check, NOTHING)["unknown"]
