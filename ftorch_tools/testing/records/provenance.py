# SPDX-License-Identifier: MIT
"""Says in words where a run comes from."""

from __future__ import annotations

import shlex
from collections import Counter

from ftorch_tools.testing.records.record import RunRecord


def provenance(record: RunRecord) -> list[tuple[str, str]]:
    """Return what is known of the origin of a run, as pairs of a name and its value."""
    seconds = f", {record.seconds:.1f} s" if record.seconds is not None else ""
    commit = record.commit or ""
    if record.dirty:
        commit += " with changes"
    known = [
        ("run", f"{record.id} ({record.status.value})"),
        ("started", f"{record.start.replace('T', ' ').replace('+00:00', ' UTC')}{seconds}"),
        ("host", f"{record.host}, {record.jobs} of {record.cores} cores"),
        ("devices", _devices(record.devices)),
        ("project", record.project),
        ("build", record.build),
        ("commit", commit),
        ("FTorch", " in ".join(filter(None, [record.ftorch, record.prefix]))),
        ("LibTorch", record.libtorch or ""),
        ("CMake", record.cmake or ""),
        *((language, _compiler(record, language)) for language in record.compilers),
        ("command", shlex.join(record.command)),
    ]
    return [(name, value) for name, value in known if value]


def _devices(names: list[str] | None) -> str:
    if names is None:
        return "unknown: nvidia-smi does not answer"
    return ", ".join(f"{count} x {name}" for name, count in Counter(names).items())


def _compiler(record: RunRecord, language: str) -> str:
    compiler = record.compilers[language]
    return " ".join(filter(None, [compiler.id, compiler.version, f"({compiler.path})"]))
