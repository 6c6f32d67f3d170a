# SPDX-License-Identifier: MIT
"""The tightest memory limit of the cgroups that this process is in."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

_FILES = {
    "": ("memory.max", "memory.current"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
}
# Version 1 says "no limit" by the greatest number of pages.
_NO_LIMIT = 2**60


def memory_limit(root: Path) -> tuple[int | None, int]:
    """Return the limit that leaves least, and what is used of it, in bytes; None for no limit.

    `root` is the file system root under which `proc/self/cgroup` and `sys/fs/cgroup` are read.
    """
    try:
        memberships = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None, 0
    found = []
    for membership in memberships:
        _, controllers, path = membership.split(":", 2)
        controller = "memory" if "memory" in controllers.split(",") else controllers
        if controller not in _FILES:
            continue
        relative = PurePosixPath(path.lstrip("/"))
        for folder in [relative, *relative.parents]:
            limits = [
                _number(root / "sys/fs/cgroup" / controllers / folder / name)
                for name in _FILES[controller]
            ]
            if limits[0] is not None and limits[0] < _NO_LIMIT:
                found.append((limits[0], limits[1] or 0))
    return min(found, key=lambda pair: pair[0] - pair[1], default=(None, 0))


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
