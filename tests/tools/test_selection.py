# SPDX-License-Identifier: MIT
"""Selection by name and label."""

from __future__ import annotations

import pytest

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.selection import Choice, Selection
from ftorch_tools.testing.selection.names import to_id

YES, NO, SLOW = Choice.SELECTED, Choice.DESELECTED, Choice.EXCLUDED_AS_SLOW


@pytest.mark.parametrize(
    ("selection", "name", "labels", "expected"),
    [
        (Selection(), "a", [], YES),
        (Selection(), "a", ["slow"], SLOW),
        (Selection(), "a", ["slower"], YES),
        (Selection(include_slow=True), "a", ["slow"], YES),
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
    assert selection.choose("ctest", name, labels) is expected


@pytest.mark.parametrize("field", ["regex", "labels", "exclude"])
def test_bad_expression(field: str) -> None:
    value = "(" if field == "regex" else ["("]
    with pytest.raises(UsageError, match="regular expression"):
        Selection(**{field: value})


@pytest.mark.parametrize(
    "text",
    [
        "gpu",
        "not gpu",
        "gpu and not mpi",
        "gpu or mpi and unit",
        "(gpu or mpi) and unit",
        "not gpu or mpi",
        "not (gpu or mpi)",
        "not not gpu",
        "gpu and mpi and unit or not gpu",
        "((((gpu))))",
    ],
)
def test_expression_means_what_python_means(text: str) -> None:
    selection = Selection(expression=text)
    for number in range(8):
        present = {"gpu": bool(number & 1), "mpi": bool(number & 2), "unit": bool(number & 4)}
        labels = [name for name, there in present.items() if there]
        expected = eval(text, {}, present)
        assert (selection.choose("ctest", "a", labels) is YES) == expected, labels


@pytest.mark.parametrize(
    "label", ["and-more", "not.", "nothing", "oracle", "a.b", "c++", "x/y", "n:1"]
)
def test_expression_of_one_label(label: str) -> None:
    assert Selection(expression=label).choose("ctest", "a", [label]) is YES
    assert Selection(expression=label).choose("ctest", "a", ["other"]) is NO
    assert Selection(expression=f"not {label}").choose("ctest", "a", [label]) is NO


@pytest.mark.parametrize("text", ["", "gpu and", "not", "a b", "(a", "a)", "and a", "a & b"])
def test_bad_boolean_expression(text: str) -> None:
    with pytest.raises(UsageError, match="expression of labels"):
        Selection(expression=text, include_slow=True)


@pytest.mark.parametrize(
    "text", ["(" * 3000 + "gpu" + ")" * 3000, "not " * 3000 + "gpu", "(" * 100000]
)
def test_an_expression_that_is_too_deep_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="levels"):
        Selection(expression=text)


def test_expression_that_names_slow_decides_about_it() -> None:
    slow = ["gpu", "slow"]
    assert Selection(expression="gpu").choose("ctest", "a", slow) is SLOW
    assert Selection(expression="gpu and slow").choose("ctest", "a", slow) is YES
    assert Selection(expression="gpu and not slow").choose("ctest", "a", slow) is NO


@pytest.mark.parametrize(
    ("test", "reached"),
    [
        ("t/test_a.py::test_x[a::b/c]", {0}),
        ("t/test_a.py::test_x", {0, 1}),
        ("t/test_a.py::C", {2}),
        ("t/test_a.py::C::test_x", {2}),
        ("t/test_a.py", {0, 1, 2}),
        ("t", {0, 1, 2, 3}),
        ("t/test", set()),
        ("t/test_a.py::test_", set()),
    ],
)
def test_node_ids_stand_for_what_they_hold(test: str, reached: set[int]) -> None:
    names = [
        "t/test_a.py::test_x[a::b/c]",
        "t/test_a.py::test_x[1]",
        "t/test_a.py::C::test_x",
        "t/test_ab.py::test_x",
    ]
    selection = Selection(tests=[("pytest", test)])
    found = {
        n for n, name in enumerate(names) if selection.choose("pytest", name, ["python"]) is YES
    }
    assert found == reached
    assert selection.unmatched("pytest", names) == ([] if reached else [test])


def test_a_name_is_that_of_a_test_of_ctest_or_else_of_python() -> None:
    named = Selection(tests=[("", "tests"), ("", "./b"), ("pytest", "c")])
    resolved = named.resolved(["tests", "c"], lambda name: name.removeprefix("./"))
    assert resolved.tests == [("ctest", "tests"), ("pytest", "b"), ("pytest", "c")]
    assert resolved.choose("ctest", "tests", []) is YES
    assert resolved.choose("pytest", "tests/test_a.py::test_x", ["python"]) is NO
    assert resolved.choose("pytest", "b/test_a.py::test_x", ["python"]) is YES
    # Whatever its labels are.
    assert resolved.choose("ctest", "b/test_a.py", ["python"]) is NO
    assert resolved.unmatched("ctest", []) == ["tests"]
    assert resolved.unmatched("pytest", ["c"]) == ["b"]


def test_names_of_ctest_are_whole() -> None:
    selection = Selection(tests=[("ctest", "a"), ("ctest", "b::c")])
    assert selection.choose("ctest", "a", ["slow"]) is YES
    assert selection.choose("ctest", "b::c", []) is YES
    for other in ("a::b", "a/b", "a[1]", "ab"):
        assert selection.choose("ctest", other, []) is NO
    assert Selection(tests=[]).choose("ctest", "a", []) is NO


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("tests/unit/", "tests/unit"),
        ("./tests/unit/test_a.py", "tests/unit/test_a.py"),
        ("tests/../tests//unit::x[./a::b/]", "tests/unit::x[./a::b/]"),
        ("test_a.py::test_x", "tests/unit/test_a.py::test_x"),
        ("../unit", "tests/unit"),
        (".", "tests/unit"),
        ("{link}/tests/unit/test_a.py", "tests/unit/test_a.py"),
        ("{outside}/test_o.py", "../test_o.py"),
        # No file has this name: whether a test has it is seen later.
        ("./absent.py::test", "./absent.py::test"),
        ("case[./test_a.py]", "case[./test_a.py]"),
        ("a/\0.py", "a/\0.py"),
        # A bare word may name a test of ctest.
        ("data", "data"),
    ],
)
def test_paths_in_names(tmp_path, monkeypatch, name: str, id: str) -> None:
    project = tmp_path / "project"
    (project / "tests/unit/data").mkdir(parents=True)
    (project / "tests/unit/test_a.py").touch()
    (tmp_path / "test_o.py").touch()
    (tmp_path / "link").symlink_to(project)
    monkeypatch.chdir(project / "tests/unit")
    assert to_id(name.format(link=tmp_path / "link", outside=tmp_path), project) == id


def chosen(names: list[str], shard: str) -> set[str]:
    return {name for name in names if Selection(shard=shard).choose("ctest", name, []) is YES}


def test_shards_are_a_partition_and_do_not_move() -> None:
    names = [f"test.{number}" for number in range(3000)]
    shards = [chosen(names, f"{number}/3") for number in (1, 2, 3)]
    assert set().union(*shards) == set(names)
    assert sum(map(len, shards)) == len(names)
    # Six standard deviations of a fair split.
    assert all(abs(len(shard) - 1000) < 160 for shard in shards)
    assert chosen(names[:100], "2/3") == shards[1] & set(names[:100])
    # From the definition, computed elsewhere: printf test.0 | sha256sum | cut -c 1-16.
    assert next(number for number in range(1, 6) if chosen(["test.0"], f"{number}/5")) == (
        0x3AA5532E29584DC9 % 5 + 1
    )


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_bad_shard(shard: str) -> None:
    with pytest.raises(UsageError, match="shard"):
        Selection(shard=shard)
