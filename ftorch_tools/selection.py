# SPDX-License-Identifier: MIT
"""Which tests are asked for, by name and by label, in the same words for ctest and pytest."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

from ftorch_tools.errors import UsageError

SLOW = "slow"


class Choice(Enum):
    """What a selection says about one test."""

    SELECTED = "selected"
    DESELECTED = "deselected"
    EXCLUDED_AS_SLOW = "excluded_as_slow"


@dataclass(frozen=True)
class Selection:
    """Regular expressions (Python's, searched anywhere) over test names and labels.

    A test must match `regex`, must have for each of `labels` a label that matches, and no label
    that matches any of `exclude`. Tests labelled slow are left out unless `everything` is set or
    one of `labels` matches the word slow.
    """

    regex: str | None = None
    labels: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    everything: bool = False

    def __post_init__(self) -> None:
        for pattern in [self.regex or "", *self.labels, *self.exclude]:
            try:
                re.compile(pattern)
            except re.error as error:
                message = f"not a regular expression: {pattern!r}: {error}"
                raise UsageError(message) from error

    @property
    def includes_slow(self) -> bool:
        """True when tests labelled slow may be selected."""
        return self.everything or any(re.search(label, SLOW) for label in self.labels)

    def choose(self, name: str, labels: Collection[str]) -> Choice:
        """Say whether the test `name` with `labels` is selected."""
        if self.regex is not None and not re.search(self.regex, name):
            return Choice.DESELECTED
        if not all(any(re.search(wanted, label) for label in labels) for wanted in self.labels):
            return Choice.DESELECTED
        if any(re.search(unwanted, label) for unwanted in self.exclude for label in labels):
            return Choice.DESELECTED
        if SLOW in labels and not self.includes_slow:
            return Choice.EXCLUDED_AS_SLOW
        return Choice.SELECTED


def exactly(names: Collection[str]) -> str:
    """Return the regular expression that matches `names` and nothing else."""
    escaped = (re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", name) for name in names)
    return f"^({'|'.join(dict.fromkeys(escaped))})$"
