# SPDX-License-Identifier: MIT
"""Tests that misbehave: none hangs the run, none is reported as passed, none costs the record."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from projects import BAD, GOOD, python_test

from ftorch_tools.testing.drivers.process import Child
from ftorch_tools.testing.drivers.runner import Runner
from ftorch_tools.testing.records.events import Closed


def test_ctest_that_ignores_every_signal(project, sleepers):
    project.add_ctest("bad", "trap '' TERM INT HUP QUIT; sleep 600; sleep 600", TIMEOUT="1")
    project.add_ctest("good", "exit 0")
    result = project.run("-j", "2")
    assert result.outcomes == {"bad": "timeout", "good": "passed"}
    assert result.record["seconds"] < 30
    assert sleepers(project) == []


@pytest.mark.parametrize("marker", ["", "@pytest.mark.isolated"])
def test_python_that_ignores_every_signal(project, sleepers, marker):
    body = """
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    subprocess.run(["sh", "-c", "trap '' TERM INT HUP QUIT; sleep 600; sleep 600"])
    """
    project.add_python("test_a.py", python_test(body, before=marker))
    result = project.run("--timeout", "1")
    assert result.outcomes == {BAD: "timeout", GOOD: "passed"}
    assert result.record["seconds"] < 60
    assert sleepers(project) == []


def test_daemons_do_not_hold_up_the_run(project, sleepers):
    # They hold the standard output of the test, for whose end ctest waits.
    project.add_ctest("daemon", "echo started; setsid sleep 600 & exit 0")
    project.add_ctest("closed", "setsid sleep 600 > /dev/null 2>&1 < /dev/null & exit 0")
    # What a test runs besides itself while it lasts is its own affair.
    server = "(setsid sleep 601 &); sleep 6; pgrep -f '^sleep 601$' > /dev/null"
    project.add_ctest("server", server)
    daemon = "subprocess.Popen(['sleep', '600'], start_new_session=True)"
    project.add_python("test_a.py", python_test(daemon))
    result = project.run("-j", "4", "--timeout", "60")
    assert set(result.outcomes.values()) == {"passed"}
    assert len(result.outcomes) == 5
    assert result.output("daemon") == "started\n"
    assert result.record["seconds"] < 30
    assert sleepers(project) == []
    assert sleepers(project) == []


def test_children_of_a_crashed_worker_end(project, sleepers):
    body = "subprocess.Popen(['sleep', '600']); os.kill(os.getpid(), signal.SIGKILL)"
    project.add_python("test_a.py", python_test(body))
    result = project.run()
    assert result.outcomes == {BAD: "crashed", GOOD: "passed"}
    assert result.test(BAD)["signal"] == "SIGKILL"
    assert sleepers(project) == []


def test_fixtures_that_fail(project):
    project.add_ctest("setup", "exit 1", FIXTURES_SETUP="F")
    project.add_ctest("needs", "exit 0", FIXTURES_REQUIRED="F")
    project.add_ctest("cleanup", "exit 1", FIXTURES_CLEANUP="G")
    project.add_ctest("cleaned", "exit 0", FIXTURES_REQUIRED="G")
    project.add_python(
        "test_a.py",
        "import os, pytest\n"
        "@pytest.fixture(scope='session')\ndef broken(): raise RuntimeError('no data')\n"
        "@pytest.fixture(scope='session')\ndef deadly(): os._exit(5)\n"
        "@pytest.mark.parametrize('n', range(2))\ndef test_broken(broken, n): pass\n"
        "@pytest.mark.parametrize('n', range(2))\ndef test_deadly(deadly, n): pass\n"
        "def test_good(): pass\n",
    )
    result = project.run()
    outcomes = {name.rpartition("::")[2]: outcome for name, outcome in result.outcomes.items()}
    assert outcomes == {
        "setup": "failed",
        "needs": "not_run",
        "cleanup": "failed",
        "cleaned": "passed",
        **{f"test_broken[{n}]": "failed" for n in range(2)},
        **{f"test_deadly[{n}]": "crashed" for n in range(2)},
        "test_good": "passed",
    }
    assert "no data" in result.output("tests/test_a.py::test_broken[1]")


@pytest.mark.parametrize("driver", ["ctest", "pytest"])
def test_a_driver_that_is_killed_is_no_failure_of_tests(project, driver):
    project.add_ctest("first", "exit 0")
    project.add_ctest("killer", "kill -KILL $PPID; sleep 60" if driver == "ctest" else "exit 0")
    deed = (
        "os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)" if driver == "pytest" else "pass"
    )
    project.add_python("test_a.py", python_test(deed))
    result = project.run("-j", "1")
    assert result.code == 3
    assert result.record["status"] == "broken"
    assert f"{driver} ended with status -9" in result.record["errors"][0]
    killer = {"ctest": "killer", "pytest": BAD}[driver]
    assert result.outcomes[killer] == "lost"
    others = {name: outcome for name, outcome in result.outcomes.items() if name != killer}
    assert set(others.values()) <= {"passed", "lost"}
    assert result.record["seconds"] < 30


def test_two_runs_at_once_in_one_build_folder(project):
    project.add_ctest("c.1", "sleep 0.5; echo one; exit 1")
    project.add_ctest("c.2", "sleep 0.5; echo two")
    project.add_python(
        "test_a.py",
        "import time, pytest\n@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_p(n): time.sleep(0.5); print('number', n); assert n == 2\n",
    )
    processes = [
        subprocess.Popen(
            [*project.command, "run", "-j", "2", "-R", rf"c\.{number}|p\[{number}"],
            cwd=project.root,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2, 1, 2)
    ]
    ends = [process.communicate(timeout=100)[0].splitlines()[-1] for process in processes]
    assert [process.returncode for process in processes] == [1, 0, 1, 0]
    assert ends == ["0 passed, 2 failed, 0 skipped", "2 passed, 0 failed, 0 skipped"] * 2
    runs = [path for path in (project.build / "ftorch-test").iterdir() if path.name != "latest"]
    assert len(runs) == 4
    for run in runs:
        record = json.loads((run / "run.json").read_text())
        outputs = {
            test["id"][-2:]: (run / test["attempts"][-1]["output"]).read_text()
            for test in record["tests"]
        }
        first = record["exit_code"] == 1
        assert set(outputs) == ({".1", "1]"} if first else {".2", "2]"})
        assert outputs[".1" if first else ".2"] == ("one\n" if first else "two\n")
        assert ("number 1" in outputs["1]"]) if first else ("number 2" in outputs["2]"])


@pytest.mark.parametrize("kind", ["ctest", "pytest", "isolated"])
def test_a_tool_that_is_killed_leaves_its_record_and_no_test(
    project, sleepers, terminal_environment, kind
):
    if kind == "ctest":
        project.add_ctest("endless", "(setsid sleep 600 &); sleep 600")
    else:
        body = "subprocess.Popen(['setsid', 'sleep', '600'])\nsubprocess.run(['sleep', '600'])"
        marker = "@pytest.mark.isolated" if kind == "isolated" else ""
        project.add_python("test_a.py", python_test(body, before=marker))
    process = subprocess.Popen(
        [*project.command, "run"],
        cwd=project.root,
        env=terminal_environment(),
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: len(sleepers(project)) == 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (run,) = (project.build / "ftorch-test").iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "running"
    wait_until(lambda: sleepers(project) == [])


def wait_until(condition, seconds=60.0):
    """Wait until `condition` is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


class Unstartable(Runner):
    """A driver that cannot be started."""

    name = "unstartable"
    remaining: list[str] = []  # noqa: RUF012

    def _launch(self) -> Child:
        raise OSError(errno.E2BIG, "Argument list too long")

    def _interrupt(self) -> None: ...

    def _collect(self, code: int) -> None: ...


def test_a_driver_that_cannot_be_started_is_told():
    runner, events = Unstartable(), []
    runner.start(events.append)
    assert events == [Closed("unstartable")]
    assert "Argument list too long" in runner.errors[0]
