# SPDX-License-Identifier: MIT
"""Writes runs as event files of TensorBoard, a folder for each run."""

from __future__ import annotations

import os
import socket
import time
from math import isfinite
from pathlib import Path
from typing import Any

from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.metrics.reader import TIME
from ftorch_tools.metrics.series import Series
from ftorch_tools.metrics.source import Run, Source

_SUFFIX = ".ftorch-metrics"
_VERSION = "brain.Event:2"


def check_tensorboard() -> None:
    """Raise `UsageError` when TensorBoard is not installed."""
    try:
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except ImportError as error:
        message = "--tensorboard needs TensorBoard: python -m pip install tensorboard"
        raise UsageError(f"{message} ({error})") from error


class EventFile:
    """The event file of one run in `folder`; those that this program wrote there before go."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        earlier = list(folder.glob(f"events.out.tfevents.*{_SUFFIX}"))
        # TensorBoard reads the files of a folder in the order of their names.
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self._writer: Any = RecordWriter((folder / f"{name}{_SUFFIX}").open("wb"))
        for file in earlier:
            file.unlink(missing_ok=True)
        self._wall = time.time()
        self._offset: float | None = None
        self._add(file_version=_VERSION)

    def write(self, run: Run) -> None:
        """Write the records of `run`, in place of those at their steps and after."""
        try:
            self._write(run)
        except OSError as error:
            message = f"cannot write event files: {error.strerror or error}"
            raise InfrastructureError(message) from error

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _write(self, run: Run) -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary

        if not run.steps:
            return
        times = run.source.reader.find(TIME)
        self._pass_to(run.source, times, run.steps[0])
        self._add(step=run.steps[0], session_log=SessionLog(status=SessionLog.START))
        for step, values in Run(run.source, run.steps, run.metrics).records():
            self._pass_to(run.source, times, step)
            parts = [Summary.Value(tag=name, simple_value=value) for name, value in values]
            self._add(step=step, summary=Summary(value=parts))
        self._writer.flush()

    def _pass_to(self, source: Source, times: Series | None, step: int) -> None:
        """Set the wall time to that of `step`; the last record's is when the file was written."""
        seconds = times.at(step) if times else None
        if seconds is None or not isfinite(seconds):
            return
        if self._offset is None and times:
            last = times.values[-1]
            written = source.path.stat().st_mtime
            self._offset = written - last if isfinite(last) else 0.0
        self._wall = seconds + (self._offset or 0.0)

    def _add(self, **values: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.write(Event(wall_time=self._wall, **values).SerializeToString())
