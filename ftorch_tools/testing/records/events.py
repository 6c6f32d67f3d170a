# SPDX-License-Identifier: MIT
"""What a runner reports while it runs; the display and the core sharing live on these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
