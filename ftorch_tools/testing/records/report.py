# SPDX-License-Identifier: MIT
"""Makes reports of a run for people: an HTML page that needs nothing else, or Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import jinja2

from ftorch_tools.testing.records.plots import longest, timeline
from ftorch_tools.testing.records.provenance import provenance
from ftorch_tools.testing.records.record import Outcome, RunRecord, TestResult
from ftorch_tools.text import duration, lines_of, one_line, plain, read_end

_BYTES_IN_HTML = 64 * 1024
_BYTES_IN_MARKDOWN = 4 * 1024
# Lest a run where everything fails makes a page that no browser opens.
_OUTPUTS = 100


@dataclass(frozen=True)
class Failure:
    """A failed test with the end of its output, before which `left_out` bytes stand."""

    test: TestResult
    output: str | None
    left_out: int = 0


def to_html(record: RunRecord) -> str:
    """Return a page without scripts that loads nothing."""
    return _render("report.html", record, _BYTES_IN_HTML)


def to_markdown(record: RunRecord) -> str:
    """Return a summary for a merge request or a job's page."""
    return _render("report.md", record, _BYTES_IN_MARKDOWN)


def _render(name: str, record: RunRecord, output_bytes: int) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=name.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(line=one_line, code=_code, fence=_fence, cell=_cell, time=_time)
    environment.filters["first"] = _first
    counts = [(outcome, record.count(outcome)) for outcome in Outcome]
    return environment.get_template(name).render(
        record=record,
        counts=[(outcome, count) for outcome, count in counts if count],
        failures=_failures(record, output_bytes),
        skips=_skips(record.tests),
        longest=longest(record.tests),
        seconds=sum(test.seconds or 0.0 for test in record.tests),
        timeline=timeline(record),
        provenance=provenance(record),
    )


def _failures(record: RunRecord, most: int) -> list[Failure]:
    found = []
    for place, test in enumerate(record.failures):
        file = Path(record.directory) / test.output if test.output else None
        if file is None or place >= _OUTPUTS or not file.is_file():
            found.append(Failure(test, None))
        else:
            text, left_out = read_end(file, most)
            found.append(Failure(test, plain(text).strip("\n"), left_out))
    return found


def _skips(tests: list[TestResult]) -> dict[str, list[str]]:
    skips: dict[str, list[str]] = {}
    for test in tests:
        if test.outcome is Outcome.SKIPPED:
            skips.setdefault(test.reason or "no reason given", []).append(test.id)
    return skips


def _time(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _first(text: str) -> str:
    """Return the first line of `text`."""
    return (lines_of(text) or [""])[0]


def _longest_run_of_backticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _code(text: str) -> str:
    """Return `text` as a code span of Markdown."""
    text = one_line(text)
    mark = "`" * (_longest_run_of_backticks(text) + 1)
    space = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") else ""
    return f"{mark}{space}{text}{space}{mark}"


def _cell(text: str) -> str:
    """Return Markdown for a cell of a table."""
    return text.replace("|", r"\|")


def _fence(text: str) -> str:
    """Return `text` as a code block of Markdown."""
    mark = "`" * max(3, _longest_run_of_backticks(text) + 1)
    return f"{mark}text\n{text}\n{mark}"
