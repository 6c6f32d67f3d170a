# SPDX-License-Identifier: MIT
"""Files that grow, are cut, are replaced, are missing: by the process of a running job."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftorch_tools.metrics.source import Source, try_to_read

_SECONDS = 20

# A job that appends a record in one write, cuts one, and is resumed in another process.
JOB = """
import os, sys, time
name, first, last, cut = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "cut"
file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
if os.path.getsize(name) and open(name, "rb").read()[-1:] != b"\\n":
    os.write(file, b"\\n")
os.write(file, b"step,loss,v\\n")
for step in range(first, last + 1):
    os.write(file, b"%d,%.3f,\\n" % (step, 100 / step + first / 1000))
    time.sleep(0.02)
if cut:
    os.write(file, b"%d,0." % (last + 1))
"""


def run_job(folder, first, last, cut=""):
    """Run the job to its end."""
    subprocess.run(
        [sys.executable, "-c", JOB, "m.csv", str(first), str(last), cut], cwd=folder, check=True
    )


class Followed:
    """A `ftorch-metrics --follow` and what it has printed."""

    def __init__(self, command, folder, environment, arguments, on_terminal=False):
        words = [*command, "--follow", "--interval", "0.05", *arguments]
        self.shown = ""
        settings = {"cwd": folder, "env": environment, "stderr": subprocess.STDOUT}
        if on_terminal:
            self.leader, follower = pty.openpty()
            self.resize(100)
            self.process = subprocess.Popen(words, stdout=follower, stdin=follower, **settings)
            os.close(follower)
        else:
            self.leader, write = os.pipe()
            self.process = subprocess.Popen(words, stdout=write, **settings)
            os.close(write)

    def resize(self, columns):
        """Give the terminal another width."""
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def read(self, seconds=0.05):
        """Take in what was printed; return whether more can come."""
        while select.select([self.leader], [], [], seconds)[0]:
            try:
                piece = os.read(self.leader, 65536)
            except OSError:
                return False
            if not piece:
                return False
            self.shown += piece.decode()
        return True

    def await_text(self, text):
        """Wait until `text` is shown, a regular expression; return what follows the last one."""
        end = time.monotonic() + _SECONDS
        while not re.search(text, self.shown):
            assert time.monotonic() < end, self.shown
            assert self.read(), self.shown
        return self.shown

    def end(self, number=signal.SIGINT):
        """End it and return its status."""
        self.process.send_signal(number)
        while self.read(_SECONDS):
            pass
        return self.process.wait(_SECONDS)


@pytest.fixture
def follow(tmp_path, command, terminal_environment):
    """A function that starts to follow files of the test's folder."""
    started = []

    def follow(*arguments, on_terminal=False, **changes):
        environment = terminal_environment(LC_ALL="C.UTF-8", **changes)
        environment.pop("COLUMNS")
        started.append(Followed(command, tmp_path, environment, arguments, on_terminal))
        return started[-1]

    yield follow
    for one in started:
        one.process.kill()
        one.process.wait()
        os.close(one.leader)


def test_lines_of_a_job_that_is_cut_and_resumed(tmp_path, follow):
    followed = follow("m.csv")
    followed.await_text("ftorch-metrics: waiting for m.csv\n")
    run_job(tmp_path, 1, 30, "cut")
    followed.await_text("step=30 ")
    run_job(tmp_path, 21, 40)
    followed.await_text("step=40 ")
    assert followed.end() == 0
    lines = followed.shown.splitlines()[1:]
    note = [line for line in lines if not line.startswith("step=")]
    assert note == [
        "ftorch-metrics: note: m.csv: line 32 is left out: got 2 fields; "
        'expected 3, as the columns: "31,0."'
    ]
    expected = [(n, 100 / n + 0.001) for n in range(1, 31)]
    expected += [(n, 100 / n + 0.021) for n in range(21, 41)]
    records = [line for line in lines if line.startswith("step=")]
    assert records == [
        f"step={n} loss={float(f'{loss:.3f}')}".removesuffix(".0") for n, loss in expected
    ]


