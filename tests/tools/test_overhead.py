# SPDX-License-Identifier: MIT
"""What a run costs beyond plain ctest."""

from __future__ import annotations

import resource
import shutil
import subprocess

import pytest


def processor_seconds(start) -> float:
    """Return the processor time, in seconds, of the processes that `start` starts and awaits."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_overhead_on_500_empty_tests(project):
    ctest = shutil.which("ctest")
    if ctest is None:
        pytest.skip("ctest is not installed")
    for number in range(500):
        project.add_line(f"add_test(empty.{number} {shutil.which('true')})")
    plain = [ctest, "-j", "2"]
    alone = processor_seconds(
        lambda: subprocess.run(plain, cwd=project.build, check=True, stdout=subprocess.DEVNULL)
    )
    results = []
    ours = processor_seconds(lambda: results.append(project.run("-j", "2")))
    assert results[0].last_line == "500 passed, 0 failed, 0 skipped"
    # Of the processor: the clock depends on what else the machine does.
    assert ours - alone < 2.0
