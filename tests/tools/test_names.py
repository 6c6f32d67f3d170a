# SPDX-License-Identifier: MIT
"""Tests of odd names, and of one name: each is in the record once, as what it is."""

from __future__ import annotations

import os

import pytest

ODD = [
    "caf\udce9",
    "\udcff\udcfe x",
    "a]==]b",
    "]=]",
    "u\u2028v\u2029w\x85x\x0b\x0cy\x1cz",
    "with\rreturn",
    "esc\x1b[31mred",
    "semi;colon",
    "a b  ",
    "ends in ]",
    "#1: not (Disabled)",
    "$x\\y\"'`*",
]


def add(project, name, command="/bin/true", properties=""):
    """Add a test of ctest, whatever its name holds."""
    level = "=" * 9
    text = f"add_test([{level}[{name}]{level}] {command})\n"
    if properties:
        text += f"set_tests_properties([{level}[{name}]{level}] PROPERTIES {properties})\n"
    with (project.build / "CTestTestfile.cmake").open("ab") as file:
        file.write(os.fsencode(text))


def test_every_name_is_one_entry(project):
    for number, name in enumerate(ODD):
        # Those without a limit of time are named in the folder of the run again.
        properties = "TIMEOUT 0" if number % 2 else ""
        add(project, name, "/bin/false" if name.startswith("a") else "/bin/true", properties)
    result = project.run("-j", "2")
    assert result.record["errors"] == []
    expected = {name: "failed" if name.startswith("a") else "passed" for name in ODD}
    assert [test["id"] for test in result.record["tests"]] == ODD
    assert result.outcomes == expected
    failed = [name for name, outcome in expected.items() if outcome == "failed"]
    assert list(project.run("--failed").outcomes) == failed
    assert [test["id"] for test in project.list("--json")["tests"]] == ODD


@pytest.mark.parametrize("name", ["caf\udce9", "u\u2028v", "a]==]b"])
def test_an_odd_name_can_be_asked_for(project, tmp_path, name):
    for odd in ODD:
        add(project, odd)
    assert list(project.run("--test", name).outcomes) == [name]
    file = tmp_path / "names"
    file.write_bytes(b"\xef\xbb\xbf" + os.fsencode(name) + b"\r\n")
    assert list(project.run("--tests-from-file", str(file)).outcomes) == [name]


def test_a_test_named_like_a_folder_is_no_folder(project):
    project.add_ctest("tests", "exit 1")
    project.add_ctest("tests/test_a.py", "exit 1")
    project.add_ctest("python", "exit 0", LABELS="python")
    project.add_python("test_a.py", "def test_a(): pass\ndef test_b(): pass\n")

    def ran(*arguments):
        tests = project.run(*arguments).record["tests"]
        return [(test["runner"], test["id"]) for test in tests]

    assert len(ran()) == 5
    named = [("ctest", "tests"), ("ctest", "tests/test_a.py")]
    assert ran("--failed") == named
    assert ran("--test", "tests") == named[:1]
    a = "tests/test_a.py::test_a"
    assert ran("--test", a) == [("pytest", a)]
    assert [test["runner"] for test in project.list("--json", "--test", "tests")["tests"]] == [
        "ctest"
    ]


def test_tests_of_one_name_are_told_apart_by_their_folders(project):
    for folder in ("one", "two"):
        (project.build / folder).mkdir()
        project.add_line(f"subdirs({folder})")
    one, two = (project.build / folder / "CTestTestfile.cmake" for folder in ("one", "two"))
    one.write_text('add_test(same sh -c "sleep 0.5; exit 1")\n')
    two.write_text("add_test(same /bin/true)\n")
    first = project.run("-j", "2")
    found = [(test["place"], test["outcome"]) for test in first.record["tests"]]
    assert found == [("one", "failed"), ("two", "passed")]
    # The other one is now the last that ends.
    one.write_text("add_test(same /bin/false)\n")
    two.write_text('add_test(same sh -c "sleep 0.5")\n')
    second = project.run("-j", "2")
    assert [test["place"] for test in second.record["tests"]] == ["one", "two"]
    answer = project.ask("compare", "--json")
    assert (answer["regression"], len(answer["still_failing"])) == (False, 1)
