# SPDX-License-Identifier: MIT
"""Checks the limits on this process: memory, the size of files, the stack, open files."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil

from ftorch_tools.testing.doctor.cgroup import memory_limit
from ftorch_tools.testing.doctor.finding import Finding, ok, problem, warning
from ftorch_tools.testing.doctor.subject import Subject

_MIB = 1024**2
# LibTorch maps 1 GiB or more and uses 200 MiB; compiling its headers takes 2 GiB.
_MEMORY_MIB = (512, 2048)
_ADDRESS_SPACE_MIB = (2048, 8192)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the memory that is left, and each limit that is too low."""
    available = psutil.virtual_memory().available
    group, used = memory_limit(Path("/"))
    left = available if group is None else min(available, group - used)
    source = "" if group is None or left == available else ", by the limit of a cgroup"
    yield _judge(
        left, _MEMORY_MIB, f"memory: {left // _MIB} MiB may be used{source}", "Ask for more memory"
    )
    yield from _resource(
        "address space (ulimit -v)", resource.RLIMIT_AS, _ADDRESS_SPACE_MIB, "ulimit -v unlimited"
    )
    yield from _resource(
        "size of a file (ulimit -f)", resource.RLIMIT_FSIZE, (100, 1024), "ulimit -f unlimited"
    )
    yield from _resource("stack (ulimit -s)", resource.RLIMIT_STACK, (1, 8), "ulimit -s unlimited")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= files < 256:
        yield warning(f"open files (ulimit -n): {files}", "Say `ulimit -n 1024`.")


def _resource(
    what: str, kind: int, thresholds_mib: tuple[int, int], remedy: str
) -> Iterator[Finding]:
    soft, hard = resource.getrlimit(kind)
    if soft == resource.RLIM_INFINITY:
        return
    bounded = "" if hard == resource.RLIM_INFINITY else f" (up to {hard // _MIB} MiB is allowed)"
    yield _judge(
        soft, thresholds_mib, f"{what}: at most {soft // _MIB} MiB", f"Say `{remedy}`{bounded}"
    )


def _judge(amount: int, thresholds_mib: tuple[int, int], text: str, remedy: str) -> Finding:
    too_little, little = (threshold * _MIB for threshold in thresholds_mib)
    if amount < too_little:
        return problem(text, f"{remedy}.")
    return warning(text, f"{remedy}.") if amount < little else ok(text)
