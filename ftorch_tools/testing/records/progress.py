# SPDX-License-Identifier: MIT
"""How far a run is, as its events tell it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ftorch_tools.testing.records.events import Ended, Event, Planned, Started
from ftorch_tools.testing.records.record import Outcome


@dataclass
class Progress:
    """How many tests are `planned`, by writer of events and runner, and how those ended that have.

    `running` gives for each test that runs when it began.
    """

    planned: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    running: dict[tuple[str, str], float] = field(default_factory=dict)

    def apply(self, event: Event, at: float, writer: str = "") -> None:
        """Take in an event of the time `at`."""
        if isinstance(event, Planned):
            self.planned[writer, event.runner] = event.count
        elif isinstance(event, Started):
            self.running[event.runner, event.id] = at
        elif isinstance(event, Ended):
            self.running.pop((event.runner, event.id), None)
            self.outcomes[event.outcome] += 1
            if event.before is not None:
                self.outcomes[event.before] -= 1

    @property
    def done(self) -> int:
        """How many tests ended."""
        return sum(self.outcomes.values())

    @property
    def total(self) -> int:
        """How many tests are known to be wanted."""
        # ctest adds the fixtures of what was selected: one is known when it starts.
        return max(self.done + len(self.running), sum(self.planned.values()))

    @property
    def failed(self) -> int:
        """How many tests ended badly."""
        return sum(count for outcome, count in self.outcomes.items() if outcome.is_failure)
