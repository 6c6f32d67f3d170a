# SPDX-License-Identifier: MIT
"""Metrics files: what is written, whole lines whatever happens, and what ftorch-metrics reads."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from ctypes import c_double, c_int32, c_int64
from pathlib import Path

import numpy as np
import pytest

from shim import Object, ShimError, call

SHIM = Path(__file__).parent
TOOLS = SHIM.parents[1]


class Metrics(Object):
    """A metrics file that is open."""

    def __init__(self, file: Path, *columns: str, append: bool = True) -> None:
        super().__init__()
        names = "".join(f"{column}\n" for column in columns).encode()
        call("ft_metrics_open", os.fsencode(file), names, int(append), self.target)

    def write(self, step: int, values: Sequence[float | None]) -> None:
        numbers = (c_double * len(values))(*(value or 0 for value in values))
        present = (c_int32 * len(values))(*(value is not None for value in values))
        call(
            "ft_metrics_write", self.handle, c_int64(step), numbers, c_int64(len(values)), present
        )


def summary(file: Path) -> dict[str, object]:
    """What ftorch-metrics makes of a file; fails where it finds an error."""
    command = [sys.executable, "-m", "ftorch_tools.metrics", str(file), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TOOLS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["files"][0]


def test_numbers_are_the_very_ones(tmp_path: Path) -> None:
    values = [0.1, -1e-300, 5e-324, 1 / 3, 2.0**80, 0.0, np.pi, 1e22]
    metrics = Metrics(
        tmp_path / "m.csv", *(f"c{i}" for i in range(8)), "nan", "inf", "-inf", "gap"
    )
    metrics.write(-3, [*values, np.nan, np.inf, -np.inf, None])
    lines = (tmp_path / "m.csv").read_text().split("\n")
    assert lines[0].startswith("step,c0,")
    fields = lines[1].split(",")
    assert fields[0] == "-3"
    assert [float(field) for field in fields[1:9]] == values
    assert fields[9:] == ["NaN", "Inf", "-Inf", ""]
    assert lines[2:] == [""]


def test_names_are_quoted(tmp_path: Path) -> None:
    Metrics(tmp_path / "m.csv", "a, b", 'the "c"', "Wärme").write(1, [1, 2, 3])
    assert (tmp_path / "m.csv").read_text() == 'step,"a, b","the ""c""",Wärme\n1,1,2,3\n'
    assert {metric["name"] for metric in summary(tmp_path / "m.csv")["metrics"]} == {
        "a, b",
        'the "c"',
        "Wärme",
    }


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((), "columns is empty"),
        (("loss", ""), r"columns\(2\): the name is empty"),
        (("loss", "rate", "loss"), r"columns\(3\): 'loss' is the name of a column before"),
        (("step",), r"columns\(1\): 'step' is the name"),
        (("a\rb",), r"columns\(1\): the name has a line end"),
    ],
)
def test_wrong_columns(tmp_path: Path, columns: tuple[str, ...], message: str) -> None:
    with pytest.raises(ShimError, match=message):
        Metrics(tmp_path / "m.csv", *columns)
    assert not (tmp_path / "m.csv").exists()


def test_a_wrong_count_writes_nothing(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "m.csv", "loss", "rate")
    with pytest.raises(ShimError, match=r"shape_mismatch.*3 entries; the file has 2 columns"):
        metrics.write(1, [1, 2, 3])
    assert (tmp_path / "m.csv").read_text() == "step,loss,rate\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "step,loss\n"),
        ("step,loss\n1,0.5\n", "step,loss\n1,0.5\n"),
        ("step,loss\n1,0.5\n2,0.2", "step,loss\n1,0.5\n"),
        ("step,loss\n1,0.5\n2", "step,loss\n1,0.5\n"),
        ("step,lo", "step,loss\n"),
        ("# a run\n", "# a run\nstep,loss\n"),
        ("# a run\n\nstep,loss\n", "# a run\n\nstep,loss\n"),
        ("# half a com", "step,loss\n"),
        ("\ufeffstep,loss\r\n1,0.5\r\n", "\ufeffstep,loss\r\n1,0.5\r\n"),
    ],
)
def test_resumed_runs(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "m.csv"
    file.write_bytes(before.encode())
    metrics = Metrics(file, "loss")
    assert file.read_bytes().decode() == after
    metrics.write(7, [0.25])
    assert file.read_bytes().decode() == after + "7,0.25\n"
    assert summary(file)["errors"] == []


@pytest.mark.parametrize("text", ["step,loss,rate\n1,2,3\n", "a poem\nof two lines", "step,lass"])
def test_other_files_are_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "m.csv"
    file.write_text(text)
    with pytest.raises(ShimError, match=r"m.csv': the columns .* are '.*', not 'step,loss'"):
        Metrics(file, "loss")
    assert file.read_text() == text
    Metrics(file, "loss", append=False).write(1, [2])
    assert file.read_text() == "step,loss\n1,2\n"


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(ShimError, match="io_error"):
            Metrics(tmp_path / name, "loss")
    with pytest.raises(ShimError, match=r"io_error.*missing/m.csv"):
        Metrics(tmp_path / "missing" / "m.csv", "loss")


def test_a_limit_is_an_error_and_no_half_line(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    metrics = Metrics(file, "loss")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (25, limits[1]))
    try:
        metrics.write(1, [0.5])
        with pytest.raises(ShimError, match=r"io_error: '.*m.csv': it cannot .*: File too"):
            metrics.write(2, [0.123456789])
        with pytest.raises(ShimError, match="io_error"):
            metrics.write(3, [0.123456789])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_text() == "step,loss\n1,0.5\n"
    metrics.write(4, [1])
    assert file.read_text() == "step,loss\n1,0.5\n4,1\n"


WRITER = """
import sys
from pathlib import Path
from test_metrics import Metrics
metrics = Metrics(Path(sys.argv[1]), "loss", "rate")
for step in range(int(sys.argv[2]), 10**9):
    metrics.write(step, [1 / step, None if step % 3 else 0.5])
"""


def test_kill_and_resume(tmp_path: Path) -> None:
    """The records of a run that was killed are whole; the resumed run goes on."""
    file = tmp_path / "m.csv"
    first = 1
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, file, str(first)], cwd=SHIM)
        size = file.stat().st_size if file.exists() else 0
        while not file.exists() or file.stat().st_size < size + 5000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        lines = file.read_text().split("\n")
        assert lines[-1] == ""
        assert [int(line.split(",")[0]) for line in lines[1:-1]] == list(range(1, len(lines) - 1))
        first = len(lines) - 1
    found = summary(file)
    assert found["records"] == first - 1
    assert (found["left_out"], found["superseded"], found["errors"]) == (0, 0, [])
    assert {metric["name"]: metric["count"] for metric in found["metrics"]} == {
        "loss": first - 1,
        "rate": (first - 1) // 3,
    }


def test_a_line_that_another_process_writes_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    line = "1,0." + 200 * "1"
    file.write_text("step,loss\n1,")

    def write_slowly() -> None:
        for end in [*line[2:], "\n"]:
            with file.open("a") as other:
                other.write(end)
            time.sleep(0.001)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    Metrics(file, "loss").write(2, [0.5])
    writer.join()
    assert file.read_text() == f"step,loss\n{line}\n2,0.5\n"
