# SPDX-License-Identifier: MIT
"""The ways in which a test can end, and a project with a test for each, in each form."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pytest

_SLURM = Path(__file__).parents[1] / "slurm/conftest.py"


def _fixtures(file: Path):
    spec = importlib.util.spec_from_file_location("fixtures_of_slurm", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# A real Slurm, for what is said on its nodes.
cluster = _fixtures(_SLURM).cluster

FORMS = ("ctest", "pytest", "isolated", "mpi")
# Starts what follows twice, as mpiexec does, and loses the status of all but the last that ends.
CARELESS_MPIEXEC = """#!/bin/sh
shift 2
PMI_RANK=0 "$@" & first=$!
PMI_RANK=1 "$@" & second=$!
wait $first; wait $second
exit 0
"""
_HEAD = """
import atexit, os, signal, time
import pytest

END = os.environ["ENDS_FOLDER"]

def first_time():
    name = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].partition(" ")[0]
    try:
        open(os.path.join(END, f"{name}-{os.environ.get('PMI_RANK', '')}"), "x").close()
        return True
    except FileExistsError:
        return False

def later(action):
    # The last process of two, so that one alone is what goes wrong.
    if os.environ.get("PMI_RANK", "1") == "1":
        atexit.register(action)

def die(number=signal.SIGSEGV): os.kill(os.getpid(), number)
def last(): return os.environ.get("PMI_RANK", "1") == "1"
"""


@dataclass(frozen=True)
class Way:
    """How a test ends, in words, with its program as a script of a shell and as a function.

    Where there is none, the way does not exist. `also` stands before the function.
    """

    words: str
    script: str | None = None
    body: str | None = None
    also: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    # In the process of a worker, which runs other tests too, the end of it is no test's.
    own_process: bool = False


RERUN = "@pytest.mark.flaky(reruns=1)"
WAYS = {
    "passes": Way("passes", "exit 0", "pass"),
    "fails": Way("fails", "exit 1", "assert not last()"),
    "skips": Way(
        "skips itself", "exit 77", "pytest.skip('x')", properties=(("SKIP_RETURN_CODE", "77"),)
    ),
    "disabled": Way("is disabled", "exit 0", "pass", "@pytest.mark.skip", (("DISABLED", "TRUE"),)),
    "will_fail": Way(
        "was to fail, and passes",
        "exit 0",
        "pass",
        "@pytest.mark.xfail(strict=True)",
        (("WILL_FAIL", "TRUE"),),
    ),
    "exits": Way("ends its process with status 3", None, "last() and os._exit(3)"),
    "exits_well": Way("ends its process with status 0", None, "last() and os._exit(0)"),
    "signal": Way("is ended by SIGSEGV", "kill -SEGV $$", "last() and die()"),
    "killed": Way("is ended by SIGKILL", "kill -KILL $$", "last() and die(signal.SIGKILL)"),
    "hangs": Way(
        "runs longer than it may",
        "sleep 600",
        "time.sleep(600)",
        "@pytest.mark.timeout(1)",
        (("TIMEOUT", "1"),),
    ),
    "missing": Way("cannot start: no program, a broken fixture", "", "pass"),
    "teardown": Way(
        "passes, and a fixture fails after it",
        None,
        "pass",
        "@pytest.mark.usefixtures('fails_after')",
    ),
    "exit_after": Way(
        "passes; its process then ends with status 9",
        None,
        "later(lambda: os._exit(9))",
        own_process=True,
    ),
    "signal_after": Way(
        "passes; its process is then ended by SIGSEGV", None, "later(die)", own_process=True
    ),
    "exit_early": Way(
        "passes; a fixture then ends its process with status 0",
        None,
        "pass",
        "@pytest.mark.usefixtures('ends_process')",
    ),
    "fails_and_signal": Way(
        "fails; its process is then ended by SIGSEGV",
        None,
        "later(die); assert not last()",
        own_process=True,
    ),
    "flaky": Way(
        "fails, and passes when it is repeated",
        None,
        "assert not (last() and first_time())",
        RERUN,
    ),
    "killed_again": Way(
        "fails, and is ended by SIGKILL when it is repeated",
        None,
        "assert not last() or not first_time()\n    last() and die(signal.SIGKILL)",
        RERUN,
    ),
    "fails_again": Way("fails, and fails when it is repeated", None, "assert not last()", RERUN),
    "teardown_flaky": Way(
        "passes, a fixture fails after it; all is well when it is repeated",
        None,
        "pass",
        f"{RERUN}\n@pytest.mark.usefixtures('fails_after_once')",
    ),
    "subtests": Way(
        "runs, and skips one part of it",
        None,
        "with subtests.test('a'): pass\n    with subtests.test('b'): pytest.skip('x')",
    ),
    "subtest_fails": Way(
        "runs, and one part of it fails",
        None,
        "with subtests.test('a'): pass\n    with subtests.test('b'): assert not last()",
    ),
}
# Each costs two starts of pytest; the others are those of an isolated test.
UNDER_MPI = (
    "passes",
    "fails",
    "skips",
    "exits",
    "exits_well",
    "signal",
    "hangs",
    "exit_after",
    "signal_after",
    "exit_early",
    "flaky",
    "killed_again",
)
_FIXTURES = """
@pytest.fixture
def fails_after():
    yield
    assert not last()
