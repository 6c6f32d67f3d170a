# SPDX-License-Identifier: MIT
"""Calls external programs: each within a time limit, and with all of its children ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ftorch_tools.text import decode, lines_of

# A process in an uninterruptible call of the system outlives even SIGKILL.
_END_SECONDS = 2.0


class CommandError(Exception):
    """A program cannot be started, or does not end in time."""


class CommandTimeoutError(CommandError):
    """A program does not end in time."""


@dataclass(frozen=True)
class Answer:
    """How a program ended, a negative `code` for a signal, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The last line of what it printed, errors before other output, or its exit code."""
        for text in (self.err, self.out):
            if text.strip():
                return lines_of(text.strip())[-1].strip()
        return f"exit code {self.code}"


def start(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdout: IO[str] | IO[bytes] | int | None = None,
    stderr: int | None = None,
    pass_fds: Sequence[int] = (),
    own_session: bool = True,
) -> subprocess.Popen[bytes]:
    """Start `command` without standard input, in a session that no Ctrl-C reaches."""
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
        start_new_session=own_session,
    )


def call(
    *command: str | Path,
    timeout: float,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    log: IO[str] | None = None,
    english: bool = True,
) -> Answer:
    """Run `command`, in plain English, and return its answer; with `log` its output goes there.

    Raise `CommandError` when it cannot be started, or takes longer than `timeout` seconds.
    """
    language = {"LC_ALL": "C"} if english else {}
    try:
        process = start(
            command,
            cwd=cwd,
            environment={**(os.environ if environment is None else environment), **language},
            stdout=subprocess.PIPE if log is None else log,
            stderr=subprocess.PIPE if log is None else subprocess.STDOUT,
        )
    except OSError as error:
        raise CommandError(f"{command[0]}: {error.strerror or error}") from error
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        message = f"{command[0]} did not answer within {timeout:g} s"
        raise CommandTimeoutError(message) from None
    except BaseException:
        _end(process)
        raise
    return Answer(process.returncode, decode(out or b""), decode(err or b""))


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_END_SECONDS)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
