# SPDX-License-Identifier: MIT
"""The command that starts MPI programs: that of the build, or else the one on PATH."""

from __future__ import annotations

import os
import shutil

RANKS = "{ranks}"


def mpi_launcher(cache: dict[str, str]) -> list[str] | None:
    """Return the launcher's command with `{ranks}` for the number of processes; None without.

    Flags are those that CMake's FindMPI recorded.
    """
    recorded = cache.get("MPIEXEC_EXECUTABLE", "")
    if recorded and os.access(recorded, os.X_OK):
        flags = list(filter(None, cache.get("MPIEXEC_PREFLAGS", "").split(";")))
        return [recorded, cache.get("MPIEXEC_NUMPROC_FLAG") or "-n", RANKS, *flags]
    found = shutil.which("mpiexec")
    return [found, "-n", RANKS] if found else None
