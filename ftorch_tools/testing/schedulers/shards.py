# SPDX-License-Identifier: MIT
"""Packs tests into shards of about the same duration."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ftorch_tools.testing.schedulers.plan import Shard

# For a first run, where no duration is known.
_UNKNOWN_SECONDS = 1.0


@dataclass(frozen=True)
class Unit:
    """A test: those that have one of `colocation_keys` in common run in the same shard."""

    runner: str
    id: str
    colocation_keys: frozenset[str] = frozenset()
    processors: int = 1


def pack(
    selected: Sequence[Unit],
    others: Sequence[Unit],
    durations: Mapping[tuple[str, str], float],
    most: int,
) -> list[Shard]:
    """Return at most `most` shards that hold `selected`, the longest groups placed first.

    `others` are tests that run only if a selected one needs them: they tie groups together.
    `durations` are seconds by runner and id; an unknown one counts as their median.
    """
    usual = median(durations.values()) if durations else _UNKNOWN_SECONDS
    chosen = set(selected)
    costs = []
    for place, group in enumerate(_groups([*selected, *others])):
        mine = [unit for unit in group if unit in chosen]
        cost = sum(durations.get((u.runner, u.id), usual) * u.processors for u in mine)
        if mine:
            costs.append((-cost, place, mine))
    shards = [Shard() for _ in range(min(most, len(costs)))]
    # Cost so far, number of tests so far, number of the shard.
    loads = [(0.0, 0, number) for number in range(len(shards))]
    for negative, _, group in sorted(costs, key=lambda item: item[:2]):
        load, count, number = heapq.heappop(loads)
        heapq.heappush(loads, (load - negative, count + len(group), number))
        for unit in group:
            (shards[number].ctest if unit.runner == "ctest" else shards[number].pytest).append(
                unit.id
            )
    return shards


def _groups(units: Sequence[Unit]) -> list[list[Unit]]:
    """Return the units, those that are tied together, directly or not, in one list."""
    leader: dict[str, str] = {}

    def find(tie: str) -> str:
        while leader.setdefault(tie, tie) != tie:
            leader[tie] = tie = leader[leader[tie]]
        return tie

    for unit in units:
        first, *rest = [*unit.colocation_keys, f"{unit.runner} {unit.id}"]
        for tie in rest:
            leader[find(tie)] = find(first)
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(find(f"{unit.runner} {unit.id}"), []).append(unit)
    return list(groups.values())
