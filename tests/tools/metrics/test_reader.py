# SPDX-License-Identifier: MIT
"""The format of a metrics file: what is read, what is left out, what is refused."""

from __future__ import annotations

import math

import pytest

from ftorch_tools.metrics.reader import MetricsError


def values(reader, name="loss"):
    """Return the values of a metric by their steps."""
    series = reader.find(name)
    return dict(zip(series.steps, series.values))


def texts(reader):
    """Return the problems, with whether each is a note."""
    return [(problem.is_note, problem.text) for problem in reader.problems]


def test_a_file(read):
    reader = read("step,time,loss\n0,0.5,1.0\n10,1.0,0.25\n")
    assert reader.columns == ["step", "time", "loss"]
    assert list(reader.steps) == [0, 10]
    assert values(reader) == {0: 1.0, 10: 0.25}
    assert texts(reader) == []


def test_what_fortran_writes(read):
    reader = read(
        "# run: a, of 28 November\n",
        ' step , loss , "a, ""b"""\r\n',
        "\n",
        "    1 ,  1.0D-3 ,   NaN\r\n",
        "# between\n",
        "    2 ,          , +Infinity\n",
        '    3 , "2.5", ****\n',
        "    4 , 1.5-101 , -Inf\n",
    )
    assert reader.columns == ["step", "loss", 'a, "b"']
    assert values(reader) == {1: 1e-3, 3: 2.5, 4: 1.5e-101}
    odd = values(reader, 'a, "b"')
    assert math.isnan(odd.pop(1))
    assert odd == {2: math.inf, 4: -math.inf}
    assert list(reader.steps) == [1, 2, 3, 4]
    assert texts(reader) == []


def test_byte_order_mark(read):
    assert values(read("\ufeffstep,loss\n1,2\n")) == {1: 2.0}


def test_names_are_any_text(read):
    reader = read("step,потеря,loss/train [K]\n1,2,3\n")
    assert values(reader, "потеря") == {1: 2.0}
    assert read(b"step,\xff\n1,2\n").columns == ["step", "\udcff"]


@pytest.mark.parametrize("end", ["2,0.", "2", "2,0.5", "\x00\x00"])
def test_a_half_line_at_the_end_is_left_out(read, end):
    reader = read("step,loss\n1,0.75\n", end)
    assert values(reader) == {1: 0.75}
    assert texts(reader) == [(True, "line 3 is unfinished, and left out")]


def test_a_resumed_run_replaces_what_came_after_its_checkpoint(read):
    reader = read("step,loss,v\n1,9,\n2,8,5\n3,7,\n4,6,4\n", "step,loss,v\n3,1,\n5,2,3\n")
    assert values(reader) == {1: 9.0, 2: 8.0, 3: 1.0, 5: 2.0}
    # The value at step 4 is of a future that did not come.
    assert values(reader, "v") == {2: 5.0, 5: 3.0}
    assert list(reader.steps) == [1, 2, 3, 5]
    assert reader.superseded == 2
    assert texts(reader) == []
    # A run that begins again in the same file.
    assert values(read("step,loss\n5,1\n6,2\n1,3\n")) == {1: 3.0}
    reader = read("step,loss\n5,1\n5,2\n5,3\n6,4\n")
    assert values(reader) == {5: 3.0, 6: 4.0}
    assert reader.superseded == 0


def test_a_run_that_was_cut_and_resumed(read):
    reader = read("step,loss,v\n1,9,1\n2,8,1\n3,0.\n", "step,loss,v\n2,5,6\n3,4,6\n")
    assert values(reader) == {1: 9.0, 2: 5.0, 3: 4.0}
    text = 'line 4 is left out: got 2 fields; expected 3, as the columns: "3,0."'
    assert texts(reader) == [(True, text)]


def test_a_cut_line_of_names(read):
    assert values(read("step,lo\nstep,loss\n1,2\n")) == {1: 2.0}


def test_other_columns(read):
    with pytest.raises(MetricsError) as error:
        read("step,loss\n1,2\n", "step,loss,v\n", "3,4,5\n")
    assert str(error.value) == (
        "m.csv: line 3: the columns change: got step,loss,v; expected step,loss"
    )
    with pytest.raises(MetricsError, match="got step,b,a; expected step,a,b"):
        read("step,a,b\n1,2,3\nstep,b,a\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no metrics file: it has no full line; expected a line of column names"),
        ("# only this\n", "it has no full line"),
        ("step,loss", "it has no full line"),
        ("loss,step\n1,2\n", 'no metrics file: line 1: got "loss,step"; expected column names'),
        ("# a\n\n1,2\n", 'line 3: got "1,2"; expected column names, step first'),
        ("step,a,a\n", 'line 1: got the name "a" twice; expected a name of its own'),
        ("step,a,\n", "got a column without name"),
        ("step\n1\n", "no metrics file: line 1: got step alone; expected metrics beside it"),
        (b"\x7fELF\x02\x00\n", "no metrics file: line 1: got"),
        (b"\0" * (1 << 21), "line 1: a line of more than 1048576 bytes"),
    ],
)
def test_what_is_no_metrics_file(read, content, message):
    with pytest.raises(MetricsError) as error:
        read(content)
    assert str(error.value).startswith("m.csv: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2,x", 'loss: got "x"; expected a number'),
        ("2,1_0", 'loss: got "1_0"; expected a number'),
        ("2.0,1", 'step: got "2.0"; expected an integer'),
        (",1", 'step: got ""; expected an integer'),
        (f"{2**63},1", f'step: got "{2**63}"; expected an integer of 64 bits'),
        ("2,3,4", 'got 3 fields; expected 2, as the columns: "2,3,4"'),
        ('2,"3', 'got "2,"3"; expected a record of CSV'),
        ("2,\x1b[31m\x07", 'loss: got "\N{REPLACEMENT CHARACTER}"; expected a number'),
        (f"2,{'y' * 100}", f'loss: got "{"y" * 60}..."; expected a number'),
    ],
)
def test_a_wrong_line_is_told_and_left_out(read, line, problem):
    reader = read(f"step,loss\n1,0.5\n{line}\n3,0.25\n")
    assert values(reader) == {1: 0.5, 3: 0.25}
    assert texts(reader) == [(False, f"line 3 is left out: {problem}")]
    assert reader.has_errors


def test_zeros_that_a_crash_of_the_machine_left(read):
    reader = read(b"step,loss\n1,0.5\n", b"\0" * 4096, b"2,0.25\n3,0.125\n")
    assert values(reader) == {1: 0.5, 3: 0.125}
    ((is_note, text),) = texts(reader)
    assert not is_note
    assert text.startswith("line 3 is left out: got")
    assert text.endswith("expected a record of CSV")


def test_of_many_wrong_lines_the_first_are_told(read):
    reader = read("step,loss\n1,0.5\n", "2\n" * 12, "2,x\n2,y\n")
    assert reader.left_out == 14
    assert [is_note for is_note, _ in texts(reader)] == [True] * 10 + [False, True]
    assert texts(reader)[-1] == (True, "14 lines are left out in all")
