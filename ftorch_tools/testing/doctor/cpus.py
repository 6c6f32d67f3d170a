# SPDX-License-Identifier: MIT
"""Checks the cores that may be used against those that threads will want."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ftorch_tools.testing.cores import usable_cores
from ftorch_tools.testing.doctor.finding import Finding, ok, problem, warning
from ftorch_tools.testing.doctor.subject import Subject

_SET = "Set OMP_NUM_THREADS to at most"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the cores by affinity and quota, and what OMP_NUM_THREADS and Slurm say."""
    usable, present = usable_cores(), os.cpu_count() or 1
    affinity = _affinity()
    limit = "affinity" if usable == affinity else "the quota of a cgroup"
    why = "" if usable == present else f", by {limit}"
    yield ok(f"{usable} of {present} cores may be used{why}")
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads is not None:
        yield from _openmp(threads, usable)
    elif affinity > usable:
        yield warning(
            f"LibTorch and OpenMP will start {affinity} threads on {usable} cores: they do not "
            "see the quota of the cgroup",
            f"{_SET} {usable}.",
        )
    granted = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if granted.isdigit() and int(granted) > usable:
        yield warning(
            f"Slurm granted {granted} cores to each task, but this process may use {usable}",
            "Start it by `srun --cpus-per-task=$SLURM_CPUS_PER_TASK`; srun does not take that "
            "number over by itself.",
        )


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _openmp(threads: str, usable: int) -> Iterator[Finding]:
    first = threads.split(",")[0].strip()
    if not first.isdigit() or int(first) == 0:
        yield problem(f"OMP_NUM_THREADS={threads!r} is no number of threads", f"{_SET} {usable}.")
    elif int(first) > usable:
        yield warning(
            f"OMP_NUM_THREADS={threads} starts more threads than the {usable} cores that may be "
            "used",
            f"{_SET} {usable}.",
        )
    else:
        yield ok(f"OMP_NUM_THREADS={threads}")
