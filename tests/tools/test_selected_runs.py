# SPDX-License-Identifier: MIT
"""Selections as the command line gives them, with real ctest and pytest."""

from __future__ import annotations

import pytest

from ftorch_tools.testing.records.record import Outcome, TestResult

PARAMETERS = "tests/test_a.py::test_x"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, project_class):
    project = project_class(tmp_path_factory.mktemp("selected") / "project")
    project.add_ctest("unit.cpu", "exit 0", LABELS="unit;cpu")
    project.add_ctest("unit.gpu", "exit 0", LABELS="unit;gpu")
    project.add_ctest("slow.gpu", "exit 0", LABELS="gpu;slow")
    project.add_line("add_test([==[with [odd] (name)$]==] /bin/sh -c [==[exit 0]==])")
    project.add_python(
        "test_a.py",
        "import pytest\n@pytest.mark.parametrize('x', ['a b', '$(')\n".replace("(')", "('])")
        + "def test_x(x): pass\n"
        "@pytest.mark.gpu\n"
        "def test_gpu(): pass\n",
    )
    project.add_python("test_b.py", "def test_b(): pass\n")
    return project


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-E", "unit and not gpu"], {"unit.cpu"}),
        (["-E", "gpu"], {"unit.gpu", "tests/test_a.py::test_gpu"}),
        (["-E", "gpu and slow"], {"slow.gpu"}),
        (["-E", "python and not gpu", "-R", "test_b"], {"tests/test_b.py::test_b"}),
        (["--test", "slow.gpu", "--test", "unit.cpu"], {"slow.gpu", "unit.cpu"}),
        (["build", "--", "with [odd] (name)$"], {"with [odd] (name)$"}),
        (["--", f"./{PARAMETERS}[a b]", "unit.cpu"], {f"{PARAMETERS}[a b]", "unit.cpu"}),
        (["--", PARAMETERS], {f"{PARAMETERS}[a b]", f"{PARAMETERS}[$(]"}),
        (["-L", "gpu", "--", "unit.cpu", "unit.gpu"], {"unit.gpu"}),
    ],
)
def test_selected(mixed, arguments, expected):
    result = mixed.run("-j", "1", *arguments)
    assert set(result.outcomes) == expected
    assert result.code == 0


def test_only_named_files_are_collected(mixed):
    result = mixed.run("--", "tests/test_b.py")
    assert set(result.outcomes) == {"tests/test_b.py::test_b"}
    assert result.record["commands"]["pytest"][-1] == str(mixed.root / "tests/test_b.py")
    assert "pytest" not in mixed.run("--", "unit.cpu").record["commands"]


