# SPDX-License-Identifier: MIT
"""What real pytest runs under xdist are recorded as."""

from __future__ import annotations

import pytest

TESTS = r"""
import ctypes, os, signal, subprocess, sys, time
import pytest

def test_pass(): print("hello")
def test_fail(): print("printed"); assert 1 == 2
@pytest.mark.parametrize("text", ["a-b", "[x] ü\n"])
def test_text(text): assert text == "a-b"
def test_segv(): os.kill(os.getpid(), signal.SIGSEGV)
def test_exit(): os._exit(3)
def test_skip(): pytest.skip("no GPU here")
@pytest.mark.skipif(True, reason="not on this machine")
def test_skipif(): pass
@pytest.mark.xfail(reason="known")
def test_xfail(): assert 0
@pytest.mark.xfail(strict=True)
def test_xpass_strict(): pass
@pytest.mark.slow
def test_slow(): assert 0
@pytest.mark.gpu
def test_gpu(): pass
@pytest.mark.timeout(1)
def test_hang(): time.sleep(600)
@pytest.fixture
def broken(): raise RuntimeError("in the fixture")
def test_setup(broken): pass
@pytest.fixture
def breaks_later():
    yield
    raise RuntimeError("in the teardown")
def test_teardown(breaks_later): pass
def test_binary(): sys.stdout.buffer.write(bytes(range(256))); print("\ud800"); assert 0
class TestClass:
    def test_method(self): pass
def test_build(): assert os.path.isdir(os.environ["FTORCH_BUILD_DIR"])
def test_environment(): assert not os.environ.get("FTORCH_TEST_EVENTS")
def test_stray(): subprocess.Popen(["sleep", "418"])
"""


@pytest.fixture(scope="module")
def result(once, project_class):
    def make(folder):
        project = project_class(folder / "project")
        project.add_python("test_kinds.py", TESTS)
        skips = "import pytest\npytest.importorskip('no_such_module')\n"
        project.add_python("test_absent.py", skips)
        return project.run()

    # A folder of this name is no part of pytest's own.
    return once("pytest", make)


@pytest.mark.parametrize(
    ("name", "outcome", "exit_code", "signal", "reason"),
    [
        ("test_pass", "passed", None, None, None),
        ("test_fail", "failed", None, None, None),
        ("test_text[a-b]", "passed", None, None, None),
        (r"test_text[[x] \xfc\n]", "failed", None, None, None),
        ("test_segv", "crashed", None, "SIGSEGV", None),
        ("test_exit", "crashed", 3, None, None),
        ("test_skip", "skipped", None, None, "no GPU here"),
        ("test_skipif", "skipped", None, None, "not on this machine"),
        ("test_xfail", "skipped", None, None, "expected failure: known"),
        ("test_xpass_strict", "failed", None, None, None),
        ("test_gpu", "passed", None, None, None),
        ("test_hang", "timeout", None, None, None),
        ("test_setup", "failed", None, None, None),
        ("test_teardown", "failed", None, None, None),
        ("test_binary", "failed", None, None, None),
        ("TestClass::test_method", "passed", None, None, None),
        ("test_build", "passed", None, None, None),
        ("test_environment", "passed", None, None, None),
        ("test_stray", "passed", None, None, None),
    ],
)
def test_recorded(result, name, outcome, exit_code, signal, reason):
    test = result.test(f"tests/test_kinds.py::{name}")
    assert test["runner"] == "pytest"
    found = (test["outcome"], test["exit_code"], test["signal"], test["reason"])
    assert found == (outcome, exit_code, signal, reason)


def test_skipped_module_is_recorded(result):
    assert result.outcomes["tests/test_absent.py"] == "skipped"
    assert "no_such_module" in result.test("tests/test_absent.py")["reason"]


def test_nothing_else_is_recorded(result):
    assert len(result.record["tests"]) == 20
    assert result.record["excluded"] == 1
    assert result.code == 1
    assert result.last_line == "7 passed, 9 failed, 4 skipped"


def test_markers_are_labels(result):
    assert result.test("tests/test_kinds.py::test_gpu")["labels"] == ["gpu", "python"]
    assert result.test("tests/test_kinds.py::test_text[a-b]")["labels"] == ["python"]


def test_outputs(result):
    assert "hello" in result.output("tests/test_kinds.py::test_pass")
    failed = result.output("tests/test_kinds.py::test_fail")
    assert failed.index("printed") < failed.index("assert 1 == 2")
    crashed = result.output("tests/test_kinds.py::test_segv")
    assert "Fatal Python error: Segmentation fault" in crashed
    assert "in test_segv" in crashed
    assert "xdist" not in crashed


def test_no_process_is_left(result, sleepers):
    assert sleepers(result.project) == []


def test_markers_select(project):
    project.add_python("test_kinds.py", TESTS)
    assert set(project.run("-L", "gpu").outcomes) == {"tests/test_kinds.py::test_gpu"}
    slow = project.run("-L", "slow", "-R", "slow")
    assert slow.outcomes == {"tests/test_kinds.py::test_slow": "failed"}


def test_hang_in_compiled_code(project):
    program = """
import ctypes, signal
def test_hang():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    ctypes.PyDLL(None).sleep(600)  # PyDLL keeps the interpreter's lock
def test_next(): pass
"""
    project.add_python("test_hang.py", program)
    result = project.run("--timeout", "1")
    assert result.outcomes == {
        "tests/test_hang.py::test_hang": "timeout",
        "tests/test_hang.py::test_next": "passed",
    }
    assert "in test_hang" in result.output("tests/test_hang.py::test_hang")


def test_path_by_option(project, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "test_other.py").write_text("def test_a(): pass\n")
    project.add_python("test_own.py", "def test_b(): pass\n")
    outcomes = project.run("--pytest-path", str(other)).outcomes
    assert [name.rpartition("::")[2] for name in outcomes] == ["test_a"]