@pytest.fixture
def fails_after_once():
    yield
    assert not (last() and first_time())
@pytest.fixture
def ends_process():
    yield
    last() and os._exit(0)
"""
_MARKERS = {"pytest": "", "isolated": "@pytest.mark.isolated", "mpi": "@pytest.mark.mpi(2)"}


def write(project) -> None:
    """Give `project` a test for each way in each form."""
    for name, way in WAYS.items():
        if name == "missing":
            project.add_line("add_test(missing /nonexistent)")
        elif way.script is not None:
            project.add_ctest(name, way.script, **dict(way.properties))
    lines = [_HEAD, _FIXTURES]
    for form, marker in _MARKERS.items():
        for name, way in WAYS.items():
            if way.body is None or (way.own_process and form == "pytest"):
                continue
            if form == "mpi" and name not in UNDER_MPI:
                continue
            needs = (
                "no_such_fixture" if name == "missing" else "subtests" if "subtest" in name else ""
            )
            lines += [marker, way.also, f"def test_{form}_{name}({needs}):\n    {way.body}"]
    project.add_python("test_ends.py", "\n".join(lines))


def outcome_of(outcomes: dict[str, str], form: str, name: str) -> str | None:
    """Return the outcome of the test that ends in the way `name`; None where there is none."""
    id = name if form == "ctest" else f"tests/test_ends.py::test_{form}_{name}"
    return outcomes.get(id)


def make(folder: Path, project_class):
    """Return a project below `folder` with a test for each way, and the settings that it needs."""
    project = project_class(folder / "project")
    (project.root / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\n"
        "addopts = '-p no:hypothesispytest -p no:typeguard -p no:cov -p rerunfailures'\n"
    )
    launcher = folder / "mpiexec"
    launcher.write_text(CARELESS_MPIEXEC)
    launcher.chmod(0o755)
    cache = f"MPIEXEC_EXECUTABLE:FILEPATH={launcher}\nMPIEXEC_NUMPROC_FLAG:STRING=-n\n"
    (project.build / "CMakeCache.txt").write_text(cache)
    write(project)
    project.settings = {"ENDS_FOLDER": str(folder)}
    return project


@pytest.fixture(scope="session")
def ends(tmp_path_factory, project_class):
    """A project with a test for each way to end, and the environment that it needs."""
    pytest.importorskip("pytest_rerunfailures")
    project = make(tmp_path_factory.mktemp("ends"), project_class)
    project.ways = WAYS
    project.outcome_of = outcome_of
    return project


@pytest.fixture(scope="session")
def outcomes(ends, once, project_class):
    """The outcomes of a run here."""

    def run(folder):
        project = make(folder, project_class)
        return project.run("-j", "2", limit=400, **project.settings)

    result = once("ends", run)
    assert result.record["errors"] == []
    assert result.code == 1
    return result