def test_several_files_from_their_last_records(tmp_path, follow):
    (tmp_path / "a.csv").write_text("step,loss\n1,4\n2,NaN\n3,2.5\n")
    (tmp_path / "b.csv").write_text("step,loss,v\n1,4,\n2,Infinity,1D-3\n")
    followed = follow("a.csv", "b.csv", "--last", "1")
    followed.await_text("b: step=2")
    assert followed.shown == "a: step=3 loss=2.5\nb: step=2 loss=Infinity v=0.001\n"
    with (tmp_path / "a.csv").open("a") as file:
        file.write("4,1\n5,0.5\n")
    followed.await_text("step=5 loss=0.5")
    assert followed.shown.splitlines()[2:] == ["a: step=4 loss=1", "a: step=5 loss=0.5"]
    assert followed.end() == 0


def test_terminal(tmp_path, follow):
    followed = follow("m.csv", on_terminal=True, NO_COLOR="1")
    followed.await_text("waiting for m.csv")
    run_job(tmp_path, 1, 20, "cut")
    followed.await_text("20 records, steps 1 to 20")
    assert "waiting" not in followed.shown.rpartition("20 records")[2]
    run_job(tmp_path, 11, 30)
    followed.await_text("note: m.csv: line 22 is left out")
    followed.await_text("30 records, steps 1 to 30; 10 superseded by a resumed run")
    followed.resize(60)
    before = len(followed.shown)
    followed.await_text(r"30 records[\s\S]*30 records")
    end = time.monotonic() + _SECONDS
    while len(followed.shown) == before:
        assert time.monotonic() < end
        followed.read()
    followed.read(0.3)
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", followed.shown[before:]).replace("\r", "")
    assert max(map(len, drawn.splitlines())) <= 60
    assert followed.end() == 0
    assert "\x1b[?25h" in followed.shown  # the cursor is back
    assert "Traceback" not in followed.shown


def test_a_terminal_that_is_closed(tmp_path, follow):
    (tmp_path / "m.csv").write_text("step,loss\n1,4\n")
    followed = follow("m.csv", on_terminal=True)
    followed.await_text("1 record")
    leader, followed.leader = followed.leader, os.open(os.devnull, os.O_RDONLY)
    os.close(leader)
    assert followed.process.wait(_SECONDS) == 0


def test_a_reader_that_ends(tmp_path, follow):
    (tmp_path / "m.csv").write_text("step,loss\n1,4\n")
    followed = follow("m.csv")
    followed.await_text("step=1")
    leader, followed.leader = followed.leader, os.open(os.devnull, os.O_RDONLY)
    os.close(leader)
    assert followed.process.wait(_SECONDS) == 0


def test_files_of_which_none_can_be_read(tmp_path, follow):
    (tmp_path / "m.csv").write_text("no metrics\n")
    followed = follow("m.csv", ".")
    while followed.read(_SECONDS):
        pass
    assert followed.process.wait(_SECONDS) == 1
    assert 'm.csv: no metrics file: line 1: got "no metrics"' in followed.shown
    assert ".: cannot be read: Is a directory" in followed.shown


def test_a_metric_that_is_in_none(tmp_path, follow):
    (tmp_path / "m.csv").write_text("step,loss\n1,2\n")
    followed = follow("m.csv", "--metric", "los")
    while followed.read(_SECONDS):
        pass
    assert followed.process.wait(_SECONDS) == 2
    assert 'no file has "los"; there are loss' in followed.shown


def test_tensorboard_goes_along(tmp_path, follow):
    name = "tensorboard.backend.event_processing.event_accumulator"
    module = pytest.importorskip(name, reason="TensorBoard is not installed")
    followed = follow("m.csv", "--tensorboard", "logs")
    run_job(tmp_path, 1, 20)
    run_job(tmp_path, 11, 15)
    followed.await_text("step=15 loss=6.678\n")
    time.sleep(0.2)
    accumulator = module.EventAccumulator(str(tmp_path / "logs/m"))
    accumulator.Reload()  # while it is followed
    assert [event.step for event in accumulator.Scalars("loss")] == list(range(1, 16))
    assert followed.end() == 0


