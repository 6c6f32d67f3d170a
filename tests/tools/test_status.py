# SPDX-License-Identifier: MIT
"""What other processes see of a run while it goes on, and of one that vanished."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from ftorch_tools.testing.records.event_log import EventLog
from ftorch_tools.testing.records.events import Ended, Planned, Started
from ftorch_tools.testing.records.live import in_progress, read_live
from ftorch_tools.testing.records.record import Outcome, Status, TestResult


def wait_for(condition):
    """Return the first true value of `condition`."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it never came")


@pytest.fixture
def going(project, terminal_environment):
    """A run whose test `waits` lasts until the file `go` is there."""
    project.add_ctest("quick", "exit 0")
    project.add_ctest("bad", "exit 1")
    project.add_ctest("waits", "until [ -e go ]; do sleep 0.1; done", DEPENDS="quick;bad")
    process = subprocess.Popen(
        [*project.command, "run", "-j", "1"],
        cwd=project.root,
        env=terminal_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process
    (project.build / "go").touch()
    process.wait(timeout=60)


def test_a_run_in_another_process(going, project, runs):
    def running():
        if not runs.store.ids():
            return None
        (state,) = runs.json("status")["runs"]
        return state if state["running"] and state["done"] == 2 else None

    state = wait_for(running)
    assert state["state"] == "running"
    assert (state["total"], state["exit_code"]) == (3, None)
    assert [test["id"] for test in state["running"]] == ["waits"]
    assert (state["outcomes"]["passed"], state["outcomes"]["failed"]) == (1, 1)
    assert "2/3 tests  1 passed  1 failed" in runs.command("status").stdout
    assert runs.command("compare", state["id"], state["id"]).exit_code == 2
    assert "has not ended" in runs.command("report", state["id"]).stderr
    runs.store.rotate(kept=0)
    (project.build / "go").touch()
    assert going.wait(timeout=60) == 1
    (state,) = runs.json("status")["runs"]
    assert (state["state"], state["exit_code"], state["done"]) == ("complete", 1, 3)
    assert state["silent_seconds"] is None


def test_a_run_that_was_killed(going, project, runs):
    wait_for(lambda: runs.store.ids() and runs.json("status")["runs"][0]["running"])
    going.kill()
    going.wait()
    (state,) = runs.json("status")["runs"]
    assert (state["state"], state["exit_code"]) == ("abandoned", None)
    assert "abandoned" in runs.command("status").stdout
    assert runs.command("show").exit_code == 2


def test_lines_of_several_writers_some_unfinished(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.write(Planned("ctest", 3))
    log.write(Started("ctest", "a"))
    log.write(Ended("ctest", "a", Outcome.FAILED))
    other = tmp_path / "events-node2.jsonl"
    lines = [
        {"time": 1.0, "event": "planned", "runner": "ctest", "count": 2},
        {"time": 2.0, "event": "started", "runner": "ctest", "id": "b"},
        {"time": 3.0, "event": "started", "runner": "ctest", "id": "c"},
        {"time": 4.0, "event": "something new", "id": 5},
        {"time": 5.0, "event": "ended", "runner": "ctest", "id": "b", "outcome": "passed"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    other.write_bytes(b'\xff\x00\n[1]\n{"event": "started"}\n' + text.encode() + b'{"time": 9')
    live = read_live(tmp_path)
    assert (live.total, live.done) == (5, 2)
    assert live.outcomes == {Outcome.FAILED: 1, Outcome.PASSED: 1}
    assert live.running == {("ctest", "c"): 3.0}
    assert time.time() - live.last < 60


def test_a_run_on_another_host_lives_while_it_gives_signs(runs):
    record = runs.add(status=Status.RUNNING, host="elsewhere")
    assert not in_progress(record)
    events = Path(record.directory) / "events-7.jsonl"
    events.write_text(json.dumps({"time": time.time() - 20, "event": "beat"}) + "\n")
    assert in_progress(record)
    assert 20 <= runs.json("status")["runs"][0]["silent_seconds"] < 60
    events.write_text(json.dumps({"time": time.time() - 2000, "event": "beat"}) + "\n")
    assert not in_progress(record)


def test_a_process_with_the_number_of_a_run_that_is_gone(runs):
    here = socket.gethostname()
    record = runs.add(status=Status.RUNNING, host=here, pid=os.getpid())
    assert not in_progress(record)
    record.start = "2100-01-01T00:00:00+00:00"
    assert in_progress(record)


def test_signs_of_life(tmp_path, monkeypatch):
    log = EventLog(tmp_path / "events.jsonl")
    log.tick()
    monkeypatch.setattr("ftorch_tools.testing.records.event_log.BEAT_SECONDS", 0.0)
    log.tick()
    assert (tmp_path / "events.jsonl").read_text().count("beat") == 1


def test_a_log_that_cannot_be_written_ends_nothing(project, monkeypatch):
    log = EventLog(Path("/dev/full"))
    log.write(Started("ctest", "a"))
    assert log.problem.errno == 28
    test = TestResult("a", "ctest", Outcome.PASSED)
    log.date([test, TestResult("b", "ctest", Outcome.PASSED)])
    assert test.start is not None


def test_newest_runs_and_all_that_go_on(runs):
    future = "2100-01-01T00:00:00+00:00"
    mine = {"host": socket.gethostname(), "pid": os.getpid(), "start": future}
    first = runs.add(status=Status.RUNNING, **mine).id
    ids = [runs.add().id for _ in range(7)]
    shown = [state["id"] for state in runs.json("status", "-n", "2")["runs"]]
    assert shown == [first, *ids[-2:]]
    assert [s["id"] for s in runs.json("status", ids[0])["runs"]] == [ids[0]]
