# SPDX-License-Identifier: MIT
"""Reads `Test.xml`, the report of `ctest -T Test`, and ctest's live lines."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ftorch_tools.testing.drivers.ctest_log import Logged
from ftorch_tools.testing.drivers.runner import OutputStore, finite, printed_skip_reason
from ftorch_tools.testing.records.record import Outcome, TestResult
from ftorch_tools.text import decode

_SIGNALS = {
    "SEGFAULT": "SIGSEGV",
    "ILLEGAL": "SIGILL",
    "INTERRUPT": "SIGINT",
    "NUMERICAL": "SIGFPE",
    "Subprocess aborted": "SIGABRT",
    "Subprocess killed": "SIGKILL",
    "Subprocess terminated": "SIGTERM",
    "Bus error": "SIGBUS",
}
_FIRST = ("Exit Code", "Exit Value")
_OF_CTEST = {"Execution Time", "Exit Value", "Processors"}
_TOO_FEW_GPUS = "Insufficient resources"
_STARTED = re.compile(r"^ *Start +(\d+): ")
_ENDED = re.compile(r"^ *\d+/\d+ Test +#(\d+): (.*)$")
_PRINTED = re.compile(
    r'<CTestMeasurement +type="numeric/\w+" +name="([^"]*)" *>([^<]*)</CTestMeasurement>'
)
_SPELT_OUT = re.compile(r"\[NON-(UTF-8-BYTE|XML-CHAR)-0x([0-9A-Fa-f]{1,6})\]")
_SECONDS = re.compile(r"([\d.]+) sec\s*$")


@dataclass(frozen=True)
class LiveLine:
    """A test that started (`outcome` is None) or ended; `number` is ctest's own, from 1."""

    number: int
    outcome: Outcome | None = None
    seconds: float | None = None


def parse_line(line: str) -> LiveLine | None:
    """Read one line of ctest's standard output; None when it says nothing about a test."""
    started = _STARTED.match(line)
    if started:
        return LiveLine(int(started.group(1)))
    ended = _ENDED.match(line)
    if not ended:
        return None
    text = ended.group(2)
    seconds = _SECONDS.search(text)
    return LiveLine(
        int(ended.group(1)), _live_outcome(text), float(seconds.group(1)) if seconds else None
    )


def _live_outcome(text: str) -> Outcome:
    # The words follow the dots after the name; a name may hold any of them, so search from there.
    words = text.rpartition("***")[2] if "***" in text else ""
    for word, outcome in (
        ("Skipped", Outcome.SKIPPED),
        ("Not Run (Disabled)", Outcome.SKIPPED),
        ("Not Run", Outcome.NOT_RUN),
        ("Timeout", Outcome.TIMEOUT),
        ("Exception", Outcome.CRASHED),
    ):
        if words.startswith(word):
            return outcome
    passed = not words and re.search(r" Passed +[\d.]+ sec\s*$", text)
    return Outcome.PASSED if passed else Outcome.FAILED


def read_report(file: Path, outputs: OutputStore, epoch: float) -> Iterator[TestResult]:
    """Yield the results that `file` holds, their outputs kept in `outputs`.

    One test at a time is in memory. The run began at the Unix time `epoch`.
    """
    for _, element in ElementTree.iterparse(file):
        if element.tag == "Test" and "Status" in element.attrib:
            result = _result(element, outputs)
            start = finite(element.findtext("StartTestTime"))
            if start is not None and result.outcome is not Outcome.NOT_RUN:
                result.start = round(max(0.0, start - epoch), 3)
            yield result
            element.clear()


def plain_name(name: str) -> str:
    """Return `name` as a report has it, which leaves out one character."""
    return name.replace("\r", "")


def _unescaped(text: str) -> str:
    """Return what ctest has written as `text`: it spells out what XML or UTF-8 cannot hold."""
    return _SPELT_OUT.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    code = int(found.group(2), 16)
    if code > sys.maxunicode:
        return found.group()
    return decode(bytes([code])) if found.group(1) == "UTF-8-BYTE" and code < 256 else chr(code)


