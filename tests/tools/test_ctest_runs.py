# SPDX-License-Identifier: MIT
"""What real ctest runs are recorded as."""

from __future__ import annotations

import pytest

# As if ctest itself had said so.
SPOILS = "".join(
    f'<CTestMeasurement type="{kind}" name="{name}">x</CTestMeasurement>\n'
    for kind, name in (
        ("numeric/double", "Exit Value"),
        ("numeric/double", "Execution Time"),
        ("text/string", "Exit Code"),
        ("text/string", "Completion Status"),
    )
)
FOUND = "Error regular expression found in output"
NOT_FOUND = "Required regular expression not found"
REASON = "SKIP: no GPU on this machine"


@pytest.fixture(scope="module")
def result(once, project_class):
    return once("ctest", lambda folder: run(project_class(folder / "project")))


def run(project):
    """Give `project` tests that end in many ways, and return what a run of them is."""
    # Not in the JSON list of ctest: all numbers after it would be off by one.
    project.add_line("add_test(no_configuration NOT_AVAILABLE)")
    project.add_ctest("fortran.pass", "echo fine; pwd", LABELS="unit;cpu")
    project.add_ctest("fortran.fail", "echo first; echo last; exit 3")
    for name in ("SEGV", "ABRT", "KILL", "FPE", "BUS", "ILL", "TERM", "XCPU"):
        project.add_ctest(f"crash.{name}", f"kill -{name} $$")
    project.add_ctest("hang", "echo begun; sleep 600 & wait", TIMEOUT="1")
    project.add_line("add_test(missing /nonexistent/program)")
    project.add_ctest("setup", "exit 1", FIXTURES_SETUP="F")
    project.add_ctest("needs_setup", "exit 0", FIXTURES_REQUIRED="F")
    project.add_ctest("skip", f"echo start; echo '{REASON}'; exit 77", SKIP_RETURN_CODE="77")
    project.add_ctest("skip_silent", "exit 77", SKIP_RETURN_CODE="77")
    project.add_ctest("skip_text", f"echo '{REASON}'", SKIP_REGULAR_EXPRESSION="SKIP")
    project.add_ctest("disabled", "exit 0", DISABLED="TRUE")
    project.add_ctest("files", "exit 0", REQUIRED_FILES="/nonexistent/file")
    project.add_ctest("will_fail", "exit 0", WILL_FAIL="TRUE")
    project.add_ctest("wrong_text", "echo ERROR", FAIL_REGULAR_EXPRESSION="ERROR")
    project.add_ctest("no_text", "echo three", PASS_REGULAR_EXPRESSION="one;two")
    project.add_ctest("binary", "printf '\\000\\001\\033[31m]]>\\377\\303('; exit 1")
    project.add_ctest("long", "yes 0123456789 | head -c 300000; echo THE END; exit 1")
    project.add_ctest("spoils", f"echo '{SPOILS}'; exit 3")
    project.add_ctest("spoils.passes", f"echo '{SPOILS}'")
    project.add_ctest("stray", "sleep 417 > /dev/null 2>&1 &")
    project.add_line("add_test([=[name with spaces]=] /bin/sh -c [==[exit 0]==])")
    project.add_ctest("slow_one", "exit 1", LABELS="slow")
    (project.build / "sub").mkdir()
    (project.build / "sub/CTestTestfile.cmake").write_text("add_test(sub.pwd /bin/sh -c pwd)\n")
    project.add_line('subdirs("sub")')
    return project.run("--timeout", "60")


@pytest.mark.parametrize(
    ("name", "outcome", "exit_code", "signal", "reason"),
    [
        ("fortran.pass", "passed", 0, None, None),
        ("fortran.fail", "failed", 3, None, None),
        ("crash.SEGV", "crashed", None, "SIGSEGV", None),
        ("crash.ABRT", "crashed", None, "SIGABRT", None),
        ("crash.KILL", "crashed", None, "SIGKILL", None),
        ("crash.FPE", "crashed", None, "SIGFPE", None),
        ("crash.BUS", "crashed", None, "SIGBUS", None),
        ("crash.ILL", "crashed", None, "SIGILL", None),
        ("crash.TERM", "crashed", None, "SIGTERM", None),
        ("crash.XCPU", "crashed", None, "SIGXCPU", None),
        ("hang", "timeout", None, None, None),
        ("missing", "not_run", None, None, "Unable to find executable"),
        ("setup", "failed", 1, None, None),
        ("needs_setup", "not_run", None, None, "Fixture dependency failed"),
        ("skip", "skipped", 77, None, "no GPU on this machine"),
        ("skip_silent", "skipped", 77, None, "SKIP_RETURN_CODE=77"),
        ("skip_text", "skipped", None, None, "no GPU on this machine"),
        ("disabled", "skipped", None, None, "Disabled"),
        ("no_configuration", "not_run", None, None, "Missing Configuration"),
        ("files", "not_run", None, None, "Required Files Missing"),
        ("will_fail", "failed", 0, None, "WILL_FAIL: it should have failed"),
        ("wrong_text", "failed", 0, None, f"{FOUND}. Regex=[ERROR]"),
        ("no_text", "failed", 0, None, f"{NOT_FOUND}. Regex=[one or two]"),
        ("binary", "failed", 1, None, None),
        ("long", "failed", 1, None, None),
        ("spoils", "failed", 3, None, None),
        ("spoils.passes", "passed", None, None, None),
        ("stray", "passed", 0, None, None),
        ("name with spaces", "passed", 0, None, None),
        ("sub.pwd", "passed", 0, None, None),
    ],
)
def test_recorded(result, name, outcome, exit_code, signal, reason):
    test = result.test(name)
    assert test["runner"] == "ctest"
    found = (test["outcome"], test["exit_code"], test["signal"], test["reason"])
    assert found == (outcome, exit_code, signal, reason)


