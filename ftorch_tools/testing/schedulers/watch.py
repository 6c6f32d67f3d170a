# SPDX-License-Identifier: MIT
"""What the workers of a run do, as far as their files tell."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from ftorch_tools.testing.records.journal import Journal
from ftorch_tools.testing.records.record import Status
from ftorch_tools.testing.schedulers.plan import Plan

# A step may be gone before a network file system shows the last that it wrote.
_LATE_SECONDS = 5.0


class ShardState(Enum):
    """How far a shard is; `STOPPED` is a worker that was told to end before its tests had."""

    WAITING = "waiting"
    WORKING = "working"
    STOPPED = "stopped"
    DONE = "done"
    LOST = "lost"


class WatchedShard:
    """One shard: its state, the node it is on, and why it is lost if it is."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.state = ShardState.WAITING
        self.node: str | None = None
        self.why = ""
        self._patience = plan.lost_after
        self._journal = Journal(plan.journal(number))
        # When it was last known to live, on this process' own clock: those of nodes may differ.
        self.alive: float | None = None
        self._gone: float | None = None

    @property
    def open(self) -> bool:
        """True while more is to be expected."""
        return self.state in (ShardState.WAITING, ShardState.WORKING)

    def expect(self) -> None:
        """Begin to wait for the worker's first beat."""
        if self.alive is None and self.open:
            self.alive = time.monotonic()

    def forget(self) -> None:
        """Wait for a worker anew, as long as it may take to begin."""
        if self.state is not ShardState.DONE:
            self.state, self.alive, self._gone = ShardState.WAITING, None, None

    def gone(self, why: str) -> None:
        """Take in that the worker's process has ended."""
        if self._gone is None:
            self._gone, self.why = time.monotonic(), why

    def refresh(self) -> list[dict[str, Any]]:
        """Read what is new and return the journal's new lines."""
        news = self._journal.news()
        for entry in news:
            self._apply(entry)
        now = time.monotonic()
        if news:
            self.alive = now
        if self.open:
            if self._gone is not None and now - self._gone > _LATE_SECONDS:
                self.state = ShardState.LOST
                self._journal.append("lost", why=self.why)
            elif self.alive is not None and now - self.alive > self._patience:
                self.state = ShardState.LOST
                self.why = f"no sign of life for {self._patience:g} s"
        return news

    def _apply(self, entry: dict[str, Any]) -> None:
        if entry["event"] == "attempt":
            self.state, self.node = ShardState.WORKING, str(entry.get("host"))
        elif entry["event"] == "closed":
            stopped = entry.get("status") == Status.INTERRUPTED.value
            self.state = ShardState.STOPPED if stopped else ShardState.DONE
        elif entry["event"] == "lost":
            self.state, self.why = ShardState.LOST, str(entry.get("why"))


class Watch:
    """All shards of a run."""

    def __init__(self, plan: Plan, listen: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.shards = [WatchedShard(plan, number) for number in range(len(plan.shards))]
        self._listen = listen or (lambda entry: None)

    def refresh(self) -> None:
        """Read what the workers wrote."""
        for shard in self.shards:
            for entry in shard.refresh():
                with contextlib.suppress(KeyError, ValueError, TypeError):  # a damaged line
                    self._listen(entry)

    def expect(self) -> None:
        """Begin to wait for each worker's first sign of life."""
        for shard in self.shards:
            shard.expect()

    def forget(self) -> None:
        """The job begins anew: wait for all workers that have not ended well."""
        for shard in self.shards:
            shard.forget()

    @property
    def last_sign(self) -> float:
        """When a worker was last known to live, by the monotonic clock."""
        return max(shard.alive or 0.0 for shard in self.shards)

    @property
    def settled(self) -> bool:
        """True when nothing more is to be expected of any shard."""
        return not any(shard.open for shard in self.shards)

    @property
    def complete(self) -> bool:
        """True when all workers ended by themselves."""
        return all(shard.state is ShardState.DONE for shard in self.shards)

    @property
    def errors(self) -> list[str]:
        """What to say of the shards that are lost."""
        return [
            f"shard {number} ({shard.node or 'never began'}): {shard.why}; its results are lost"
            for number, shard in enumerate(self.shards)
            if shard.state is ShardState.LOST
        ]
