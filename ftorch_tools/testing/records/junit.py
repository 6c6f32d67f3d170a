# SPDX-License-Identifier: MIT
"""Exports a record as JUnit XML, for the displays of CI services."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ftorch_tools.testing.records.record import Outcome, RunRecord, TestResult
from ftorch_tools.text import lines_of, plain, read_end

# junitparser knows no properties of a test case, and lets through what XML cannot hold: with both
# added, nothing of this file would go.
# Longer outputs stand in the run directory; CI services refuse huge reports.
_OUTPUT_BYTES = 64 * 1024
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(record: RunRecord, directory: Path, file: Path) -> None:
    """Write `record`, whose output paths are relative to `directory`, to `file`."""
    file.write_text(to_junit(record, directory), encoding="utf-8")


def to_junit(record: RunRecord, directory: Path) -> str:
    """Return `record`, whose output paths are relative to `directory`, as JUnit XML.

    Failed tests are failures; crashed, timed out, not run and lost ones are errors, and so is what
    went wrong with the run itself.
    """
    problems = record.problems
    totals = _totals(record.tests, len(problems))
    root = ElementTree.Element("testsuites", {"name": "ftorch-test", **totals})
    for runner in dict.fromkeys([*record.commands, *(test.runner for test in record.tests)]):
        tests = [test for test in record.tests if test.runner == runner]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            {
                "name": runner,
                "hostname": record.host,
                "timestamp": record.start.partition("+")[0],
                **_totals(tests, 0),
            },
        )
        for test in tests:
            _add_case(suite, test, directory)
    if problems:
        _add_problems(root, record, problems)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_problems(root: ElementTree.Element, record: RunRecord, problems: list[str]) -> None:
    """Add what went wrong besides the tests as test cases: a display counts nothing else."""
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": "ftorch-test",
            "hostname": record.host,
            "timestamp": record.start.partition("+")[0],
            **_totals([], len(problems)),
        },
    )
    for number, problem in enumerate(problems, 1):
        case = ElementTree.SubElement(
            suite, "testcase", classname="ftorch-test", name=f"run, error {number}", time="0.000"
        )
        first = lines_of(problem)[0] if problem else ""
        error = ElementTree.SubElement(case, "error", type="run", message=_clean(first))
        error.text = _clean(problem)


def _totals(tests: list[TestResult], problems: int) -> dict[str, str]:
    failed = sum(test.outcome is Outcome.FAILED for test in tests)
    return {
        "tests": str(len(tests) + problems),
        "failures": str(failed),
        "errors": str(sum(test.outcome.is_failure for test in tests) - failed + problems),
        "skipped": str(sum(test.outcome is Outcome.SKIPPED for test in tests)),
        "time": f"{sum(test.seconds or 0.0 for test in tests):.3f}",
    }


def _add_case(suite: ElementTree.Element, test: TestResult, directory: Path) -> None:
    classname, name = map(_clean, _split(test))
    case = ElementTree.SubElement(
        suite, "testcase", classname=classname, name=name, time=f"{test.seconds or 0.0:.3f}"
    )
    if test.measurements or test.is_flaky:
        properties = ElementTree.SubElement(case, "properties")
        if test.is_flaky:
            attempts = str(len(test.attempts))
            ElementTree.SubElement(properties, "property", name="flaky attempts", value=attempts)
        for name, value in test.measurements.items():
            ElementTree.SubElement(properties, "property", name=_clean(name), value=str(value))
    if test.outcome is Outcome.SKIPPED:
        ElementTree.SubElement(case, "skipped", message=_clean(test.reason or ""))
    elif test.outcome.is_failure:
        kind = "failure" if test.outcome is Outcome.FAILED else "error"
        message = _clean(test.description)
        ElementTree.SubElement(case, kind, type=test.outcome.value, message=message)
    if test.output is not None and (directory / test.output).is_file():
        output, _ = read_end(directory / test.output, _OUTPUT_BYTES)
        ElementTree.SubElement(case, "system-out").text = _clean(plain(output))


def _split(test: TestResult) -> tuple[str, str]:
    if test.runner == "pytest":
        plain, bracket, parameters = test.id.partition("[")
        *parts, last = plain.split("::")
        module = ".".join(parts).removesuffix(".py").replace(".py.", ".").replace("/", ".")
        return module or last, last + bracket + parameters
    classname, dot, name = test.id.rpartition(".")
    return (classname, name) if dot else (test.id, test.id)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
