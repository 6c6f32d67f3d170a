# SPDX-License-Identifier: MIT
"""Output that cannot be written: nobody reads it, the terminal closes, the disk is full."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import termios

import pytest

from ftorch_tools.errors import InfrastructureError
from ftorch_tools.safe_stream import SafeStream, make_console
from ftorch_tools.testing.records.record import Outcome, TestResult


@pytest.fixture
def start(project, terminal_environment):
    """A function that starts a command in the project's folder."""

    def start(*arguments, **settings):
        command = [*project.command, *arguments]
        settings = {"stderr": subprocess.PIPE, **settings}
        environment = terminal_environment()
        return subprocess.Popen(command, cwd=project.root, env=environment, text=True, **settings)

    return start


def latest(project):
    """Return the record of the latest run."""
    return json.loads((project.build / "ftorch-test/latest/run.json").read_text())


def test_a_run_whose_reader_ends_goes_on(project, start):
    project.add_ctest("bad", "exit 1")
    process = start("run", stdout=subprocess.PIPE)
    assert process.stdout.readline().startswith("running")
    process.stdout.close()
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 1
    assert [test["outcome"] for test in latest(project)["tests"]] == ["failed"]


def test_a_run_whose_terminal_closes_is_interrupted(project, start):
    def take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    project.add_ctest("lasting", "sleep 60")
    leader, follower = pty.openpty()
    process = start(
        "run",
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(follower)
    shown = b""
    while b"s  lasting" not in shown:
        shown += os.read(leader, 65536)
    os.close(leader)
    assert process.wait(timeout=30) == 129
    assert latest(project)["status"] == "interrupted"


def test_json_that_cannot_be_written_is_told(project, start):
    project.add_ctest("good", "exit 0")
    with open("/dev/full", "w") as full:
        process = start("run", "--json", stdout=full)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 3
    assert "cannot write the output: No space left on device" in said
    assert "1 passed, 0 failed, 0 skipped" in said
    assert "Traceback" not in said
    assert latest(project)["exit_code"] == 0


def test_a_command_whose_reader_ends_says_nothing(runs, start):
    runs.add(TestResult("a", "ctest", Outcome.FAILED))
    process = start("show", stdout=subprocess.PIPE)
    process.stdout.close()
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


def test_a_full_disk(monkeypatch):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", SafeStream(full, dispensable=False))
        console = make_console(dispensable=True)
        console.print("lost")
        console.print("lost too")
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", SafeStream(full, dispensable=False))
        with pytest.raises(InfrastructureError, match="No space left"):
            make_console().print("wanted")
