# SPDX-License-Identifier: MIT
"""Interrupts of a run: counted while it goes on, and turned into the end of its drivers."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType

from ftorch_tools.drivers.runner import Runner

# How long the drivers may take to stop their tests after an interrupt.
_STOP_SECONDS = 5.0


class Signals:
    """Counts interrupts while it is entered, in place of being ended by them."""

    _watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.count = 0
        self.number = 0

    def __enter__(self) -> Signals:
        self._before = [signal.signal(number, self._note) for number in self._watched]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Whoever is impatient must not cost the stopped run its summary and exit code.
        after = [signal.SIG_IGN] * len(self._before) if self.count else self._before
        for number, handler in zip(self._watched, after):
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.number = self.number or number


class Stop:
    """Ends the drivers after an interrupt: politely first, then at once."""

    def __init__(self, runners: list[Runner], signals: Signals) -> None:
        self._runners = runners
        self._signals = signals
        self._asked = False
        self._deadline = float("inf")

    def advance(self) -> None:
        """Do what is due now."""
        if self._signals.count and not self._asked:
            self._asked = True
            self._deadline = time.monotonic() + _STOP_SECONDS
            for runner in self._runners:
                runner.interrupt()
        if self._signals.count > 1 or time.monotonic() > self._deadline:
            for runner in self._runners:
                runner.kill()
