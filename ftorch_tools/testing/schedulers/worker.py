# SPDX-License-Identifier: MIT
"""Runs one shard on its node, as a local run of its own below the shard's folder."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from pathlib import Path

from rich.console import Console

from ftorch_tools.safe_stream import make_console
from ftorch_tools.testing.cores import usable_cores
from ftorch_tools.testing.interrupts import Signals, handled_signals
from ftorch_tools.testing.records.journal import Journal
from ftorch_tools.testing.records.load import load
from ftorch_tools.testing.records.record_writer import RecordWriter
from ftorch_tools.testing.run import Options, Run
from ftorch_tools.testing.schedulers.merge import merge, unfinished
from ftorch_tools.testing.schedulers.plan import Plan
from ftorch_tools.testing.schedulers.watch import Watch
from ftorch_tools.testing.selection import Selection

_BEATS_PER_LIMIT = 10
_LONGEST_BEAT_SECONDS = 10.0
_LOOK_SECONDS = 1.0


def work(directory: Path, number: int) -> None:
    """Run what is left to do of shard `number` of the run in `directory`."""
    plan = Plan.read(directory)
    if plan.stopped:
        return
    journal = Journal(plan.journal(number))
    with Heartbeat(plan, journal):
        _see_one_node(plan.folder(number))
        tests = unfinished(plan, number)
        options = Options(
            build=Path(plan.build),
            selection=Selection(tests=tests),
            timeout=plan.timeout,
            jobs=plan.jobs or _allocated_cores(),
            output=plan.folder(number),
            pytest_paths=tuple(map(Path, plan.pytest_paths)),
            build_config=plan.build_config,
        )
        run = _ShardRun(options, make_console(), journal)
        journal.append(
            "attempt", directory=run.directory.name, host=_node(), restart=_restart_count()
        )
        with Signals() as signals:
            run.execute(signals)
        journal.append("closed", status=run.record.status.value)
    if plan.merged_by_worker:
        _merge_when_last(plan)


def _merge_when_last(plan: Plan) -> None:
    """Make the record of the run when all other workers have ended; two may do it alike."""
    watch = Watch(plan)
    watch.refresh()
    if watch.settled:
        record = load(plan.directory / "run.json")
        merge(plan, record, errors=watch.errors)
        RecordWriter(record).publish()


class _ShardRun(Run):
    """A run that is no run of its own in the user's history, and tells the journal of itself."""

    def __init__(self, options: Options, console: Console, journal: Journal) -> None:
        self._journal = journal
        super().__init__(options, console)

    def _make_writer(self) -> RecordWriter:
        return RecordWriter(self.record, in_history=False, journal=self._journal)


class Heartbeat:
    """Beats until it is left, and stops the run when the plan says so."""

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self._plan = plan
        self._journal = journal
        self._interval = min(_LONGEST_BEAT_SECONDS, plan.lost_after / _BEATS_PER_LIMIT)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        threading.Thread(
            target=self._tell_when_stopped, args=(read_end, handled_signals()), daemon=True
        ).start()

    def __exit__(self, *unused: object) -> None:
        signal.set_wakeup_fd(-1)
        self._left.set()
        self._thread.join()

    def _tell_when_stopped(self, read_end: int, ending: list[signal.Signals]) -> None:
        """Note when the first signal came: it may have ended the tests too."""
        while number := os.read(read_end, 1):
            if number[0] in ending:
                self._journal.append("stopping")
                return

    def _live(self) -> None:
        due, signalled = 0.0, False
        pause = min(_LOOK_SECONDS, self._interval)
        while True:
            due -= pause
            if due <= 0.0:
                due = self._interval
                with contextlib.suppress(OSError):  # the next one may be heard
                    self._journal.append("beat")
            if not signalled and self._plan.stopped:
                signalled = True
                os.kill(os.getpid(), signal.SIGTERM)
            if self._left.wait(pause):
                return


def _node() -> str:
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def _restart_count() -> int:
    count = os.environ.get("SLURM_RESTART_COUNT", "0")
    return int(count) if count.isdigit() else 0


def _allocated_cores() -> int:
    """Return the usable cores; not all schedulers confine a job to those that it was given."""
    allotted = os.environ.get("SLURM_CPUS_ON_NODE", "")
    return min(usable_cores(), int(allotted)) if allotted.isdigit() else usable_cores()


def _see_one_node(folder: Path) -> None:
    """Let the launchers of MPI tests see this node alone, with all its cores, as the whole job."""
    node = os.environ.get("SLURM_STEP_NODELIST")
    if node is None:
        return
    cores = _allocated_cores()
    # The only way to tell srun a node by the environment.
    hosts = folder / "hosts"
    hosts.write_text(f"{node}\n" * cores, encoding="utf-8")
    os.environ |= {"SLURM_HOSTFILE": str(hosts), "SLURM_DISTRIBUTION": "arbitrary"}
    os.environ |= {"SLURM_NODELIST": node, "SLURM_JOB_NODELIST": node}
    os.environ |= {"SLURM_NNODES": "1", "SLURM_JOB_NUM_NODES": "1"}
    os.environ |= {"SLURM_TASKS_PER_NODE": str(cores), "SLURM_JOB_CPUS_PER_NODE": str(cores)}
    for name in ("SLURM_NTASKS", "SLURM_NPROCS"):
        os.environ.pop(name, None)
