# SPDX-License-Identifier: MIT
"""Checks that Slurm answers, and what allocation this process is in."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator

from ftorch_tools.command import CommandError, call
from ftorch_tools.testing.doctor.finding import Finding, ok, problem, warning
from ftorch_tools.testing.doctor.subject import Subject

_SECONDS = 15.0


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the state of the nodes and of the allocation."""
    job = os.environ.get("SLURM_JOB_ID")
    if shutil.which("sinfo") is None:
        if job:
            yield problem(
                f"this is job {job}, but no command of Slurm is on PATH",
                "Add the folder of srun to PATH; a container must bring it along.",
            )
        else:
            yield ok("no Slurm here")
        return
    try:
        answer = call("sinfo", "-h", "-o", "%D %T", timeout=_SECONDS)
        complaint = None if answer.code == 0 else answer.message
    except CommandError as error:
        complaint = str(error)
    if complaint is not None:
        text = f"Slurm does not answer: {complaint}"
        remedy = "`--on slurm` needs it: try later, or ask the administrators (`scontrol ping`)."
        # Whoever is in an allocation needs it now.
        yield problem(text, remedy) if job else warning(text, remedy)
        return
    yield from _nodes(answer.out)
    if job:
        yield from _allocation(job)


def _nodes(listing: str) -> Iterator[Finding]:
    states: Counter[str] = Counter()
    for line in listing.splitlines():
        number, _, state = line.partition(" ")
        if number.isdigit():
            states[state.strip().rstrip("*~#!%$@^-")] += int(number)
    text = ", ".join(f"{count} {state}" for state, count in states.most_common())
    usable = sum(count for state, count in states.items() if not _is_out(state))
    if usable:
        yield ok(f"Slurm answers; nodes: {text}")
    else:
        yield warning(f"Slurm has no node that works: {text or 'none at all'}", "Try later.")


def _is_out(state: str) -> bool:
    return state.startswith(("down", "drain", "fail", "maint", "unknown"))


def _allocation(job: str) -> Iterator[Finding]:
    try:
        answer = call("squeue", "-h", "-j", job, "-o", "%T %L", timeout=_SECONDS)
    except CommandError as error:
        yield warning(f"job {job}: {error}", "Try later.")
        return
    state, _, left = answer.out.strip().partition(" ")
    nodes = os.environ.get("SLURM_JOB_NUM_NODES", "?")
    if answer.code == 0 and state == "RUNNING":
        yield ok(f"inside job {job} on {nodes} nodes, time left {left}")
    else:
        yield problem(
            f"SLURM_JOB_ID is {job}, but that job is {state or 'unknown'}",
            "The allocation has ended: leave its shell, or unset SLURM_JOB_ID.",
        )
