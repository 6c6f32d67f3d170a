# SPDX-License-Identifier: MIT
"""Reports of a run, with names and outputs that try to break them."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ftorch_tools.testing.records.plots import longest, timeline
from ftorch_tools.testing.records.record import Attempt, Outcome, Status, TestResult
from ftorch_tools.text import duration, plain

SCRIPT = "<script>alert(1)</script>"
NASTY = f"t{SCRIPT}|`\x1b[31m\x00'\"&amp;"
OUTPUT = f"</pre>{SCRIPT}\n\x1b[31mred\x1b[0m \x07bell\n```\n</details>\n".encode() + bytes(
    range(256)
)


@pytest.fixture
def nasty(runs):
    """A run whose every text holds markup, escape sequences or binary."""
    failed = TestResult(NASTY, "ctest", Outcome.FAILED, ["l<b>"], exit_code=1, seconds=0.5)
    failed.start, failed.output, failed.measurements = 0.0, "out.txt", {"m<b>": 1.5, "n": None}
    failed.earlier = [Attempt(Outcome.LOST, host="node<b>", start=0.0, seconds=0.2)]
    skipped = TestResult("s", "pytest", Outcome.SKIPPED, reason=f"why {SCRIPT}")
    record = runs.add(
        failed,
        skipped,
        TestResult("gone", "ctest", Outcome.CRASHED, signal="SIGSEGV", output="gone.txt"),
        exit_code=1,
        errors=[f"error {SCRIPT}"],
        warnings=[f"warning {SCRIPT}"],
        command=["ftorch-test", "run", SCRIPT],
        commit=SCRIPT,
        host="h<b>",
    )
    (Path(record.directory) / "out.txt").write_bytes(OUTPUT)
    return runs


class Page(HTMLParser):
    """The tags, the addresses and the visible text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.text = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data):
        self.text += data


def test_html_escapes_everything(nasty):
    page = Page(nasty.command("report", "--format", "html").stdout)
    assert page.tags.isdisjoint({"script", "iframe", "object", "img"})
    assert page.addresses == ["data:,"]
    for words in (f"t{SCRIPT}|`", f"why {SCRIPT}", f"error {SCRIPT}", f"warning {SCRIPT}"):
        assert words in page.text
    assert f"</pre>{SCRIPT}\nred \N{REPLACEMENT CHARACTER}bell" in page.text
    assert "m<b> = 1.5, n = not finite" in re.sub(r"\s+", " ", page.text)
    assert "node<b>" in page.text
    assert "No output is kept." in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x1b]", page.text)


def test_markdown_escapes_everything(nasty):
    text = nasty.command("report").stdout
    # Outside code, which shows markup as it is, none of it is left.
    without_blocks = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.S | re.M)
    without_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", without_blocks)
    assert "<script" not in without_code
    assert html.escape(SCRIPT) in without_code
    assert without_code.count("<details") == without_code.count("</details>") == 2
    assert f"error {SCRIPT}" in text
    (block,) = re.findall(r"^(````text\n</pre>.*?^````)$", text, flags=re.S | re.M)
    assert "```\n</details>" in block
    (row,) = [line for line in text.splitlines() if line.startswith("| ``t<script>")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert "\x1b" not in text


def test_junit_of_a_nasty_run_can_be_read(nasty):
    root = ElementTree.fromstring(nasty.command("report", "--format", "junit").stdout.encode())
    counts = {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")}
    # The error of the run is a test case too.
    assert counts == {"tests": "4", "failures": "1", "errors": "2", "skipped": "1"}
    assert SCRIPT in root.find(".//testcase[@classname='ftorch-test']/error").text
    properties = {item.get("name"): item.get("value") for item in root.iter("property")}
    assert properties == {"m<b>": "1.5", "n": "None"}
    assert SCRIPT in root.find(".//system-out").text


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_long_outputs_are_cut_at_their_beginning(runs, kind):
    record = runs.add(TestResult("a", "ctest", Outcome.FAILED, output="out.txt"))
    file = Path(record.directory) / "out.txt"
    file.write_text("first\n" + "x" * 100_000 + "\nlast\n")
    text = runs.command("report", "--format", kind).stdout
    assert "last\n" in text or "last<" in text
    assert "first" not in text
    shown = int(re.search(r"(\d+) bytes before", text).group(1))
    assert len(text) < 100_000
    assert shown + text.count("x" * 1000) * 1000 <= file.stat().st_size


def test_a_run_without_tests(runs):
    runs.add(exit_code=4)
    for kind in ("html", "markdown", "junit"):
        answer = runs.command("report", "--format", kind)
        assert answer.exit_code == 0, answer.exception
    assert "no tests" in runs.command("report").stdout


def test_an_interrupted_run_says_so(runs):
    runs.add(TestResult("a", "ctest", Outcome.NOT_RUN), status=Status.INTERRUPTED, exit_code=130)
    for kind in ("html", "markdown"):
        assert "interrupted" in runs.command("report", "--format", kind).stdout


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"status": Status.BROKEN, "exit_code": 3, "errors": ["ctest has\nvanished"]},
            "ctest has",
        ),
        ({"status": Status.BROKEN, "exit_code": 3}, "the run is broken"),
        ({"status": Status.INTERRUPTED, "exit_code": 130}, "interrupted"),
    ],
)
def test_a_run_that_is_no_verdict_looks_like_none(runs, values, words):
    runs.add(TestResult("a", "ctest", Outcome.PASSED), **values)
    root = ElementTree.fromstring(runs.command("report", "--format", "junit").stdout.encode())
    assert root.get("errors") == "1"
    assert words in root.find(".//error").get("message")
    assert len(root.findall(".//testcase")) == int(root.get("tests")) == 2
    head = runs.command("report").stdout.splitlines()[0]
    assert words in head
    assert "passed" not in head
    assert "broken" in (title := page_title(runs)) or "interrupted" in title


