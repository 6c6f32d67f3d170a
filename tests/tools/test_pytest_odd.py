# SPDX-License-Identifier: MIT
"""Python tests, settings and folders that are unusual: none loses a test, or the run."""

from __future__ import annotations

import os
import queue
import signal
import threading
from contextlib import suppress

import pytest
from typer.testing import CliRunner

from ftorch_tools.errors import InfrastructureError
from ftorch_tools.testing.cli import app
from ftorch_tools.testing.drivers import pytest_runner
from ftorch_tools.testing.drivers.pytest_collect import collect
from ftorch_tools.testing.drivers.pytest_runner import Pytest
from ftorch_tools.testing.drivers.slots import Free
from ftorch_tools.testing.records.events import Closed
from ftorch_tools.testing.records.record import Outcome
from ftorch_tools.testing.selection import Selection

SETTINGS = """[tool.pytest.ini_options]
addopts = '''-p no:hypothesispytest -p no:typeguard -m "not slow" -k "not odd" -x --lf --lfnf=none
  --ff --nf --sw --deselect=tests/test_a.py::test_deselected'''
"""

# The numbers of NumPy, that execnet cannot send, without NumPy.
TESTS = """
import os, signal, time, pytest

class Number(float): pass
class Word(str): pass

def test_fails(): assert 0
def test_fails_too(): assert 0
@pytest.mark.slow
def test_slow(): pass
def test_odd(): pass
def test_deselected(): pass
@pytest.mark.isolated
def test_isolated(): pass
@pytest.mark.gpu("A100")
def test_gpu(): pass
def test_numbers(record_property):
    record_property("rate", Number(3.5))
    record_property("name", Word("x"))
    record_property("object", object())
@pytest.mark.timeout(60)
def test_crash(): time.sleep(1.1); os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.fixture(scope="module")
def odd(once, project_class):
    """A project in a folder whose name looks like a parameter, with a file of such a name."""

    def make(folder):
        project = project_class(folder / "x [1]")
        (project.root / "pyproject.toml").write_text(SETTINGS)
        project.add_python("test_a.py", TESTS)
        project.add_python("test_b[1].py", "def test_a(): assert 0\n")
        project.result = project.run("--all", "--timeout", "1")
        return project

    return once("odd", make)


def test_all_are_recorded_whatever_addopts_and_names_are(odd):
    names = {id.removeprefix("tests/"): outcome for id, outcome in odd.result.outcomes.items()}
    assert names == {
        "test_a.py::test_fails": "failed",
        "test_a.py::test_fails_too": "failed",
        "test_a.py::test_slow": "passed",
        "test_a.py::test_odd": "passed",
        "test_a.py::test_deselected": "skipped",
        "test_a.py::test_isolated": "passed",
        "test_a.py::test_gpu": "passed",
        "test_a.py::test_numbers": "passed",
        "test_a.py::test_crash": "crashed",
        "test_b[1].py::test_a": "failed",
    }
    assert odd.result.code == 1
    assert "deselected" in odd.result.test("tests/test_a.py::test_deselected")["reason"]
    assert odd.result.test("tests/test_a.py::test_crash")["signal"] == "SIGSEGV"


def test_numbers_of_any_type_are_measurements(odd):
    assert odd.result.test("tests/test_a.py::test_numbers")["measurements"] == {"rate": 3.5}


def test_a_name_like_a_parameter_can_be_asked_for(odd):
    asked = odd.run("--test", "tests/test_b[1].py")
    assert asked.outcomes == {"tests/test_b[1].py::test_a": "failed"}


def test_the_list_is_what_runs(odd):
    found = collect([odd.root / "tests"], odd.root, odd.build)
    assert {id for id, _ in found.tests} == set(odd.result.outcomes)
    assert found.broken == {}
    (only,) = collect([odd.root / "tests/test_b[1].py"], odd.root, odd.build).tests
    assert only == ("tests/test_b[1].py::test_a", ["python"])


def followed(project, *, timeout=20.0):
    """Run the Python tests of a project in this process, and return their runner."""
    directory = project.root / "run"
    directory.mkdir()
    runner = Pytest(
        [project.root / "tests"],
        project=project.root,
        build=project.build,
        run_directory=directory,
        selection=Selection(),
        jobs=1,
        timeout=timeout,
    )
    runner.slots.open(Free(1, True))
    events: queue.Queue = queue.Queue()
    runner.start(events.put)
    event = None
    while not isinstance(event, Closed):
        runner.supervise()
        with suppress(queue.Empty):
            event = events.get(timeout=0.1)
    runner.slots.remove()
    return runner


CONFTEST = """
import os, subprocess, pytest
def sleep(): subprocess.run(["sleep", "600"])
worker = "PYTEST_XDIST_WORKER" in os.environ
"""


@pytest.mark.parametrize(
    ("hook", "said", "outcomes"),
    [
        ("pytest_sessionfinish(): worker and sleep()", "does not end", [Outcome.PASSED]),
        ("pytest_configure(): worker or sleep()", "begins no test", []),
    ],
)
def test_what_hangs_outside_of_tests_is_ended(
    project, sleepers, monkeypatch, hook, said, outcomes
):
    monkeypatch.setattr(pytest_runner, "SILENCE_SECONDS", 0.7)
    project.add_python("conftest.py", f"{CONFTEST}def {hook}\n")
    project.add_python("test_a.py", "def test_a(): pass\n")
    runner = followed(project, timeout=20.0 if outcomes else 0.1)
    assert [test.outcome for test in runner.results] == outcomes
    (error,) = runner.errors
    assert f"pytest hangs: it {said}" in error
    assert sleepers(project) == []


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("pytest_sessionfinish(): assert not worker, 'no end'", "no end"),
        ("pytest_make_collect_report():\n    if worker: raise pytest.UsageError", "before it had"),
    ],
)
def test_errors_of_workers_are_told(project, hook, said):
    project.add_python("conftest.py", f"{CONFTEST}def {hook}\n")
    project.add_python("test_a.py", "def test_a(): pass\n")
    (error,) = followed(project).errors
    assert said in error


def test_a_collection_that_hangs_ends(project, sleepers, signals_restored):
    project.add_python("test_a.py", f"{CONFTEST}sleep()\n")
    paths = [project.root / "tests"]
    with pytest.raises(InfrastructureError, match=r"in 0\.1 s"):
        collect(paths, project.root, project.build, 0.1)
    received = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGTERM]).start()
    with pytest.raises(InfrastructureError, match="interrupted"):
        collect(paths, project.root, project.build)
    assert received == [signal.SIGTERM]
    assert sleepers(project) == []


def test_a_broken_module_does_not_hide_the_others(project):
    project.add_ctest("c", "exit 0")
    project.add_python("test_a.py", "def test_a(): pass\n")
    project.add_python("test_b.py", "import no_such_module\n")
    answer = CliRunner().invoke(app, ["list", str(project.build)])
    assert [line.split()[1] for line in answer.stdout.splitlines()] == [
        "c",
        "tests/test_a.py::test_a",
    ]
    assert "cannot collect tests/test_b.py" in answer.stderr
    assert answer.exit_code == 3


@pytest.mark.parametrize("limit", ["inf", "nan", "1e10"])
def test_a_limit_that_no_timer_takes_is_refused(project, limit):
    answer = CliRunner().invoke(app, ["run", str(project.build), "--timeout", limit])
    assert answer.exit_code == 2
    assert not (project.build / "ftorch-test").exists()
