# SPDX-License-Identifier: MIT
"""The command line `ftorch-metrics`."""

from ftorch_tools.program import LazyApp, run_program

app = LazyApp("ftorch-metrics", "ftorch_tools.metrics.app")


def main() -> None:
    """Run the command line."""
    run_program("ftorch-metrics", app)
