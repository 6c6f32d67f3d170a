# SPDX-License-Identifier: MIT
"""The command line `ftorch-test`."""

from __future__ import annotations

import sys

from ftorch_tools.program import LazyApp, run_program
from ftorch_tools.testing.interrupts import block_signals

app = LazyApp("ftorch-test", "ftorch_tools.testing.app")


def main() -> None:
    """Run the command line; the exit status is one of `ExitCode`, or 128 + signal."""
    if sys.argv[1:2] == ["run"]:
        # A signal from here on leaves a record.
        block_signals()
    run_program("ftorch-test", app)
