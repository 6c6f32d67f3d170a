# SPDX-License-Identifier: MIT
"""A session of pytest that does not end as its tests did is an error of the run."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from ftorch_tools.testing.drivers.pytest_options import run_all

# As in `conftest.py`.
WITHOUT = "-p no:hypothesispytest -p no:typeguard -p no:rerunfailures -p no:cov"
TESTS = "def test_a(): pass\ndef test_b(): pass\n"
HEAD = """
import atexit, os, signal, sys, pytest
worker = "PYTEST_XDIST_WORKER" in os.environ
alone = "-n0" in "".join(sys.argv)
"""
A, B = "tests/test_a.py::test_a", "tests/test_a.py::test_b"


@pytest.mark.parametrize(
    ("conftest", "said"),
    [
        (
            "def pytest_sessionfinish(session):\n    if not worker: session.exitstatus = 7",
            "status 7",
        ),
        (
            "def pytest_sessionfinish(session):\n    if not worker: session.exitstatus = 1",
            "status 1",
        ),
        ("def pytest_unconfigure():\n    if not worker: raise RuntimeError('x')", "status 1"),
        (
            "def pytest_unconfigure():\n    if worker: raise RuntimeError('what it is')",
            "what it is",
        ),
        ("if not worker: atexit.register(os._exit, 5)", "status 5"),
        ("if not worker: atexit.register(os.kill, os.getpid(), 11)", "status -11"),
        ("if worker: atexit.register(os._exit, 9)", "ended with exit code 9"),
        ("if worker: atexit.register(os.kill, os.getpid(), 11)", "ended with SIGSEGV"),
        ("def pytest_sessionfinish():\n    if not worker: os._exit(0)", "before it had finished"),
    ],
)
def test_what_the_tests_do_not_explain_is_an_error(project, conftest, said):
    project.add_python("conftest.py", f"{HEAD}{conftest}\n")
    project.add_python("test_a.py", TESTS)
    result = project.run("-j", "1")
    assert result.code == 3, result.out
    assert said in result.record["errors"][0]
    assert set(result.outcomes) == {A, B}


def test_on_a_node_it_is_an_error_too(project, cluster):
    cluster.wait_until_idle()
    conftest = "def pytest_sessionfinish(session): session.exitstatus = session.exitstatus or 9\n"
    project.add_python("conftest.py", conftest)
    project.add_python("test_a.py", TESTS)
    project.add_ctest("tests", "exit 0")
    result = project.run("--on", "slurm", limit=300, **cluster.environment)
    assert result.code == 3, result.out
    assert "status 9" in result.record["errors"][0]
    # A test that is named like a folder stands for itself there.
    assert [test["id"] for test in result.record["tests"]].count("tests") == 1
    assert result.outcomes == {A: "passed", B: "passed", "tests": "passed"}


def test_a_status_that_the_tests_explain_is_none(project):
    project.add_python("test_a.py", "def test_a(): assert 0\ndef test_b(): pass\n")
    result = project.run()
    assert (result.code, result.record["errors"]) == (1, [])
    assert result.outcomes == {A: "failed", B: "passed"}


@pytest.mark.parametrize(
    ("added", "variable", "told"),
    [
        ("--setup-plan --dist=each", "", ["--setup-plan", "--dist=each"]),
        ("--collect-only", "--fixtures --pdb", ["--collect-only", "--fixtures", "--pdb"]),
        ("--dist=loadfile", "", []),
    ],
)
def test_options_that_run_nothing_have_no_effect(project, tmp_path, added, variable, told):
    settings = f"{WITHOUT} {added}"
    ini = f"[tool.pytest.ini_options]\naddopts = '{settings}'\n"
    (project.root / "pyproject.toml").write_text(ini)
    log = tmp_path / "ran"
    program = f"def test_a(): print('x', file=open('{log}', 'a'))\ndef test_b(): pass\n"
    project.add_python("test_a.py", program)
    result = project.run("-j", "2", PYTEST_ADDOPTS=variable)
    assert sorted(test["id"] for test in result.record["tests"]) == [A, B]
    assert result.outcomes == {A: "passed", B: "passed"}
    assert log.read_text() == "x\n"
    (warning,) = result.record["warnings"] or [""]
    assert [option for option in told if option not in warning] == []
    assert bool(warning) == bool(told)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("setuponly", True, "--setup-only"),
        ("show_fixtures_per_test", True, "--fixtures-per-test"),
        ("markers", True, "--markers"),
        ("cacheshow", ["*"], "--cache-show"),
        ("help", True, "--help"),
        ("trace", True, "--trace"),
        ("verbose", 2, None),
    ],
)
def test_each_option_that_runs_nothing_is_taken_back(name, value, told):
    config = SimpleNamespace(option=SimpleNamespace(**{name: value}))
    assert run_all(config) == ([told] if told else [])
    assert bool(getattr(config.option, name)) == (told is None)


@pytest.mark.parametrize("marker", ["", "@pytest.mark.isolated\n"])
def test_a_plugin_that_does_not_call_the_test_does_not_make_it_pass(project, marker):
    project.add_python(
        "conftest.py",
        "import pytest\n"
        "from _pytest.runner import call_and_report\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)\n"
        "    call_and_report(item, 'setup', True)\n"
        "    call_and_report(item, 'teardown', True, nextitem=nextitem)\n"
        "    return True\n",
    )
    project.add_python("test_a.py", f"import pytest\n{marker}def test_a(): assert 0\n")
    result = project.run()
    assert result.outcomes == {A: "not_run"}
    assert result.code == 1


REMOVES = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "test_b" not in item.nodeid]
"""


