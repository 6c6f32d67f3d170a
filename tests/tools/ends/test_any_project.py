# SPDX-License-Identifier: MIT
"""Of any project, each test that the runners know is in the record once, and passed if it did."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("pytest_rerunfailures")

# What a test does, what `ftorch-test` may say of it, by the form of the test.
CTEST = {
    "exit 0": ["passed"],
    "exit 3": ["failed"],
    "kill -SEGV $$": ["crashed"],
    "echo 'SKIP: x'; exit 77": ["skipped"],
}
PYTHON = {
    "pass": ["passed"],
    "assert 0": ["failed"],
    "pytest.skip('x')": ["skipped"],
    "os._exit(0)": ["crashed"],
    "os._exit(3)": ["crashed"],
    "os.kill(os.getpid(), 11)": ["crashed"],
    "assert not first(request)": ["passed", "failed"],
}
# In a process of its own only.
AFTER = {"atexit.register(os._exit, 9)": ["crashed"], "atexit.register(os.abort)": ["crashed"]}
MARKERS = ["", "@pytest.mark.isolated", "@pytest.mark.flaky(reruns=1)"]
NAMES = st.text(
    st.characters(exclude_characters="\n\0\r", exclude_categories=["Cs"]), min_size=1, max_size=8
)
# Whole sessions: what the conftest.py does, and whether the run can be good then.
SESSIONS = {
    "": True,
    "def pytest_collection_modifyitems(items): items.reverse()": True,
    "def pytest_collection_modifyitems(items): del items[::2]": True,
    "def pytest_sessionfinish(session): session.exitstatus = session.exitstatus or 9": False,
    "def pytest_unconfigure(): raise RuntimeError": False,
}
HEAD = """
import atexit, os, pytest
def first(request):
    try:
        open(os.path.join(os.environ["ENDS_FOLDER"], request.node.name), "x").close()
        return True
    except FileExistsError:
        return False
"""


@dataclass(frozen=True)
class Python:
    """A Python test: its marker and what it does."""

    marker: str
    deed: str


@st.composite
def python_tests(draw):
    """Return a test, and only those in a process of their own may spoil its end."""
    marker = draw(st.sampled_from(MARKERS))
    deeds = [*PYTHON, *AFTER] if "isolated" in marker else list(PYTHON)
    return Python(marker, draw(st.sampled_from(deeds)))


PROJECTS = {
    "ctest": st.dictionaries(NAMES, st.sampled_from(list(CTEST)), max_size=5),
    "python": st.lists(python_tests(), max_size=6),
    "session": st.sampled_from(list(SESSIONS)),
}
SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


@settings(max_examples=4, derandomize=True, **SETTINGS)
@given(jobs=st.sampled_from(["1", "2"]), **PROJECTS)
def test_any_project(tmp_path_factory, project_class, ctest, python, session, jobs):
    check(*make(tmp_path_factory, project_class, ctest, python, session), session, "-j", jobs)


@pytest.mark.slow
@settings(max_examples=60, **SETTINGS)
@given(jobs=st.sampled_from(["1", "2"]), **PROJECTS)
def test_many_projects(tmp_path_factory, project_class, ctest, python, session, jobs):
    check(*make(tmp_path_factory, project_class, ctest, python, session), session, "-j", jobs)


@pytest.mark.slow
@settings(max_examples=10, **SETTINGS)
@given(nodes=st.sampled_from(["1", "2"]), **PROJECTS)
def test_many_projects_on_slurm(
    tmp_path_factory, project_class, cluster, ctest, python, session, nodes
):
    cluster.wait_until_idle()
    project, expected, changes = make(tmp_path_factory, project_class, ctest, python, session)
    changes.update(cluster.environment)
    check(project, expected, changes, session, "--on", "slurm", "--nodes", nodes)


def make(tmp_path_factory, project_class, ctest, python, session):
    """Return a project, and what may be said of each of its tests."""
    folder = tmp_path_factory.mktemp("any")
    project = project_class(folder / "project")
    expected = {}
    text = ""
    for name, script in ctest.items():
        quoted = f"[=========[{name}]=========]"
        text += f"add_test({quoted} /bin/sh -c [==[{script}]==])\n"
        text += f"set_tests_properties({quoted} PROPERTIES SKIP_RETURN_CODE 77)\n"
        expected["ctest", name] = CTEST[script]
    (project.build / "CTestTestfile.cmake").write_text(text, encoding="utf-8")
    lines = [HEAD]
    for number, test in enumerate(python):
        lines += [test.marker, f"def test_{number}(request):\n    {test.deed}"]
        id = f"tests/test_a.py::test_{number}"
        expected["pytest", id] = list((PYTHON | AFTER)[test.deed])
        if "del items" in session:
            expected["pytest", id].append("skipped")
        if "isolated" in test.marker and not SESSIONS[session]:
            # Its process is a session too, and what would have passed is not believed.
            good = ("passed", "skipped")
            kept = [outcome for outcome in expected["pytest", id] if outcome not in good]
            expected["pytest", id] = [*kept, "crashed"]
    (project.root / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\n"
        "addopts = '-p no:hypothesispytest -p no:typeguard -p no:cov -p rerunfailures'\n"
    )
    if python:
        project.add_python("conftest.py", session)
        project.add_python("test_a.py", "\n".join(lines))
    return project, expected, {"ENDS_FOLDER": str(folder)}


def known_to_ctest(project):
    """Return the tests that ctest itself lists."""
    listed = subprocess.run(
        ["ctest", "--show-only=json-v1"], cwd=project.build, capture_output=True, check=True
    )
    return {("ctest", test["name"]) for test in json.loads(listed.stdout)["tests"]}


def check(project, expected, changes, session, *arguments, **more):
    """Run the project and hold its record against what may be said."""
    result = project.run(*arguments, limit=400, **changes, **more)
    record = json.loads((result.directory / "run.json").read_text())
    found = [(test["runner"], test["id"]) for test in record["tests"]]
    assert sorted(found) == sorted(expected), result.out
    assert known_to_ctest(project) <= set(found)
    bad = False
    for test in record["tests"]:
        attempts = [attempt["outcome"] for attempt in test["attempts"]]
        assert test["outcome"] == attempts[-1]
        assert test["outcome"] in expected[test["runner"], test["id"]], (test, result.out)
        bad = bad or test["outcome"] not in ("passed", "skipped")
    python = any(runner == "pytest" for runner, _ in expected)
    broken = python and not SESSIONS[session]
    if not expected:
        assert result.code == 4
    elif record["errors"]:
        assert (result.code, broken) == (3, True), result.out
    else:
        assert result.code == bad
        # A failed test explains the status of the session.
        assert not broken or bad
