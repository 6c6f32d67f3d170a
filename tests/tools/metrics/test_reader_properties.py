# SPDX-License-Identifier: MIT
"""Random and damaged metrics files."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from ftorch_tools.metrics.reader import MetricsError, Reader

NAMES = st.lists(
    st.text(min_size=1, max_size=8)
    .map(lambda name: "".join(c for c in name if c.isprintable()).strip())
    .filter(lambda name: name and name != "step"),
    min_size=1,
    max_size=4,
    unique=True,
)
VALUES = st.none() | st.floats(allow_nan=False)


@st.composite
def files(draw):
    """Return names of metrics, records by their steps, and the file of a run that wrote them."""
    names = draw(NAMES)
    record = st.lists(VALUES, min_size=len(names), max_size=len(names))
    records = draw(st.lists(st.tuples(st.integers(-5, 30), record), max_size=30))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerow(["step", *names])
    kept = {}
    for step, values in records:
        kept = {at: values for at, values in kept.items() if at < step}
        kept[step] = values
        writer.writerow([step, *("" if value is None else repr(value) for value in values)])
    return names, kept, text.getvalue().encode()


def read_in_pieces(content, cuts):
    """Return what a reader makes of a file that comes in pieces."""
    reader = Reader("m.csv")
    ends = sorted({cut % (len(content) + 1) for cut in cuts} | {len(content)})
    for begin, end in zip([0, *ends], ends):
        reader.feed(content[begin:end])
    reader.finish()
    return reader


def said(reader):
    """Return all that a reader says."""
    series = [(one.name, list(one.steps), list(map(repr, one.values))) for one in reader.series]
    return list(reader.steps), series, reader.problems, reader.superseded, reader.left_out


@given(files(), st.lists(st.integers(0, 10**6), max_size=6))
def test_what_was_written_is_read(file, cuts):
    names, kept, content = file
    reader = read_in_pieces(content, cuts)
    assert reader.columns == ["step", *names]
    assert list(reader.steps) == sorted(kept)
    for n, name in enumerate(names):
        series = reader.find(name)
        expected = {at: values[n] for at, values in kept.items() if values[n] is not None}
        assert dict(zip(series.steps, series.values)) == expected
    assert reader.problems == []


class LineByLine(Reader):
    """A reader without the way through whole columns."""

    def _read_plain(self, lines):
        return False


def outcome(kind, pieces):
    """Return what a reader of that kind says, or its error."""
    reader = kind("m.csv")
    try:
        for piece in pieces:
            reader.feed(piece)
        reader.finish()
    except MetricsError as error:
        return str(error)
    return said(reader)


DAMAGE = st.sampled_from(
    [b"\n", b"\r", b"\0", b",", b'"', b"#", b"step", b"NaN", b"_", b"D", b"\xff", b"9" * 30, b" "]
) | st.binary(max_size=4)


@settings(max_examples=300)
@given(files(), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 9), DAMAGE), max_size=5))
def test_damaged_files(file, damages):
    _, _, content = file
    for at, length, new in damages:
        at %= len(content) + 1
        content = content[:at] + new + content[at + length :]
    told = outcome(Reader, [content])
    # Each piece of a file is read alike, however it comes.
    assert told == outcome(LineByLine, [content])
    assert told == outcome(Reader, [content[n : n + 7] for n in range(0, len(content), 7)])
    if not isinstance(told, str):
        steps, series, *_ = told
        for _, at, values in series:
            assert len(at) == len(values)
            assert set(at) <= set(steps)
            assert at == sorted(set(at))


@given(st.binary(max_size=200))
def test_any_bytes(content):
    assert outcome(Reader, [content]) == outcome(LineByLine, [content])
