# SPDX-License-Identifier: MIT
"""Where the bars of a report's plots stand, in per cent of the width."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from ftorch_tools.testing.records.record import Outcome, RunRecord, TestResult

_LONGEST_SHOWN = 25
_FEWEST_TICKS = 4


@dataclass(frozen=True)
class Bar:
    """One test, or one attempt of it."""

    id: str
    outcome: Outcome
    seconds: float
    left: float
    width: float
    lane: int = 0


@dataclass
class Track:
    """The tests of one runner on one host, those that ran at once in different lanes."""

    name: str
    bars: list[Bar] = field(default_factory=list)
    lanes: int = 0


@dataclass(frozen=True)
class Timeline:
    """When the tests ran; `ticks` are pairs of a place and its label."""

    tracks: list[Track]
    ticks: list[tuple[float, str]]


def longest(tests: list[TestResult]) -> list[Bar]:
    """Return bars for the tests that took longest, that one first."""
    timed = [(test.seconds, test) for test in tests if test.seconds]
    timed.sort(key=lambda item: -item[0])
    return [
        Bar(test.id, test.outcome, seconds, 0.0, 100 * seconds / timed[0][0])
        for seconds, test in timed[:_LONGEST_SHOWN]
    ]


def timeline(record: RunRecord) -> Timeline | None:
    """Return when the tests of a run ran; None when it is not known of any."""
    spans = defaultdict(list)
    most: dict[str, int] = {}
    for test in record.tests:
        for attempt in test.attempts:
            if attempt.start is not None and attempt.seconds is not None:
                name = f"{test.runner} on {attempt.host or record.host}"
                spans[name].append((attempt.start, attempt.seconds, test.id, attempt.outcome))
                if attempt.host is None:
                    most[name] = record.jobs  # of other machines it is not known
    if not spans:
        return None
    end = max(start + seconds for track in spans.values() for start, seconds, _, _ in track)
    end = max(end, 1e-3)
    tracks = []
    for name, track in sorted(spans.items()):
        tracks.append(Track(name))
        busy_until: list[float] = []
        for start, seconds, id, outcome in sorted(track):
            lane = _free_lane(busy_until, start, most.get(name))
            begin = min(max(start, busy_until[lane]), start + seconds)
            busy_until[lane] = start + seconds
            left, width = 100 * begin / end, 100 * (start + seconds - begin) / end
            tracks[-1].bars.append(Bar(id, outcome, seconds, left, width, lane))
        tracks[-1].lanes = len(busy_until)
    return Timeline(tracks, _ticks(end))


def _free_lane(busy_until: list[float], start: float, most: int | None) -> int:
    """Return a lane that is free at `start`; of `most` lanes, the one that is free next."""
    for lane, end in enumerate(busy_until):
        if end <= start + 1e-3:
            return lane
    if most is not None and len(busy_until) >= most:
        # More cannot run at once: what is seen of the start may lag behind it.
        return min(range(len(busy_until)), key=lambda lane: busy_until[lane])
    busy_until.append(0.0)
    return len(busy_until) - 1


def _ticks(end: float) -> list[tuple[float, str]]:
    unit = 10.0 ** math.floor(math.log10(end))
    step = next(
        s for s in (5 * unit, 2 * unit, unit, unit / 2, unit / 5) if end / s >= _FEWEST_TICKS
    )
    return [(100 * n * step / end, f"{n * step:g} s") for n in range(int(end / step) + 1)]
