# SPDX-License-Identifier: MIT
"""Selection by name and label."""

from __future__ import annotations

import re

import pytest

from ftorch_tools.errors import UsageError
from ftorch_tools.selection import Choice, Selection, exactly

YES, NO, SLOW = Choice.SELECTED, Choice.DESELECTED, Choice.EXCLUDED_AS_SLOW


@pytest.mark.parametrize(
    ("selection", "name", "labels", "expected"),
    [
        (Selection(), "a", [], YES),
        (Selection(), "a", ["slow"], SLOW),
        (Selection(), "a", ["slower"], YES),
        (Selection(everything=True), "a", ["slow"], YES),
        (Selection(labels=["slow"]), "a", ["slow"], YES),
        (Selection(labels=["slow"]), "a", ["unit"], NO),
        (Selection(labels=["unit"]), "a", ["unit", "slow"], SLOW),
        (Selection(labels=["unit", "gpu"]), "a", ["unit"], NO),
        (Selection(labels=["unit", "gpu"]), "a", ["unit", "gpu"], YES),
        (Selection(labels=["uni"]), "a", ["unit"], YES),
        (Selection(labels=["^uni$"]), "a", ["unit"], NO),
        (Selection(exclude=["gpu"]), "a", ["gpu"], NO),
        (Selection(exclude=["gpu", "mpi"]), "a", ["mpi"], NO),
        (Selection(exclude=["gpu"]), "a", ["unit"], YES),
        (Selection(regex="tensor"), "fortran.tensor.print", [], YES),
        (Selection(regex="^tensor"), "fortran.tensor.print", [], NO),
        (Selection(regex="b"), "a", ["slow"], NO),
    ],
)
def test_choice(selection: Selection, name: str, labels: list[str], expected: Choice) -> None:
    assert selection.choose(name, labels) is expected


@pytest.mark.parametrize("field", ["regex", "labels", "exclude"])
def test_bad_expression(field: str) -> None:
    value = "(" if field == "regex" else ["("]
    with pytest.raises(UsageError, match="regular expression"):
        Selection(**{field: value})


def test_exactly_matches_these_names_and_no_other() -> None:
    names = ["a.b", "t.py::test[x-1|(2)^$*+?{}\\n]", "spa ce"]
    pattern = re.compile(exactly(names))
    assert all(pattern.search(name) for name in names)
    for other in ["aXb", "a.b2", "xa.b", "spa", "t.py::test"]:
        assert not pattern.search(other)
