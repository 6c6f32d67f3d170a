# SPDX-License-Identifier: MIT
"""A worker, run by hand: what it leaves when it is stopped, and how the others read it."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from ftorch_tools.testing.interrupts import Signals
from ftorch_tools.testing.records.journal import Journal
from ftorch_tools.testing.schedulers.merge import unfinished
from ftorch_tools.testing.schedulers.plan import Plan, Shard
from ftorch_tools.testing.schedulers.watch import ShardState, Watch
from ftorch_tools.testing.schedulers.worker import Heartbeat


@pytest.fixture
def plan(project):
    """The plan of a run whose only shard is still without tests."""
    directory = project.build / "ftorch-test" / "run"
    directory.mkdir(parents=True)
    return Plan(
        directory=directory,
        scheduler="slurm",
        build=str(project.build),
        project=str(project.root),
        pytest_paths=[],
        timeout=60.0,
        jobs=2,
        lost_after=60.0,
        merged_by_steps=False,
        merged_by_worker=False,
        shards=[Shard()],
    )


@pytest.fixture
def start(project, plan, terminal_environment):
    """A function that starts the worker and waits until its tests have begun."""
    started = []

    def run(*tests):
        plan.shards = [Shard(ctest=list(tests))]
        plan.write()
        process = subprocess.Popen(
            [*project.command, "worker", str(plan.directory), "0"],
            env=terminal_environment(),
            stdout=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def has_started(plan, name):
    news = Journal(plan.journal(0)).news()
    return any(e["event"] == "started" and e["id"] == name for e in news)


def test_a_test_that_is_ended_with_its_worker_has_not_failed(
    project, plan, start, sleepers, wait_until
):
    project.add_ctest("failed", "exit 1")
    project.add_ctest("passed", "sleep 3", DEPENDS="failed")
    project.add_ctest("victim", "sleep 441", DEPENDS="passed")
    project.add_ctest("other", "sleep 443", DEPENDS="passed")
    process = start("failed", "passed", "victim", "other")
    wait_until(lambda: has_started(plan, "victim") and has_started(plan, "other"), "the tests")
    (victim,) = sleepers(project, 441)
    # As a scheduler does it: one after the other, the worker last.
    os.kill(victim, signal.SIGTERM)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    assert unfinished(plan, 0) == [("ctest", "victim"), ("ctest", "other")]
    watch = Watch(plan)
    watch.refresh()
    assert watch.shards[0].state is ShardState.STOPPED


def test_a_signal_is_noted_unless_it_is_ignored(plan, wait_until, signals_restored):
    plan.write()
    journal = Journal(plan.journal(0))

    def stopping():
        return any(entry["event"] == "stopping" for entry in journal.news())

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Heartbeat(plan, journal), Signals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        assert not stopping()
        assert signals.count == 0
        os.kill(os.getpid(), signal.SIGUSR1)
        wait_until(stopping, "the note")


def test_the_plan_stops_the_worker(project, plan, start, sleepers, wait_until):
    project.add_ctest("endless", "sleep 442")
    process = start("endless")
    wait_until(lambda: has_started(plan, "endless"), "the test")
    plan.stop()
    process.wait(30)
    assert sleepers(project, 442) == []
    assert unfinished(plan, 0) == [("ctest", "endless")]


def test_a_second_worker_runs_what_is_left(project, plan, start, tmp_path):
    ran = tmp_path / "ran"
    project.add_ctest("a", f"echo a >> {ran}")
    project.add_ctest("b", f"echo b >> {ran}")
    assert start("a").wait(60) == 0
    assert start("a", "b").wait(60) == 0
    assert ran.read_text().split() == ["a", "b"]


def test_a_journal_is_read_line_by_line(tmp_path):
    file = tmp_path / "journal"
    file.touch()
    reader, writer = Journal(file), Journal(file)
    writer.append("started", runner="ctest", id="naïve")
    with file.open("ab") as stream:
        stream.write(b'garbage\n[1]\n{"event": "ended", "id')
    assert [(e["event"], e["id"]) for e in reader.news()] == [("started", "naïve")]
    with file.open("ab") as stream:
        stream.write(b'": "x"}\n')
    assert reader.news() == [{"event": "ended", "id": "x"}]
    assert reader.news() == []


def test_a_silent_worker_is_lost(plan):
    plan.lost_after = 0.3
    plan.write()
    journal = Journal(plan.journal(0))
    watch = Watch(plan)
    journal.append("attempt", directory="x", host="n7")
    for _ in range(4):
        journal.append("beat")
        watch.refresh()
        assert watch.shards[0].state is ShardState.WORKING
        time.sleep(0.15)
    time.sleep(0.3)
    watch.refresh()
    assert watch.shards[0].state is ShardState.LOST
    assert watch.errors == ["shard 0 (n7): no sign of life for 0.3 s; its results are lost"]
    journal.append("attempt", directory="y", host="n8")
    watch.refresh()
    assert watch.shards[0].state is ShardState.WORKING