@pytest.mark.parametrize("named", [(), ("--test", B)])
def test_what_a_conftest_removes_is_told(project, named):
    project.add_python("conftest.py", REMOVES)
    project.add_python("test_a.py", TESTS)
    result = project.run(*named)
    assert result.outcomes == ({B: "skipped"} if named else {A: "passed", B: "skipped"})
    assert "conftest" in result.test(B)["reason"]


def test_what_a_conftest_doubles_runs_once(project):
    project.add_python("conftest.py", "def pytest_collection_modifyitems(items): items += items\n")
    project.add_python("test_a.py", TESTS)
    result = project.run("-j", "2")
    assert sorted(test["id"] for test in result.record["tests"]) == [A, B]


def test_groups_of_xdist_leave_the_names(project):
    ini = f"[tool.pytest.ini_options]\naddopts = '--dist=loadgroup {WITHOUT}'\n"
    (project.root / "pyproject.toml").write_text(ini)
    marker = "import pytest\n@pytest.mark.xdist_group('g')\n"
    project.add_python("test_a.py", f"{marker}def test_a(): assert 0\ndef test_b(): pass\n")
    assert project.run("-j", "2").outcomes == {A: "failed", B: "passed"}
    assert project.run("--failed").outcomes == {A: "failed"}


@pytest.mark.parametrize(
    ("head", "outcome", "code", "reason"),
    [
        ("pytest.skip('not here', allow_module_level=True)", "skipped", 0, "not here"),
        ("import no_such_module", "not_run", 3, "collection error"),
        ("pytest.exit('enough')", "not_run", 3, "collection error"),
    ],
)
def test_a_named_test_is_in_the_record_whatever_its_module_does(
    project, head, outcome, code, reason
):
    project.add_python("test_a.py", f"import pytest\n{head}\n{TESTS}")
    project.add_python("test_b.py", TESTS)
    result = project.run("--test", A, "--test", "tests/test_b.py::test_b")
    assert result.outcomes[A] == outcome
    assert reason in result.test(A)["reason"]
    assert result.code == code
    assert "tests/test_b.py::test_b" in result.outcomes


def test_modules_that_skip_themselves_alike_are_all_told(project):
    project.add_python(
        "helper.py", "import pytest\ndef stop(): pytest.skip('x', allow_module_level=True)\n"
    )
    for name in ("a", "b", "c"):
        load = "import os, sys; sys.path.insert(0, os.path.dirname(__file__)); import helper\n"
        project.add_python(f"test_{name}.py", f"{load}helper.stop()\n")
    expected = {f"tests/test_{name}.py": "skipped" for name in "abc"}
    assert project.run().outcomes == expected


def test_the_configuration_of_pytest_says_what_a_test_is(project):
    (project.root / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\n"
        "testpaths = ['checks', 'more/*']\n"
        "python_files = ['check_*.py']\n"
        "python_functions = ['check_*']\n"
        f"addopts = '--doctest-modules --doctest-glob=*.md {WITHOUT}'\n"
    )
    for file in ("checks/check_a.py", "more/one/check_b.py"):
        (project.root / file).parent.mkdir(parents=True)
        (project.root / file).write_text("def check_x(): pass\n")
    (project.root / "checks/sums.py").write_text('def f():\n    """\n    >>> 1\n    2\n    """\n')
    (project.root / "checks/text.md").write_text(">>> 1\n1\n")
    project.add_python("test_a.py", TESTS)
    expected = {
        "checks/check_a.py::check_x": "passed",
        "more/one/check_b.py::check_x": "passed",
        "checks/sums.py::sums.f": "failed",
        "checks/text.md::text.md": "passed",
    }
    result = project.run()
    assert result.outcomes == expected
    listed = project.list("--json")
    assert {test["id"] for test in listed["tests"]} == set(expected)


def test_a_source_path_that_is_not_utf8_loses_no_test(tmp_path, project_class):
    root = os.fsdecode(os.fsencode(str(tmp_path)) + b"/caf\xe9")
    project = project_class(type(tmp_path)(root))
    cache = os.fsencode(f"CMAKE_HOME_DIRECTORY:INTERNAL={root}\n")
    (project.build / "CMakeCache.txt").write_bytes(cache)
    project.add_ctest("c", "exit 0")
    project.add_python("test_a.py", TESTS)
    project.add_python(os.fsdecode(b"test_\xff.py"), TESTS)
    assert project.run().code == 0
    record = json.loads((project.build / "ftorch-test/latest/run.json").read_text())
    outcomes = {test["id"]: test["outcome"] for test in record["tests"]}
    odd = "tests/test_\udcff.py::test_"
    assert outcomes == dict.fromkeys(["c", A, B, f"{odd}a", f"{odd}b"], "passed")