@pytest.fixture
def source(tmp_path):
    """A file that is read on and on."""
    return Source(tmp_path / "m.csv", "m")


def steps(source):
    """Read on; return the steps that are known then."""
    assert try_to_read(source) is None
    return list(source.reader.steps)


def test_what_is_appended_is_read(source):
    assert try_to_read(source) == "No such file or directory"
    with source.path.open("wb", buffering=0) as file:
        assert steps(source) == []
        file.write(b"step,loss\n1,2\n2,")
        assert steps(source) == [1]
        file.write(b"2\n")
        os.utime(source.path, (0, 0))  # times of network file systems lie
        assert steps(source) == [1, 2]
        assert source.read_on() is False
    assert source.new_problems() == []


@pytest.mark.parametrize("size", [0, 3, 14])
def test_a_file_that_is_cut(source, size):
    source.path.write_text("step,loss\n1,2\n2,2\n")
    assert steps(source) == [1, 2]
    os.truncate(source.path, size)
    assert steps(source) == ([1] if size == 14 else [])
    assert source.new_problems() == [f"{source.path}: replaced: read from its beginning"]
    source.path.write_text("step,v\n5,2\n")
    assert steps(source) == [5]


def test_a_file_that_another_one_replaces(source, tmp_path):
    source.path.write_text("step,loss\n1,2\n2,2\n")
    assert steps(source) == [1, 2]
    # Longer, and a damaged one in between.
    for content, expected in [("no file", []), ("step,loss\n7,2\n8,2\n9,2\n", [7, 8, 9])]:
        (tmp_path / "new").write_text(content * 2 if not expected else content)
        (tmp_path / "new").rename(source.path)
        assert steps(source) == expected
    source.path.write_text("no metrics at all, and longer than the file was\n")
    assert steps(source) == []
    assert source.error is not None
    source.path.write_text("step,loss\n4,2\n")
    assert steps(source) == [4]
    assert source.error is None


def test_a_copy_that_has_more_is_read_on(source, tmp_path):
    source.path.write_text("step,loss\n1,2\n2,2\n")
    assert steps(source) == [1, 2]
    source.reader.first_new_step = None
    # As rsync does.
    (tmp_path / "new").write_text("step,loss\n1,2\n2,2\n3,2\n")
    (tmp_path / "new").rename(source.path)
    assert steps(source) == [1, 2, 3]
    assert source.reader.first_new_step == 3
    assert source.new_problems() == []


def test_a_file_that_goes_away_for_a_while(source, tmp_path):
    source.path.write_text("step,loss\n1,2\n2,2\n")
    assert steps(source) == [1, 2]
    source.path.rename(tmp_path / "away")
    assert try_to_read(source) == "No such file or directory"
    assert list(source.reader.steps) == [1, 2]
    (tmp_path / "away").rename(source.path)
    assert steps(source) == [1, 2]


PIECES = [
    b"step,loss\n",
    b"1,2\n",
    b"2,3\n5,",
    b"0.5\n",
    b"3,NaN\n",
    b"x\n",
    b"# a\n",
    b"step,v\n",
]
CHANGES = st.one_of(
    st.tuples(st.just("append"), st.sampled_from(PIECES)),
    st.tuples(st.just("replace"), st.lists(st.sampled_from(PIECES)).map(b"".join)),
    st.tuples(st.just("cut"), st.integers(0, 40)),
)


@given(st.lists(CHANGES, max_size=20))
def test_a_followed_file_is_read_as_one_that_is_there(changes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.csv")
        path.write_bytes(b"step,loss\n")
        followed = Source(path, "m")
        for kind, change in changes:
            content = path.read_bytes()
            path.write_bytes(
                content + change
                if kind == "append"
                else change
                if kind == "replace"
                else content[:change]
            )
            anew = Source(path, "m")
            for source in (followed, anew):
                assert try_to_read(source) is None
            assert followed.error == anew.error
            assert followed.reader.steps == anew.reader.steps
            assert repr(followed.reader.series) == repr(anew.reader.series)
            assert followed.reader.problems == anew.reader.problems
