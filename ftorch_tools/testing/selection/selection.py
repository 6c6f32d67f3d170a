# SPDX-License-Identifier: MIT
"""Chooses tests by name, by label and by share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ftorch_tools.errors import UsageError

if TYPE_CHECKING:
    from ftorch_tools.testing.selection.expression import Predicate

# The runners of tests.
CTEST = "ctest"
PYTEST = "pytest"
# The label that leaves a test out unless it is asked for, and the one of every Python test.
SLOW = "slow"
PYTHON = "python"
# Fields that have another name in records.
_RECORDED_AS = {"include_slow": "everything", "ignore_missing": "lenient"}


class Choice(Enum):
    """What a selection says about one test."""

    SELECTED = "selected"
    DESELECTED = "deselected"
    EXCLUDED_AS_SLOW = "excluded_as_slow"


@dataclass(frozen=True)
class Selection:
    """What a test must be to run; each field that is given must agree.

    `regex`, `labels` and `exclude` are regular expressions (Python's, searched anywhere): the name
    must match the first, each of `labels` must match a label, and no label may match any of
    `exclude`. `expression` is boolean over labels. `tests` are the tests by name, where for pytest
    the name of a file, folder, class or function stands for all that it holds. `shard`, as "2/5",
    is the share that a stable hash of the name decides, whatever other tests there are.

    A name in `tests` that no test has is a failure, unless the selection is `ignore_missing`.

    Tests labelled slow are left out unless `include_slow` is set or they are asked for: by name,
    by one of `labels`, or by an expression that names them.
    """

    regex: str | None = None
    labels: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    include_slow: bool = False
    expression: str | None = None
    tests: list[tuple[str, str]] | None = None
    shard: str | None = None
    ignore_missing: bool = False

    def __post_init__(self) -> None:
        for pattern in [self.regex or "", *self.labels, *self.exclude]:
            try:
                re.compile(pattern)
            except re.error as error:
                message = f"not a regular expression: {pattern!r}: {error}"
                raise UsageError(message) from error
        # What cannot be read is told now.
        self._parsed, self._share  # noqa: B018

    @cached_property
    def includes_slow(self) -> bool:
        """True when tests labelled slow may be selected."""
        return (
            self.include_slow
            or self.tests is not None
            or any(re.search(label, SLOW) for label in self.labels)
            or SLOW in self._parsed[1]
        )

    @property
    def excludes_python(self) -> bool:
        """True when no Python test can be selected, as all bear that label."""
        return any(re.search(bad, PYTHON) for bad in self.exclude)

    def to_record(self) -> dict[str, Any]:
        """Return the fields under the names that a record of a run has for them."""
        return {_RECORDED_AS.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def from_record(cls, values: Mapping[str, Any]) -> Selection:
        """Return the selection of a record, also of one by another version."""
        known = {_RECORDED_AS.get(item.name, item.name): item.name for item in fields(cls)}
        selected = {known[name]: value for name, value in values.items() if name in known}
        tests = selected.get("tests")
        if tests is not None:
            selected["tests"] = [("", t) if isinstance(t, str) else (t[0], t[1]) for t in tests]
        return cls(**selected)

    def choose(self, runner: str, name: str, labels: Collection[str]) -> Choice:
        """Say whether the test `name` of `runner` with `labels` is selected."""
        if not (self._by_name(runner, name) and self._by_labels(labels)):
            return Choice.DESELECTED
        if SLOW in labels and not self.includes_slow:
            return Choice.EXCLUDED_AS_SLOW
        return Choice.SELECTED

    def resolved(self, of_ctest: Collection[str], to_id: Callable[[str], str]) -> Selection:
        """Return the selection with a runner for each test: ctest where `of_ctest` has the name.

        All others are Python tests, whose node ids `to_id` makes of names.
        """
        if self.tests is None:
            return self
        known = set(of_ctest)
        tests = []
        for runner, name in self.tests:
            if runner == "":
                named = (CTEST, name) if name in known else (PYTEST, to_id(name))
                tests.append(named)
            else:
                tests.append((runner, name))
        return replace(self, tests=list(dict.fromkeys(tests)))

    def unmatched(self, runner: str, names: Iterable[str]) -> list[str]:
        """Return those of the tests of `runner` that none of its `names` is or belongs to."""
        have = {reached for name in names for reached in reached_by(runner, name)}
        return [name for its, name in self.tests or [] if its == runner and name not in have]

    def _by_name(self, runner: str, name: str) -> bool:
        if self._wanted is not None:
            reached = {(its, r) for r in reached_by(runner, name) for its in (runner, "")}
            if self._wanted.isdisjoint(reached):
                return False
        if self.regex is not None and not re.search(self.regex, name):
            return False
        number, count = self._share
        return _hash(name) % count == number - 1 if count > 1 else True

    def _by_labels(self, labels: Collection[str]) -> bool:
        return (
            all(any(re.search(wanted, label) for label in labels) for wanted in self.labels)
            and not any(re.search(bad, label) for bad in self.exclude for label in labels)
            and self._parsed[0](labels)
        )

    @cached_property
    def _wanted(self) -> frozenset[tuple[str, str]] | None:
        # Lists where they come from JSON.
        return None if self.tests is None else frozenset((r, name) for r, name in self.tests)

    @cached_property
    def _parsed(self) -> tuple[Predicate, frozenset[str]]:
        if self.expression is None:
            return (lambda labels: True), frozenset()
        from ftorch_tools.testing.selection.expression import parse  # slow to import

        return parse(self.expression)

    @cached_property
    def _share(self) -> tuple[int, int]:
        if self.shard is None:
            return 1, 1
        found = re.fullmatch(r"(\d+)/(\d+)", self.shard)
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count:
            raise UsageError(f"not a shard: {self.shard!r}; expected i/n with 1 <= i <= n")
        return number, count


def _hash(name: str) -> int:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def reached_by(runner: str, id: str) -> Iterator[str]:
    """Yield the name of a test, and those of all that hold it: function, class, file, folders."""
    yield id
    if runner != PYTEST:
        return
    file, _, rest = id.partition("::")
    inner = rest.partition("[")[0].split("::") if rest else []
    for length in range(len(inner), 0, -1):
        yield "::".join([file, *inner[:length]])
    parts = file.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])
