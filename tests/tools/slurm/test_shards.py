# SPDX-License-Identifier: MIT
"""Tests are packed so that nodes end together, and what belongs together stays so."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from ftorch_tools.testing.schedulers.shards import Unit, pack


def unit(name, *ties, processors=1):
    return Unit("ctest", name, frozenset({f"test {name}", *ties}), processors)


def names(shards):
    return [set(shard.ctest) for shard in shards]


def test_longest_first():
    durations = {name: float(name) for name in ("7", "5", "4", "3", "1")}
    units = [unit(name) for name in durations]
    # 7, then 5, then 4 to the 5, 3 to the 7, 1 to the 9 or the 10.
    assert names(pack(units, [], of_ctest(durations), 2)) == [{"7", "3"}, {"5", "4", "1"}]


def test_a_test_counts_for_each_of_its_processors():
    durations = dict.fromkeys("abcd", 1.0)
    units = [unit("a", processors=3), *map(unit, "bcd")]
    assert names(pack(units, [], of_ctest(durations), 2)) == [{"a"}, {"b", "c", "d"}]


def of_ctest(durations):
    return {("ctest", name): seconds for name, seconds in durations.items()}


def test_unknown_durations_count_as_the_median():
    durations = {"a": 1.0, "b": 9.0, "gone": 5.0}
    units = [unit("a"), unit("b"), unit("new")]
    assert names(pack(units, [], of_ctest(durations), 2)) == [{"b"}, {"new", "a"}]


def test_ties_hold_across_tests_that_are_not_selected():
    setup = unit("setup", "fixture F", "fixture G")
    units = [unit("a", "fixture F"), unit("b", "fixture G"), unit("c"), unit("d", "test a")]
    shards = pack(units, [setup], {}, 4)
    assert sorted(map(sorted, names(shards))) == [["a", "b", "d"], ["c"]]


def test_runners_are_kept_apart():
    (shard,) = pack([unit("a"), Unit("pytest", "a")], [], {}, 1)
    assert (shard.ctest, shard.pytest) == (["a"], ["a"])


def best_of_all(costs, most):
    """The least possible load of the fullest of `most` shards, by trying everything."""
    placements = product(range(most), repeat=len(costs))
    return min(
        max(sum(c for c, at in zip(costs, placement) if at == shard) for shard in range(most))
        for placement in placements
    )


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(1, 3))
def test_never_far_from_the_best(costs, most):
    durations = {str(number): float(cost) for number, cost in enumerate(costs)}
    shards = pack([unit(name) for name in durations], [], of_ctest(durations), most)
    assert sorted(name for shard in shards for name in shard.ctest) == sorted(
        name for name in durations
    )
    fullest = max(sum(durations[name] for name in shard.ctest) for shard in shards)
    # Graham's bound for longest processing time first.
    assert fullest <= best_of_all(costs, most) * (4 / 3 - 1 / (3 * most)) + 1e-9


@given(
    st.lists(st.sets(st.sampled_from("FGHI"), max_size=2), min_size=1, max_size=12),
    st.integers(1, 5),
)
def test_each_tie_is_in_one_shard(ties, most):
    units = [unit(str(number), *map("fixture {}".format, t)) for number, t in enumerate(ties)]
    shards = pack(units, [], {}, most)
    for tie in "FGHI":
        tied = {str(number) for number, t in enumerate(ties) if tie in t}
        assert sum(bool(tied & shard) for shard in names(shards)) <= 1
