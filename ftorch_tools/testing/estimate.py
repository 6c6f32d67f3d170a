# SPDX-License-Identifier: MIT
"""Estimates how long a run still takes, from the durations that earlier ones recorded."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from statistics import median

# How many runs are looked at: a run of few tests hides what the one before it knows.
_RUNS = 5


Identity = tuple[str, str]


class Durations:
    """The seconds that tests, by runner and name, took when they last ran."""

    def __init__(self, seconds: Mapping[Identity, float]) -> None:
        self.seconds = seconds
        self._typical = median(seconds.values()) if seconds else 0.0

    def left(
        self, remaining: Collection[Identity], elapsed: Mapping[Identity, float], jobs: int
    ) -> float | None:
        """Return the seconds until `remaining` have ended; None when none of them is known.

        `elapsed` says how long those that run have run. An unknown test takes as long as the
        median of the known ones.
        """
        if not any(id in self.seconds for id in remaining):
            return None
        rest = [
            max(0.0, self.seconds.get(id, self._typical) - elapsed.get(id, 0.0))
            for id in remaining
        ]
        return max(sum(rest) / jobs, *rest)


def read_durations(root: Path) -> Durations:
    """Read the newest of the runs below `root`; what cannot be read counts for nothing."""
    seconds: dict[Identity, float] = {}
    for file in sorted(root.glob("[0-9]*/run.json"), reverse=True)[:_RUNS]:
        try:
            for test in json.loads(file.read_text(encoding="utf-8"))["tests"]:
                took = test["attempts"][-1]["seconds"]
                if took is not None:
                    seconds.setdefault((test["runner"], test["id"]), float(took))
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return Durations(seconds)
