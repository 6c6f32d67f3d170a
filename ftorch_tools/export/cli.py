# SPDX-License-Identifier: MIT
"""The command line `ftorch-export`."""

from ftorch_tools.program import LazyApp, run_program

app = LazyApp("ftorch-export", "ftorch_tools.export.app")


def main() -> None:
    """Run the command line."""
    run_program("ftorch-export", app)
