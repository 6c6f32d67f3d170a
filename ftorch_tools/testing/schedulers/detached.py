# SPDX-License-Identifier: MIT
"""Finds the backend of a run, also of one that goes on without its first process."""

from __future__ import annotations

import os
from pathlib import Path

from ftorch_tools.errors import InfrastructureError, RecordError, UsageError
from ftorch_tools.testing.records.load import load
from ftorch_tools.testing.records.record import RunRecord, Status
from ftorch_tools.testing.records.record_writer import RecordWriter
from ftorch_tools.testing.records.store import Store
from ftorch_tools.testing.schedulers.merge import merge
from ftorch_tools.testing.schedulers.plan import Plan
from ftorch_tools.testing.schedulers.psij import Psij
from ftorch_tools.testing.schedulers.scheduler import Phase, Scheduler
from ftorch_tools.testing.schedulers.slurm import Slurm, SlurmAllocation
from ftorch_tools.testing.schedulers.watch import ShardState, Watch

_BY_PSIJ = ("pbs", "lsf", "flux")


def make_scheduler(on: str, *, detached: bool) -> Scheduler:
    """Return the backend `on`, as `--on` names it, for a run that is to go on by itself or not."""
    if on == "slurm":
        if "SLURM_JOB_ID" not in os.environ:
            return Slurm()
        if detached:
            raise UsageError("--detach within an allocation, which ends with what started it")
        return SlurmAllocation()
    if on in _BY_PSIJ:
        return Psij(on)
    if on.startswith("psij:"):
        return Psij(on[len("psij:") :])
    known = ", ".join(["slurm", *_BY_PSIJ])
    raise UsageError(f"no scheduler {on!r}; there are {known} and psij:EXECUTOR")


def refresh_detached(record: RunRecord) -> RunRecord:
    """Return the record of a detached run as it is by now.

    When its job has ended without making the record, as one that was killed, it is made here.
    """
    if record.status is not Status.RUNNING or record.job is None:
        return record
    directory = Path(record.directory)
    try:
        there = load(directory / "run.json")
        if there.status is not Status.RUNNING:
            # The state folder may not be there on the nodes.
            Store(Path(there.project)).save(there)
            return there
        plan = Plan.read(directory)
        scheduler = (
            Slurm() if plan.scheduler == "slurm" else make_scheduler(plan.scheduler, detached=True)
        )
        state = scheduler.state_of(plan)
    except (RecordError, InfrastructureError, UsageError):
        return record
    if state.phase is not Phase.ENDED:
        return record
    watch = Watch(plan)
    watch.refresh()
    whole = all(shard.state in (ShardState.DONE, ShardState.LOST) for shard in watch.shards)
    ended = [] if whole else [f"job {plan.job} ended before its tests: {state.word}"]
    merge(plan, there, errors=[*watch.errors, *ended])
    RecordWriter(there).publish()
    return there
