# SPDX-License-Identifier: MIT
"""Tests that print or take too much: neither memory nor disk fills."""

from __future__ import annotations

import json
import sys

import pytest
from projects import BAD, GOOD, python_test

from ftorch_tools.testing.drivers.pytest_capture import LIMIT
from ftorch_tools.testing.drivers.runner import OUTPUT_LIMIT


def peak_memory(project, *arguments):
    """Run `ftorch-test` and return its result with the peak, in MiB, of the process itself.

    Not of its children, which the kernel keeps apart, nor of the process that started it, whose
    peak `ru_maxrss` would show.
    """
    program = (
        "import json, re, resource, sys\n"
        "from ftorch_tools.testing.cli import main\n"
        "try: main()\n"
        "finally:\n"
        "    status = open('/proc/self/status').read()\n"
        "    peak = int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) / 1024\n"
        "    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024\n"
        "    open('memory', 'w').write(json.dumps([peak, children]))\n"
    )
    project.command = [sys.executable, "-c", program]
    result = project.run(*arguments)
    return result, *json.loads((project.root / "memory").read_text())


FLOOD = [
    pytest.param(100, id="100MB"),
    pytest.param(1000, id="1GB", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("megabytes", FLOOD)
def test_flood_from_ctest(project, megabytes):
    flood = f"echo FIRST; yes {'x' * 99} | head -c {megabytes}000000; echo LAST; exit 1"
    project.add_ctest("bad", flood)
    project.add_ctest("good", "exit 0")
    result, peak, _ = peak_memory(project, "-j", "2")
    assert result.outcomes == {"bad": "failed", "good": "passed"}
    assert peak < 250
    text = result.output("bad")
    assert text.startswith("FIRST\n")
    assert text.endswith("LAST\n")
    assert len(text) < 1.1 * OUTPUT_LIMIT
    size = sum(file.stat().st_size for file in result.directory.rglob("*") if file.is_file())
    assert size < 3 * OUTPUT_LIMIT


@pytest.mark.parametrize("megabytes", FLOOD)
def test_flood_from_python(project, megabytes):
    body = f"""
    print("FIRST", flush=True)
    for _ in range({megabytes}): print("x" * 999_999)
    subprocess.run(["sh", "-c", "echo FROM A CHILD"])
    print("LAST"); assert 0
    """
    project.add_python("test_a.py", python_test(body))
    result, peak, children = peak_memory(project, "-j", "2")
    assert result.outcomes == {BAD: "failed", GOOD: "passed"}
    assert peak < 250
    assert children < 400
    text = result.output(BAD)
    assert "FIRST\n" in text[:100]
    assert "FROM A CHILD\nLAST\n" in text
    assert f"{megabytes * 1_000_000 + 24 - LIMIT} bytes left out" in text
    assert len(text) < 1.1 * OUTPUT_LIMIT


def test_binary_from_python(project):
    body = (
        "os.write(1, bytes(range(256)) * 100); os.write(2, b'\\x00\\x1b]0;title\\x07'); assert 0"
    )
    project.add_python("test_a.py", python_test(body))
    result = project.run()
    assert result.outcomes == {BAD: "failed", GOOD: "passed"}
    assert "\x1b" not in result.out
    assert "title" in result.output(BAD)


@pytest.mark.parametrize("marker", ["", "@pytest.mark.isolated"])
def test_address_space_limit(project, marker):
    limit = "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); bytearray(2**31)"
    project.add_python("test_a.py", python_test(limit, before=marker))
    program = f"import resource\n{limit}"
    project.add_ctest("bad", f"exec {sys.executable} -c '{program}'")
    # As the kernel does it when a cgroup has no memory left.
    project.add_ctest("killed", "kill -KILL $$")
    result = project.run()
    assert result.outcomes == {
        BAD: "failed",
        GOOD: "passed",
        "bad": "failed",
        "killed": "crashed",
    }
    assert "MemoryError" in result.output(BAD)
    assert "MemoryError" in result.output("bad")
    assert result.test("killed")["signal"] == "SIGKILL"
    assert result.code == 1
