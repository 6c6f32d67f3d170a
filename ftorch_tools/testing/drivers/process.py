# SPDX-License-Identifier: MIT
"""A child process in a session of its own, read line by line, that leaves nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from ftorch_tools.command import start
from ftorch_tools.testing.drivers.orphans import kill_marked, kill_orphans, marked, new_mark
from ftorch_tools.text import decode

# A reader that has not seen the end this long after the exit waits for a stray holder of the pipe.
DRAIN_SECONDS = 5.0


def exit_or_signal(code: int | None) -> dict[str, Any]:
    """Return the fields of a result that the status of a process, negative for a signal, fills."""
    if code is None or code >= 0:
        return {"exit_code": code, "signal": None}
    names = {number.value: number.name for number in signal.Signals}
    return {"exit_code": None, "signal": names.get(-code, f"signal {-code}")}


def describe_status(code: int) -> str:
    """Return the status of a process in words."""
    fields = exit_or_signal(code)
    return str(fields["signal"] or f"exit code {code}")


class Child:
    """Starts `command`; calls `on_line` for each line and `on_exit` once, from other threads.

    The lines are those of standard output, which `log` keeps too; or, when `events_variable` is
    given, those written to the file descriptor whose number that environment variable holds.
    `on_exit` receives the exit code, negative for a signal. What the child leaves behind when it
    exits is killed, be it in its process group or elsewhere. `problem` is the first error that
    reading or keeping its lines met.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None],
        on_exit: Callable[[int], None],
        events_variable: str | None = None,
    ) -> None:
        self.problem: Exception | None = None
        self._mark = new_mark()
        environment = marked(environment, self._mark)
        read_end, write_end = os.pipe()
        self._tee: BinaryIO | None = None
        try:
            with log.open("ab") as log_file:
                if events_variable is None:
                    self._tee = log.open("ab", buffering=0)
                    stdout: int = write_end
                    passed: tuple[int, ...] = ()
                else:
                    environment[events_variable] = str(write_end)
                    stdout = log_file.fileno()
                    passed = (write_end,)
                self._process = start(
                    command,
                    cwd=cwd,
                    environment=environment,
                    stdout=stdout,
                    stderr=subprocess.STDOUT,
                    pass_fds=passed,
                )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        self._on_line = on_line
        self._on_exit = on_exit
        self._gone = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(read_end,), daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, daemon=True).start()

    def signal(self, number: signal.Signals, *, group: bool) -> None:
        """Send a signal to the child, or to its whole process group; nothing once it is gone."""
        if self._gone.is_set():
            return
        try:
            if group:
                os.killpg(self._process.pid, number)
            else:
                os.kill(self._process.pid, number)
        except ProcessLookupError:
            pass

    def children(self) -> int:
        """Return how many child processes the child has."""
        pid = self._process.pid
        try:
            # Cheap, while psutil reads the state of every process of the machine.
            listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
            return len(listed.split())
        except OSError:
            pass
        try:
            return len(psutil.Process(pid).children())
        except psutil.Error:
            return 0

    def kill_orphans(self) -> None:
        """Kill what tests have left and holds up the child."""
        if not self._gone.is_set():
            kill_orphans(self._process.pid, self._mark)

    def _read(self, read_end: int) -> None:
        with os.fdopen(read_end, "rb") as stream:
            for line in stream:
                # Whatever goes wrong, the child must not wait for its reader.
                self._attempt(self._keep, line)
                self._attempt(self._on_line, decode(line).rstrip("\n"))

    def _keep(self, line: bytes) -> None:
        if self._tee is not None:
            self._tee.write(line)

    def _attempt(self, action: Callable[..., None], argument: object) -> None:
        try:
            action(argument)
        except Exception as error:
            self.problem = self.problem or error

    def _wait(self) -> None:
        # WNOWAIT leaves a zombie, so that the group's number cannot pass to somebody else's.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self.signal(signal.SIGKILL, group=True)
        self._gone.set()
        code = self._process.wait()
        self._attempt(kill_marked, self._mark)
        self._reader.join(DRAIN_SECONDS)
        if self._tee is not None:
            self._tee.close()
        self._on_exit(code)