def add_logged(result: TestResult, logged: Logged, outputs: OutputStore) -> TestResult:
    """Return `result`, of a test that is not in the report, with what ctest's log has of it."""
    reason = _one_line(logged.reason or "") or "ctest ended before it reported the cause"
    if result.outcome is Outcome.SKIPPED:
        reason = printed_skip_reason(logged.output) or reason
    return replace(
        result,
        seconds=logged.seconds,
        reason=None if result.outcome is Outcome.PASSED else reason,
        output=outputs.keep(result.id, logged.output),
        measurements={name: finite(text) for name, text in _PRINTED.findall(logged.output)},
    )


def _one_line(reason: str) -> str:
    # ctest ends each of its regular expressions with a line break.
    return re.sub(r"\n(?!])", " or ", reason).replace("\n", "")


def _result(test: ElementTree.Element, outputs: OutputStore) -> TestResult:
    name = _unescaped(test.findtext("Name") or "")
    measured = _of_ctest(test)
    output = _unescaped(test.findtext("Results/Measurement/Value") or "")
    completion = measured.get("Completion Status", "")
    code = measured.get("Exit Code", "")
    outcome = _outcome(test.get("Status", ""), completion, code)
    reason = None
    if outcome is Outcome.SKIPPED:
        reason = printed_skip_reason(output) or completion
    elif outcome is Outcome.NOT_RUN:
        reason = completion
    exit_code = _exit_code(outcome, completion, measured.get("Exit Value"))
    if outcome is Outcome.FAILED:
        # Where a text decided, ctest says which; else only WILL_FAIL makes a success a failure.
        expected = "WILL_FAIL: it should have failed" if exit_code == 0 else ""
        reason = _one_line(measured.get("Fail Reason", expected)) or None
    return TestResult(
        id=name,
        runner="ctest",
        outcome=outcome,
        labels=[_unescaped(label.text or "") for label in test.findall("Labels/Label")],
        exit_code=exit_code,
        signal=_SIGNALS.get(code, code) if outcome is Outcome.CRASHED else None,
        seconds=finite(measured.get("Execution Time")),
        reason=reason,
        output=outputs.keep(name, output),
        measurements=_measurements(test),
    )


def _of_ctest(test: ElementTree.Element) -> dict[str, str]:
    """Return what ctest says of the test; the test may have printed measurements so named.

    They stand behind the two exit values and before the rest.
    """
    items = [
        (item.get("name", ""), _unescaped(item.findtext("Value") or ""))
        for item in test.findall("Results/NamedMeasurement")
    ]
    return {**dict(items), **dict(item for item in reversed(items) if item[0] in _FIRST)}


def _measurements(test: ElementTree.Element) -> dict[str, float | None]:
    """Return the numbers that the test printed as `<CTestMeasurement>`."""
    return {
        item.get("name", ""): finite(item.findtext("Value") or "")
        for item in test.findall("Results/NamedMeasurement")
        if item.get("type", "").startswith("numeric/") and item.get("name") not in _OF_CTEST
    }


def _outcome(status: str, completion: str, code: str) -> Outcome:
    if status == "passed":
        return Outcome.PASSED
    if status == "notrun":
        # Like a test that finds no GPU, one that finds too few has nothing to say.
        skipped = completion.startswith("SKIP_") or completion in ("Disabled", _TOO_FEW_GPUS)
        return Outcome.SKIPPED if skipped else Outcome.NOT_RUN
    if code == "Timeout" or completion == "Timeout":
        return Outcome.TIMEOUT
    return Outcome.FAILED if code in ("", "Failed") else Outcome.CRASHED


def _exit_code(outcome: Outcome, completion: str, value: str | None) -> int | None:
    if outcome is Outcome.PASSED and value is None:
        return 0
    if outcome in (Outcome.PASSED, Outcome.FAILED) and value:
        # A test that passes has no value from ctest, but may have printed one.
        return int(value) if re.fullmatch(r"-?\d{1,10}", value) else None
    skip_code = re.fullmatch(r"SKIP_RETURN_CODE=(-?\d+)", completion)
    return int(skip_code.group(1)) if skip_code else None
