# SPDX-License-Identifier: MIT
"""The end of the drivers after an interrupt."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ftorch_tools.testing.drivers.runner import Runner
from ftorch_tools.testing.interrupts import Signals

# How long the drivers may take to stop their tests after an interrupt.
_STOP_SECONDS = 5.0


class Shutdown:
    """Ends the drivers after an interrupt: politely first, then at once."""

    def __init__(self, runners: Sequence[Runner], signals: Signals) -> None:
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
