# SPDX-License-Identifier: MIT
"""An interrupted run stops its children, keeps its record and says how it ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time

import pytest

from ftorch_tools.testing.interrupts import Signals, interruptible

# By these schedulers say that a job is soon to end.
WARNINGS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)


def make_endless(project, script):
    """Give `project` tests that wait for ever, among others."""
    project.add_ctest("quick", "exit 0")
    # Background jobs of a shell ignore SIGINT.
    project.add_ctest("endless", "sleep 421 & wait", DEPENDS="quick")
    project.add_ctest("after", "exit 0", DEPENDS="endless")
    project.add_python(
        "test_a.py",
        "import subprocess\n"
        "def test_quick(): pass\n"
        f"def test_endless(): subprocess.run(['sh', '-c', {script!r}])\n",
    )
    return project


def wait_until(condition, seconds=60.0):
    """Wait until `condition` is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@pytest.mark.parametrize("times", [1, 2])
def test_interrupt_of_isolated_tests(project, sleepers, terminal_environment, times):
    project.add_python(
        "test_a.py",
        "import subprocess, pytest\n"
        "@pytest.mark.isolated\n"
        "@pytest.mark.parametrize('n', range(3))\n"
        "def test_endless(n):\n"
        "    subprocess.run(['sh', '-c', \"trap '' INT TERM; sleep 423\"])\n",
    )
    process = subprocess.Popen(
        [*project.command, "run", "-j", "2", "--json"],
        cwd=project.root,
        env=terminal_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    wait_until(lambda: len(sleepers(project)) == 2)
    begin = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    out, _ = process.communicate(timeout=30)
    assert time.monotonic() - begin < 15
    assert process.returncode == 130
    assert sleepers(project) == []
    outcomes = sorted(test["outcome"] for test in json.loads(out)["tests"])
    assert outcomes == ["lost", "lost", "not_run"]


@pytest.mark.parametrize(
    ("script", "number", "times", "code"),
    [
        ("trap '' INT TERM; sleep 422", signal.SIGINT, 1, 130),
        ("trap '' INT TERM; sleep 422", signal.SIGINT, 2, 130),
        ("exec sleep 422", signal.SIGTERM, 1, 143),
    ],
)
def test_interrupt(project, sleepers, terminal_environment, script, number, times, code):
    endless = make_endless(project, script)
    process = subprocess.Popen(
        [*endless.command, "run", "-j", "2"],
        cwd=endless.root,
        env=terminal_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: sleepers(endless, 421) and sleepers(endless, 422))
    record_file = endless.build / "ftorch-test"
    (directory,) = [path for path in record_file.iterdir() if path.name != "latest"]
    assert json.loads((directory / "run.json").read_text())["status"] == "running"
    begin = time.monotonic()
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.3)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == code
    assert time.monotonic() - begin < (3 if times > 1 else 20)
    assert sleepers(endless, 421) == []
    assert sleepers(endless, 422) == []
    record = json.loads((directory / "run.json").read_text())
    assert (record["status"], record["exit_code"]) == ("interrupted", code)
    outcomes = {test["id"]: test["outcome"] for test in record["tests"]}
    assert outcomes.pop("tests/test_a.py::test_quick") in ("passed", "not_run")
    assert outcomes == {
        "quick": "passed",
        "endless": "lost",
        "after": "not_run",
        "tests/test_a.py::test_endless": "lost",
    }
    # What was stopped has not failed.
    counts = [list(outcomes.values()).count(kind) for kind in ("failed", "passed")]
    last = out.splitlines()[-1]
    assert re.fullmatch(rf"\d passed, {counts[0]} failed, 0 skipped, \d interrupted", last)
    assert (directory / "junit.xml").exists()


@pytest.mark.parametrize("place", ["ftorch_tools.testing.run", "ftorch_tools.testing.display"])
def test_a_signal_while_the_program_starts_leaves_a_record(
    project, terminal_environment, place, tmp_path
):
    project.add_ctest("a", "exit 0")
    # As at any moment in which the modules are imported.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == '{place}': os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    environment = terminal_environment()
    environment["PYTHONPATH"] += f":{tmp_path}"
    answer = subprocess.run(
        [*project.command, "run"],
        cwd=project.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 143, answer.stderr
    record = json.loads((project.build / "ftorch-test/latest/run.json").read_text())
    assert (record["status"], record["exit_code"]) == ("interrupted", 143)


def test_signals_that_are_ignored_stay_so(project, terminal_environment):
    project.add_python(
        "test_a.py",
        "import os, signal\n"
        "def test_signals():\n"
        "    run = int(os.environ['RUN'])\n"
        "    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR2):\n"
        "        os.kill(run, number)\n"
        "    # What nohup promises holds for the tests too; what stops pytest reaches it.\n"
        "    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN\n"
        "    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN\n",
    )
    # As in the background of a shell without job control.
    script = "trap '' HUP INT USR2; export RUN=$$; exec \"$@\""
    answer = subprocess.run(
        ["sh", "-c", script, "sh", *project.command, "run", "-j", "1"],
        cwd=project.root,
        env=terminal_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
    assert "1 passed" in answer.stdout


@pytest.mark.parametrize("number", WARNINGS)
def test_warnings_of_schedulers_count(signals_restored, number):
    with Signals() as signals:
        os.kill(os.getpid(), number)
        assert (signals.count, signals.number) == (1, number)
    # The summary is still to come.
    assert signal.getsignal(number) is signal.SIG_IGN


def test_what_is_interruptible_heeds_signals(signals_restored):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptible("interrupted"):
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(SystemExit) as ended:
            os.kill(os.getpid(), signal.SIGUSR1)
    assert ended.value.code == 128 + signal.SIGUSR1
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
