# SPDX-License-Identifier: MIT
"""ctest that ends before its report: what its tests told until then is kept."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import threading
import time

import pytest

from ftorch_tools.errors import InfrastructureError
from ftorch_tools.testing.drivers import ctest_log
from ftorch_tools.testing.drivers.ctest import CTest
from ftorch_tools.testing.drivers.ctest_log import read_log
from ftorch_tools.testing.interrupts import Signals
from ftorch_tools.testing.records.events import Closed, Ended, Started
from ftorch_tools.testing.records.record import INTERRUPTED
from ftorch_tools.testing.selection import Selection

MEASURED = '<CTestMeasurement type="numeric/double" name="a rate">2.5</CTestMeasurement>'


@pytest.fixture
def ctest(project, tmp_path):
    """A function that makes the driver of the project."""
    executable = shutil.which("ctest")
    (tmp_path / "run").mkdir()
    return lambda: CTest(executable, project.build, tmp_path / "run", None, 60.0)


@pytest.mark.parametrize("politely", [True, False])
def test_outputs_of_what_had_ended(project, ctest, tmp_path, politely):
    project.add_ctest("early", "echo IMPORTANT; sleep 0.2; printf 'MESSAGE \\303('; exit 7")
    project.add_ctest("good", f"echo '{MEASURED}'")
    project.add_ctest("silent", "exit 0")
    project.add_ctest("skip", "echo 'SKIP: no luck'; exit 77", SKIP_RETURN_CODE="77")
    project.add_ctest("text", "echo ERROR", FAIL_REGULAR_EXPRESSION="ERROR")
    project.add_ctest("two_lines", "echo\necho '<end of output>'")
    project.add_ctest("endless", "sleep 424")
    project.add_ctest("after", "exit 0", DEPENDS="endless")
    driver, events = ctest(), queue.Queue()
    driver.select(Selection(), 8)
    driver.start(events.put)
    begun, ended = False, 0
    while not begun or ended < 6:
        event = events.get(timeout=30)
        begun = begun or (isinstance(event, Started) and event.id == "endless")
        ended += isinstance(event, Ended)
    time.sleep(0.2)  # ctest tells first, and then writes its log
    driver.interrupt() if politely else driver.kill()
    while not isinstance(events.get(timeout=30), Closed):
        pass
    results = {result.id: result for result in driver.results}
    outputs = {
        name: (tmp_path / "run" / result.output).read_text()
        for name, result in results.items()
        if result.output
    }
    assert outputs == {
        "early": "IMPORTANT\nMESSAGE \N{REPLACEMENT CHARACTER}(\n",
        "good": MEASURED + "\n",
        "skip": "SKIP: no luck\n",
        "text": "ERROR\n",
        "two_lines": "\n<end of output>\n",
    }
    early = "ctest ended before it reported the cause"
    assert {name: (str(r.outcome.value), r.reason) for name, r in results.items()} == {
        "early": ("failed", early),
        "good": ("passed", None),
        "silent": ("passed", None),
        "skip": ("skipped", "no luck"),
        "text": ("failed", "Error regular expression found in output. Regex=[ERROR]"),
        "two_lines": ("passed", None),
        "endless": ("lost", INTERRUPTED),
        "after": ("not_run", INTERRUPTED),
    }
    assert results["early"].seconds >= 0.2
    assert results["good"].measurements == {"a rate": 2.5}
    assert driver.errors == []
    assert not list((tmp_path / "run/ctest/Testing/Temporary").glob("LastTest*"))


LINE = "-" * 58
LOGGED = f"""\
1/2 Testing: a
1/2 Test: a
Command: "/bin/sh" "-c" "echo
Output:
x"
Directory: /
"a" start time: Nov 25 04:04 UTC
Output:
{LINE}
0123456789
<end of output>
Test time =   1.25 sec
{LINE}
Test Passed.
"""


def test_log_that_breaks_off(tmp_path, monkeypatch):
    file = tmp_path / "LastTest_1.log.tmp"
    for length in range(len(LOGGED)):
        file.write_text(LOGGED[:length])
        assert [test.output for test in read_log(file)] in ([], ["0123456789\n"])
    file.write_text(LOGGED + LOGGED.replace("a\n", "b\n", 2))
    assert [(test.name, test.seconds) for test in read_log(file)] == [("a", 1.25), ("b", 1.25)]
    monkeypatch.setattr(ctest_log, "OUTPUT_LIMIT", 10)
    monkeypatch.setattr(ctest_log, "_HALF", 3)
    text = [test.output for test in read_log(file)][1]
    assert text == "012\n[ftorch-test: 5 bytes left out]\n89\n"


@pytest.mark.usefixtures("signals_restored")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_listing_that_hangs_is_interrupted(project, tmp_path, sleepers, number):
    slow = tmp_path / "ctest"
    slow.write_text("#!/bin/sh\nsleep 425 & wait\n")
    slow.chmod(0o755)
    (tmp_path / "run").mkdir()
    driver = CTest(str(slow), project.build, tmp_path / "run", None, 60.0)
    alarm = threading.Timer(0.3, os.kill, [os.getpid(), number])
    with Signals() as signals:
        alarm.start()
        with pytest.raises(InfrastructureError, match="interrupted while ctest listed"):
            driver.select(Selection(), 1)
        assert signals.number == number
        alarm.join()
    assert sleepers(project, 425) == []
