# SPDX-License-Identifier: MIT
"""Event files, read by TensorBoard itself where it is installed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import ftorch_tools
from ftorch_tools.metrics.source import Source


def test_without_tensorboard(tmp_path, metrics):
    (tmp_path / "tensorboard.py").write_text("raise ImportError('no such thing')")
    (tmp_path / "m.csv").write_text("step,loss\n1,2\n")
    path = f"{tmp_path}:{Path(ftorch_tools.__file__).parents[1]}"
    answer = metrics("m.csv", "--tensorboard", "logs", PYTHONPATH=path)
    assert answer.returncode == 2
    assert answer.stderr == (
        "ftorch-metrics: --tensorboard needs TensorBoard: python -m pip install tensorboard"
        " (no such thing)\n"
    )
    assert not (tmp_path / "logs").exists()


@pytest.fixture
def load():
    """A function that reads the scalars of a folder as TensorBoard does."""
    name = "tensorboard.backend.event_processing.event_accumulator"
    module = pytest.importorskip(name, reason="TensorBoard is not installed")

    def load(folder):
        accumulator = module.EventAccumulator(str(folder), size_guidance={"scalars": 0})
        accumulator.Reload()
        return {tag: accumulator.Scalars(tag) for tag in accumulator.Tags()["scalars"]}

    return load


def steps_and_values(events):
    """Return the scalars of a tag."""
    return [(event.step, event.value) for event in events]


def test_what_tensorboard_reads(tmp_path, metrics, load):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.csv").write_text(
            "step,time,loss,val\n1,10,4,\n2,10.5,3,0.5\n3,11,NaN,\n2,20,2,\n4,21,1E-300,1E300\n"
        )
    answer = metrics("a/m.csv", "b/m.csv", "--tensorboard", "logs")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["a", "b"]
    for name in "ab":
        scalars = load(tmp_path / "logs" / name)
        assert sorted(scalars) == ["loss", "val"]
        assert steps_and_values(scalars["loss"]) == [(1, 4.0), (2, 2.0), (4, 0.0)]
        assert steps_and_values(scalars["val"]) == [(4, math.inf)]
        walls = [event.wall_time for event in scalars["loss"]]
        assert [wall - walls[0] for wall in walls] == pytest.approx([0.0, 10.0, 11.0], abs=1e-3)
        written = (tmp_path / name / "m.csv").stat().st_mtime
        assert walls[-1] == pytest.approx(written, abs=1e-3)


def test_writing_again_replaces(tmp_path, metrics, load):
    (tmp_path / "m.csv").write_text("step,loss\n1,4\n2,3\n")
    metrics("m.csv", "--tensorboard", "logs")
    foreign = tmp_path / "logs/m/events.out.tfevents.1.other"
    foreign.write_bytes(b"")
    (tmp_path / "m.csv").write_text("step,loss\n1,4\n2,3\n3,NaN\n")
    metrics("m.csv", "--tensorboard", "logs")
    assert foreign.exists()
    assert len(list((tmp_path / "logs/m").iterdir())) == 2
    first, second, third = steps_and_values(load(tmp_path / "logs/m")["loss"])
    assert (first, second, third[0]) == ((1, 4.0), (2, 3.0), 3)
    assert math.isnan(third[1])


def test_a_run_that_is_resumed_while_it_is_followed(tmp_path, load):
    from ftorch_tools.metrics.events import EventFile

    file = tmp_path / "m.csv"
    source = Source(file, "m")
    events = EventFile(tmp_path / "logs")
    pieces = ["step,loss\n1,4\n2,3\n3,2\n", "step,loss\n2,9\n", "4,8\n"]
    for piece in pieces:
        with file.open("a") as stream:
            stream.write(piece)
        source.read_on()
        events.write(source.view([]).since(source.reader.first_new_step))
        source.reader.first_new_step = None
    expected = [(1, 4.0), (2, 9.0), (4, 8.0)]
    assert steps_and_values(load(tmp_path / "logs")["loss"]) == expected
    events.close()


def test_a_folder_that_cannot_be_made(tmp_path, metrics, load):
    (tmp_path / "m.csv").write_text("step,loss\n1,4\n")
    answer = metrics("m.csv", "--tensorboard", "m.csv")
    assert answer.returncode == 3
    assert "ftorch-metrics: cannot write to m.csv: Not a directory" in answer.stderr