def test_a_project_below_a_symbolic_link(project, runs, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(project.root)
    cache = f"CMAKE_HOME_DIRECTORY:INTERNAL={link}\n"
    (project.build / "CMakeCache.txt").write_text(cache)
    project.add_python("test_a.py", "def test_a(): pass\n")
    result = project.run("--", "tests/test_a.py", cwd=link)
    assert result.outcomes == {"tests/test_a.py::test_a": "passed"}
    for folder in (link, link / "build", project.root):
        assert runs.command("show", "--project", str(folder)).exit_code == 0
    assert type(runs)(link).store.ids() == runs.store.ids() == [result.directory.name]


def test_names_from_a_file(mixed):
    (mixed.root / "names").write_text(f"unit.cpu\n\n{PARAMETERS}[$(] \t\n")
    result = mixed.run("--tests-from-file", "names")
    assert set(result.outcomes) == {"unit.cpu", f"{PARAMETERS}[$(]"}


def test_names_from_a_closed_input(project):
    project.command = ["/bin/sh", "-c", 'exec "$0" "$@" <&-', *project.command]
    result = project.run("--tests-from-file", "-")
    assert result.code == 2
    assert result.err.splitlines()[-1].endswith("standard input is closed")


def test_more_names_than_a_command_line_holds(mixed):
    names = [f"tests/test_b.py::test_{number:0100}" for number in range(3000)]
    (mixed.root / "names").write_text("\n".join([*names, "tests/test_b.py::test_b"]))
    result = mixed.run("--tests-from-file", "names")
    assert result.outcomes["tests/test_b.py::test_b"] == "passed"
    assert len(result.outcomes) == 3001


def test_shards_share_the_tests_of_both(mixed):
    shards = [
        set(mixed.run("-j1", "--all", "--shard", f"{number}/2").outcomes) for number in (1, 2)
    ]
    assert shards[0] | shards[1] == set(mixed.run("--all").outcomes)
    assert not shards[0] & shards[1]
    assert all(shards)


def test_a_name_that_no_test_has_is_a_failure(mixed):
    names = ["unit.cpu", "unit.cp", "tests/test_b.py::absent", "tests/absent.py::test"]
    result = mixed.run("--", *names)
    assert result.code == 1
    assert result.outcomes == {
        name: "passed" if name == "unit.cpu" else "not_run" for name in names
    }
    assert result.test("unit.cp")["reason"] == "no such test"
    assert result.last_line == "1 passed, 3 failed, 0 skipped"


@pytest.mark.parametrize(
    "arguments",
    [["--", "absent"], ["--", "tests/test_b.py::absent"], ["-E", "absent"], ["--shard", "7/4000"]],
)
def test_an_empty_selection_is_4(mixed, arguments):
    result = mixed.run(*arguments)
    assert result.code == 4
    assert "nothing selected" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-E", "gpu and"], "column 8 of 'gpu and'"),
        (["--shard", "5/4"], "not a shard: '5/4'"),
        (["--failed", "20200101T000000-aaaa"], "no run"),
        (["--failed", "--", "unit.cpu"], "exclude each other"),
        (["--tests-from-file", "absent"], "cannot read"),
    ],
)
def test_usage(mixed, arguments, message):
    result = mixed.run(*arguments)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err


def test_failed(project, runs):
    project.add_ctest("good", "exit 0")
    project.add_ctest("bad", "test -e repaired")
    project.add_python("test_a.py", "import no_such_module\n")
    first = project.run()
    assert first.code == 3
    assert project.run("-LE", "python", "-R", "good").code == 0
    # The latest run had no failures.
    nothing = project.run("--failed")
    assert nothing.code == 4
    assert nothing.directory.name not in runs.store.ids()
    latest = (project.build / "ftorch-test/latest").resolve()
    assert latest.name == runs.store.ids()[-1] != nothing.directory.name
    id = first.record["id"]
    for arguments in (["--failed", id], [f"--failed={first.directory}"], ["--failed", "latest~3"]):
        assert project.run(*arguments).outcomes == {"bad": "failed", "tests/test_a.py": "not_run"}
    (project.build / "repaired").touch()
    project.add_python("test_a.py", "def test_now(): pass\n")
    again = project.run("--failed", "build")
    assert again.outcomes == {"bad": "passed", "tests/test_a.py::test_now": "passed"}
    assert again.code == 0


def test_failed_ones_that_are_gone(project, runs):
    project.add_ctest("bad", "exit 1")
    gone = ["gone", "tests/test_gone.py::test", "tests/test_a.py::test_gone"]
    runs.add(*(TestResult(name, "any", Outcome.FAILED) for name in ["bad", *gone]))
    project.add_python("test_a.py", "def test_a(): pass\n")
    listed = runs.command("list", "--failed")
    assert (listed.exit_code, listed.stdout) == (0, "ctest   bad\n")
    result = project.run("--failed")
    assert (result.outcomes, result.code) == ({"bad": "failed"}, 1)
    warnings = [f"no such test any more: {name}" for name in sorted(gone)]
    assert result.record["warnings"] == warnings
    assert all(f"warning: {warning}" in result.out for warning in warnings)
