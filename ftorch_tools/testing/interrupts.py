# SPDX-License-Identifier: MIT
"""Interrupts of a run, counted while it goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from ftorch_tools.errors import InfrastructureError

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# By these schedulers warn that a job is soon to end.
_WARNING = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)


def handled_signals() -> list[signal.Signals]:
    """Return the signals that end a run: all that were not ignored from the start, as by nohup."""
    ignored = (signal.SIG_IGN, _do_nothing)
    return [n for n in (*_ENDING, *_WARNING) if signal.getsignal(n) not in ignored]


def block_signals() -> None:
    """Keep back the signals that end a run until `Signals` are entered, which then count them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, handled_signals())


class Signals:
    """Counts interrupts while it is entered, in place of being ended by them."""

    def __init__(self) -> None:
        self.count = 0
        self.number = 0

    def __enter__(self) -> Signals:
        self._before = {number: signal.signal(number, self._note) for number in handled_signals()}
        if signal.SIGINT not in self._before:
            # To ignore is inherited, and pytest, in a session of its own, is stopped by SIGINT.
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, _do_nothing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._before)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Whoever is impatient must not cost the stopped run its summary and exit code.
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if self.count else handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.number = self.number or number


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Ignore a signal that child processes are not to ignore."""


@contextmanager
def interruptible(message: str) -> Iterator[None]:
    """End by `InfrastructureError` at a signal that is noted, and by `SystemExit` at another."""

    def end(number: int, frame: FrameType | None) -> None:
        handler = before[signal.Signals(number)]
        if not callable(handler):
            raise SystemExit(128 + number)
        handler(number, frame)
        raise InfrastructureError(message)

    before = {number: signal.getsignal(number) for number in handled_signals()}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