def page_title(runs):
    page = runs.command("report", "--format", "html").stdout
    return re.search("<title>(.*)</title>", page).group(1)


def test_what_passed_at_last_is_told(runs):
    test = TestResult("a", "pytest", Outcome.PASSED)
    test.earlier = [Attempt(Outcome.FAILED), Attempt(Outcome.CRASHED)]
    lost = TestResult("b", "pytest", Outcome.PASSED, earlier=[Attempt(Outcome.LOST)])
    runs.add(test, lost)
    assert "flaky: a  failed, crashed, passed" in runs.command("show").stdout
    assert "flaky: b" not in runs.command("show").stdout
    markdown = runs.command("report").stdout
    assert "- `a`: failed, crashed, passed" in markdown
    junit = runs.command("report", "--format", "junit").stdout
    assert '<property name="flaky attempts" value="3" />' in junit


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0 ms"),
        (0.00042, "0.42 ms"),
        (0.0042, "4.2 ms"),
        (0.042, "42 ms"),
        (0.0996, "0.10 s"),
        (1.5, "1.50 s"),
        (99.0, "99.00 s"),
        (119.9, "2 min 0 s"),
        (3700.0, "1 h 1 min"),
    ],
)
def test_short_durations_are_no_zeros(seconds, shown):
    assert duration(seconds) == shown


def test_the_timeline_has_no_more_at_once_than_there_were_jobs(runs):
    # What is seen of the start may lag behind it.
    tests = [
        TestResult(f"t{n}", "pytest", Outcome.PASSED, start=start, seconds=1.0)
        for n, start in enumerate((0.0, 0.02, 0.98, 0.99, 1.95))
    ]
    (track,) = timeline(runs.add(*tests, jobs=2)).tracks
    assert track.lanes == 2
    ends = dict.fromkeys(range(2), 0.0)
    for bar in track.bars:
        assert bar.left >= ends[bar.lane] - 1e-9
        ends[bar.lane] = bar.left + bar.width


def test_file(runs):
    runs.add(TestResult("a", "ctest", Outcome.PASSED))
    values = runs.json("report", "--format", "html", "--output", "r.html")
    assert values["file"] == str(runs.root / "r.html")
    assert (runs.root / "r.html").read_text().startswith("<!doctype html>")
    assert runs.json("report")["content"] == runs.command("report").stdout
    for bad in ("nowhere/r.html", "/dev/full"):
        answer = runs.command("report", "-o", bad)
        assert answer.exit_code == 3, bad
        assert answer.stdout == ""
        assert "No such file" in answer.stderr or "No space" in answer.stderr
    assert runs.command("report", "--format", "pdf").exit_code == 2


def test_places_in_the_timeline(runs):
    spans = {"a": (0.0, 4.0), "b": (1.0, 2.0), "c": (3.0, 1.0), "d": (4.0, 6.0), "e": (None, 1.0)}
    tests = [
        TestResult(id, "ctest", Outcome.PASSED, start=start, seconds=seconds)
        for id, (start, seconds) in spans.items()
    ]
    tests[1].earlier = [Attempt(Outcome.LOST, start=0.0, seconds=1.0, host="node2")]
    plot = timeline(runs.add(*tests))
    here, there = plot.tracks
    assert (here.name, here.lanes, there.name) == ("ctest on host", 2, "ctest on node2")
    places = {bar.id: (bar.lane, bar.left, bar.width) for bar in here.bars}
    assert places == {"a": (0, 0, 40), "b": (1, 10, 20), "c": (1, 30, 10), "d": (0, 40, 60)}
    assert plot.ticks == [
        (0, "0 s"),
        (20, "2 s"),
        (40, "4 s"),
        (60, "6 s"),
        (80, "8 s"),
        (100, "10 s"),
    ]
    assert timeline(runs.add(tests[-1])) is None


def test_longest():
    tests = [TestResult(f"t{n}", "ctest", Outcome.PASSED, seconds=float(n)) for n in range(40)]
    bars = longest(tests)
    assert [bar.id for bar in bars[:2]] == ["t39", "t38"]
    assert (len(bars), bars[0].width) == (25, 100)
    assert bars[1].width == pytest.approx(100 * 38 / 39)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bx\x1bMy", "xy"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("a\rb\x9b", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"),
        ("\u202egnp.exe", "\N{REPLACEMENT CHARACTER}gnp.exe"),
        ("\x1b", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_plain(text, shown):
    assert plain(text) == shown
