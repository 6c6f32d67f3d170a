# SPDX-License-Identifier: MIT
"""Disks without room: the record is kept, and says what is missing."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from projects import BAD, python_test

from ftorch_tools.testing.drivers.runner import OutputStore


@contextmanager
def small_disk(folder: Path, mebibytes: int):
    """Mount a file system of that size on `folder`."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk(project, tmp_path):
    with small_disk(tmp_path / "disk", 6) as disk:
        fill = f"head -c 20000000 /dev/zero > {disk}/filler; exit 0"
        project.add_ctest("fills", fill)
        project.add_ctest("after", "echo a; exit 0", DEPENDS="fills")
        project.add_ctest("bad", "echo b; exit 1", DEPENDS="fills")
        project.add_python("test_a.py", python_test("print('c'); assert 0"))
        result = project.run("-j", "1", "--output", str(disk / "runs"))
        assert result.code == 3, result.out + result.err
        assert "Traceback" not in result.out + result.err
        assert "No space left" in result.out
        record = result.record
        assert (record["status"], record["exit_code"]) == ("broken", 3)
        assert result.outcomes["fills"] == "passed"
        assert result.outcomes["after"] == "passed"
        assert result.outcomes["bad"] == "failed"
        assert result.outcomes.get(BAD) != "passed"


def test_an_output_that_cannot_be_kept_costs_nothing_else(tmp_path):
    (tmp_path / "output").touch()
    store = OutputStore(tmp_path, "ctest")
    assert store.keep("a", "text") is None
    assert isinstance(store.problem, FileExistsError)


def test_disk_full_from_the_beginning(project, tmp_path):
    project.add_ctest("a", "exit 0")
    with small_disk(tmp_path / "disk", 1) as disk:
        result = project.run("--output", str(disk))
        assert result.code == 3
        assert "No space left" in result.err
        assert "Traceback" not in result.err


def test_file_size_limit(project):
    # A quota or limit of the batch system, under which the tool itself may write little.
    project.add_ctest("bad", "yes | head -c 3000000; exit 1")
    project.add_ctest("good", "exit 0")
    limit = 5 * 1024 * 1024
    program = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from ftorch_tools.testing.cli import main\nmain()\n"
    )
    project.command = [sys.executable, "-c", program]
    result = project.run()
    assert result.outcomes == {"bad": "failed", "good": "passed"}
