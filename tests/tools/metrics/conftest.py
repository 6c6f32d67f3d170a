# SPDX-License-Identifier: MIT
"""What the tests of `ftorch-metrics` share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ftorch_tools.metrics.reader import Reader

# Other tests run at the same time, and nothing is left in the current folder.
settings.register_profile(
    "metrics", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("metrics")

COMMAND = [sys.executable, "-m", "ftorch_tools.metrics"]


@pytest.fixture(scope="session")
def command() -> list[str]:
    """The command, for a process."""
    return COMMAND


@pytest.fixture
def metrics(
    tmp_path: Path, terminal_environment: Callable[..., dict[str, str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs `ftorch-metrics` in the test's folder."""

    def run(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        words = [*COMMAND, *map(str, arguments)]
        environment = terminal_environment(PYTHONIOENCODING="", LC_ALL="C.UTF-8", **changes)
        return subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def read() -> Callable[..., Reader]:
    """A function that reads a file of these contents."""

    def read(*pieces: str | bytes) -> Reader:
        reader = Reader("m.csv")
        for piece in pieces:
            reader.feed(piece.encode() if isinstance(piece, str) else piece)
        reader.finish()
        return reader

    return read
