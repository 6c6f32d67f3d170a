# SPDX-License-Identifier: MIT
"""Starts one step per node of an allocation and watches them; runs on the first node."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from ftorch_tools.command import start
from ftorch_tools.testing.interrupts import Signals
from ftorch_tools.testing.records.load import load
from ftorch_tools.testing.records.record_writer import RecordWriter
from ftorch_tools.testing.schedulers.merge import merge
from ftorch_tools.testing.schedulers.plan import Plan
from ftorch_tools.testing.schedulers.watch import ShardState, Watch

_TICK_SECONDS = 0.5
# How long srun may take to end after its worker did, or after a signal.
_STOP_SECONDS = 20.0


def step_command(directory: Path, number: int) -> list[str]:
    """Return the command that runs the worker of one shard on a node of its own."""
    worker = [sys.executable, "-m", "ftorch_tools.testing", "worker", str(directory), str(number)]
    return [
        "srun",
        "--nodes=1",
        "--ntasks=1",
        f"--relative={number}",
        "--export=ALL",
        "--input=none",
        # The worker is no MPI program, its tests may be.
        "--mpi=none",
        "--cpu-bind=none",
        *worker,
    ]


def run_steps(directory: Path) -> int:
    """Run all shards of the run in `directory`; return 0 when each worker could do its work."""
    plan = Plan.read(directory)
    # Steps within a step, as MPI tests are, share its cores.
    environment = {**os.environ, "SLURM_OVERLAP": "1"}
    with Signals() as signals:
        watch = Watch(plan)
        watch.refresh()
        steps = {
            # In the session of the job, whose signals are for them too.
            number: start(
                step_command(directory, number), environment=environment, own_session=False
            )
            for number, shard in enumerate(watch.shards)
            if shard.state is not ShardState.DONE
        }
        watch.forget()
        watch.expect()
        while not signals.count and not watch.settled:
            time.sleep(_TICK_SECONDS)
            watch.refresh()
            for number, step in steps.items():
                if step.poll() is not None:
                    watch.shards[number].gone(f"its step ended with status {step.returncode}")
        _end(list(steps.values()))
        watch.refresh()
        if plan.merged_by_steps:
            ended = [f"job {plan.job}: ended by signal {signals.number}"] if signals.count else []
            record = load(directory / "run.json")
            merge(plan, record, errors=[*watch.errors, *ended])
            RecordWriter(record).publish()
    return 0 if watch.complete else 1


def _end(steps: list[subprocess.Popen[bytes]]) -> None:
    """Wait for the steps; after a while end them: those of a dead node would stay for ever."""
    deadline = time.monotonic() + _STOP_SECONDS
    for step in steps:
        try:
            step.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            step.terminate()
    for step in steps:
        try:
            step.wait(2.0)
        except subprocess.TimeoutExpired:
            step.kill()
            step.wait()
