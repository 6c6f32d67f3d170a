# SPDX-License-Identifier: MIT
"""Checks the folders that runs write to: permission, execution, and space."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import psutil

from ftorch_tools.command import CommandError, call
from ftorch_tools.testing.doctor.finding import Finding, ok, problem, warning
from ftorch_tools.testing.doctor.subject import Subject

# A run of all tests writes some 100 MB, a build of the library some 300 MB.
_LITTLE = 1024**3
_TOO_LITTLE = 100 * 1024**2
_FEW_FILES = 10_000
_PROBE_BYTES = 1024**2
_SECONDS = 20.0


def check(subject: Subject) -> Iterator[Finding]:
    """Yield for each folder whether files can be made and run in it, and the space left."""
    state = platformdirs.user_state_path("ftorch-test", appauthor=False)
    cache = platformdirs.user_cache_path("ftorch-test", appauthor=False)
    yield from _folder("state folder", state, "Set XDG_STATE_HOME", runs=False)
    yield from _folder("cache folder", cache, "Set XDG_CACHE_HOME", runs=True)
    temporary = os.environ.get("TMPDIR")
    if temporary is not None and not Path(temporary).is_dir():
        yield problem(f"TMPDIR={temporary} is no folder", "Make it, or unset TMPDIR.")
    else:
        yield from _folder(
            "temporary folder", Path(tempfile.gettempdir()), "Set TMPDIR", runs=True
        )
    if subject.build is not None:
        yield from _folder("build folder", subject.build, "Build", runs=True)


def _folder(what: str, folder: Path, how: str, *, runs: bool) -> Iterator[Finding]:
    """Yield what can be done in `folder`, or in the nearest folder above it that exists."""
    remedy = f"{how} {'in' if how == 'Build' else 'to'} a folder that you may write to"
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        reason = _try(folder, runs=runs)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        extra = " and that has space, or remove files" if full else ""
        yield problem(f"{what} {folder}: {error.strerror}", f"{remedy}{extra}.")
        return
    if reason:
        yield problem(
            f"{what} {folder}: programs in it cannot be run ({reason})",
            f"{how} {'in' if how == 'Build' else 'to'} a folder of a file system that is not "
            "mounted with noexec.",
        )
    yield from _space(what, folder, remedy)


def _try(folder: Path, *, runs: bool) -> str | None:
    """Write in `folder`; return why a program there does not run, raise OSError if none can be."""
    with tempfile.TemporaryDirectory(prefix=".ftorch-probe-", dir=folder) as name:
        data, script = Path(name, "data"), Path(name, "script")
        with data.open("wb") as stream:
            # Not zeros, which some file systems do not store.
            stream.write(os.urandom(_PROBE_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        if not runs:
            return None
        script.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
        script.chmod(0o700)
        try:
            answer = call(script, timeout=_SECONDS)
        except CommandError as error:
            if isinstance(error.__cause__, PermissionError):
                return error.__cause__.strerror
            raise
        if answer.code != 0:
            raise CommandError(f"{script}: {answer.message}")
    return None


def _space(what: str, folder: Path, remedy: str) -> Iterator[Finding]:
    free = psutil.disk_usage(str(folder)).free
    text = f"{what} {folder}: {_size(free)} free"
    if free < _TOO_LITTLE:
        yield problem(text, f"{remedy} and that has space, or remove files.")
    elif free < _LITTLE:
        yield warning(text, f"{remedy} and that has space, or remove files.")
    else:
        yield ok(f"{text}, can be written to")
    state = os.statvfs(folder)
    if state.f_files > 0 and state.f_favail < _FEW_FILES:
        yield warning(f"{what} {folder}: room for {state.f_favail} more files", f"{remedy}.")


def _size(amount: int) -> str:
    unit = 1024**3 if amount >= _LITTLE else 1024**2
    return f"{amount / unit:.1f} {'GiB' if unit == 1024**3 else 'MiB'}"
