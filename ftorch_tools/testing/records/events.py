# SPDX-License-Identifier: MIT
"""What a runner reports while it runs, for the display, the sharing of cores and the journals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ftorch_tools.testing.records.record import Outcome


@dataclass(frozen=True)
class Planned:
    """`runner` is going to run `count` tests."""

    runner: str
    count: int


@dataclass(frozen=True)
class Started:
    """A test began."""

    runner: str
    id: str


@dataclass(frozen=True)
class Ended:
    """A test ended, as far as the live output tells; the runner's results are the truth.

    `before` is how the attempt ended that this one follows.
    """

    runner: str
    id: str
    outcome: Outcome
    before: Outcome | None = None


@dataclass(frozen=True)
class Closed:
    """The runner's process is gone and its results are complete."""

    runner: str


Event = Planned | Started | Ended | Closed
Emit = Callable[[Event], None]


def to_entry(event: Event) -> dict[str, Any]:
    """Return `event` as a journal holds it."""
    return {"event": type(event).__name__.lower(), **asdict(event)}


def from_entry(entry: Mapping[str, Any]) -> Event | None:
    """Return the event of a test in a journal's line; None for what concerns no test.

    Raise KeyError, TypeError or ValueError for a line that is damaged.
    """
    kind = entry["event"]
    if kind == "planned":
        return Planned(entry["runner"], int(entry["count"]))
    if kind == "started":
        return Started(entry["runner"], entry["id"])
    if kind == "ended":
        before = entry.get("before")
        outcome = Outcome(entry["outcome"])
        return Ended(entry["runner"], entry["id"], outcome, before and Outcome(before))
    return None
