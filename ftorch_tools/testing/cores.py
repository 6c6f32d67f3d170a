# SPDX-License-Identifier: MIT
"""The number of cores that this process may use, by affinity and by cgroup CPU quota."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable_cores(root: Path = Path("/")) -> int:
    """Return the affinity count, lowered by the tightest cgroup quota (rounded down, at least 1).

    `root` is the file system root under which `proc/self/cgroup` and `sys/fs/cgroup` are read.
    """
    quotas = [quota for quota in _cgroup_quotas(root) if quota is not None]
    return max(1, min([_affinity(), *(int(quota) for quota in quotas)]))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_quotas(root: Path) -> Iterator[float | None]:
    """Yield the quota, in cores, of each cgroup from this process' own up to the top."""
    try:
        memberships = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    mount = root / "sys/fs/cgroup"
    for membership in memberships:
        _, controllers, path = membership.split(":", 2)
        names = controllers.split(",")
        if controllers == "":
            for folder in _upwards(mount, path):
                yield _quota_v2(folder / "cpu.max")
        elif "cpu" in names:
            for folder in _upwards(mount / controllers, path):
                yield _quota_v1(folder)


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    # In a container the path may name folders that only the host sees: those read as no quota.
    relative = PurePosixPath(path.lstrip("/"))
    yield mount / relative
    for parent in relative.parents:
        yield mount / parent


def _quota_v2(file: Path) -> float | None:
    try:
        quota, period = file.read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return quota / period if quota > 0 else None
    except (OSError, ValueError):
        return None