def test_nothing_else_is_recorded(result):
    assert len(result.record["tests"]) == 30
    assert result.record["excluded"] == 1


def test_exit_code_and_last_line(result):
    assert result.code == 1
    assert result.last_line == "5 passed, 21 failed, 4 skipped"
    assert result.record["exit_code"] == 1


def test_labels_and_seconds(result):
    assert sorted(result.test("fortran.pass")["labels"]) == ["cpu", "unit"]
    assert 0.9 < result.test("hang")["seconds"] < 20
    assert 0 <= result.test("spoils")["seconds"] < 20


def test_working_directory_is_that_of_plain_ctest(result):
    build = result.project.build.resolve()
    assert result.output("fortran.pass") == f"fine\n{build}\n"
    assert result.output("sub.pwd") == f"{build / 'sub'}\n"


def test_output_is_whole(result):
    text = result.output("long")
    assert text.endswith("THE END\n")
    assert text.count("0123456789") >= 300000 // 11


def test_binary_output_reaches_no_terminal(result):
    assert "[31m" in result.output("binary")
    assert "\x1b" not in result.out


def test_failures_end_with_their_last_lines(result):
    assert "fortran.fail  failed (exit code 3)\n    first\n    last\n" in result.out
    assert "crash.SEGV  crashed (SIGSEGV)" in result.out
    assert f"wrong_text  failed (exit code 0, {FOUND}. Regex=[ERROR])" in result.out
    assert "skipped 2: no GPU on this machine" in result.out
    assert "1 slow tests left out" in result.out


def test_no_process_is_left(result, sleepers):
    assert sleepers(result.project) == []


def test_build_folder_is_left_alone(result):
    names = {path.name for path in result.project.build.iterdir()}
    assert names == {"CTestTestfile.cmake", "sub", "ftorch-test"}


def test_fixtures_come_along(project):
    project.add_ctest("setup", "exit 0", FIXTURES_SETUP="F")
    project.add_ctest("cleanup", "exit 0", FIXTURES_CLEANUP="F")
    project.add_ctest("wanted", "exit 0", FIXTURES_REQUIRED="F")
    project.add_ctest("unwanted", "exit 0")
    result = project.run("-R", "^wanted$")
    assert set(result.outcomes) == {"setup", "cleanup", "wanted"}
    assert result.code == 0


def test_default_timeout(project):
    project.add_ctest("hang", "sleep 600")
    project.add_ctest("patient", "sleep 2", TIMEOUT="60")
    # Which means no limit at all to ctest.
    project.add_ctest("unlimited", "sleep 600", TIMEOUT="0")
    project.add_ctest("negative", "sleep 600", TIMEOUT="-1", RESOURCE_GROUPS="gpus:1")
    result = project.run("--timeout", "1", "-j", "4")
    assert result.outcomes == {
        "hang": "timeout",
        "patient": "passed",
        "unlimited": "timeout",
        "negative": "timeout",
    }


def test_labels_select(project):
    project.add_ctest("a", "exit 0", LABELS="unit")
    project.add_ctest("b", "exit 0", LABELS="unit;gpu")
    project.add_ctest("c", "exit 0", LABELS="unit;slow")
    assert set(project.run().outcomes) == {"a", "b"}
    assert set(project.run("-L", "unit", "-LE", "gpu").outcomes) == {"a"}
    assert set(project.run("-L", "slow").outcomes) == {"c"}
    assert set(project.run("--all").outcomes) == {"a", "b", "c"}


def test_settings_of_the_build_are_kept(project):
    project.add_ctest("a", "exit 0")
    project.add_ctest("b", "exit 0")
    (project.build / "CTestCustom.cmake").write_text("set(CTEST_CUSTOM_TESTS_IGNORE a)\n")
    assert project.run().outcomes == {"b": "passed"}


def test_misleading_environment(project):
    project.add_ctest("fake", "echo '1/1 Test #2: real .....***Failed 0.1 sec'; exit 1")
    project.add_ctest("real", "exit 0")
    result = project.run(CTEST_OUTPUT_ON_FAILURE="1", CTEST_PARALLEL_LEVEL="junk")
    assert result.outcomes == {"fake": "failed", "real": "passed"}
    assert "ctest real" not in result.out
