# SPDX-License-Identifier: MIT
"""The hidden commands that a job runs: `ftorch-test steps` and `ftorch-test worker`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.errors import ExitCode, InfrastructureError

RunDirectory = Annotated[Path, typer.Argument(exists=True, file_okay=False, resolve_path=True)]


def steps(run_directory: RunDirectory) -> None:
    """Start one worker on each node of this allocation, and watch them."""
    from ftorch_tools.testing.schedulers.steps import run_steps

    try:
        code = run_steps(run_directory)
    except InfrastructureError as error:
        print(f"ftorch-test: {error}", file=sys.stderr)
        code = ExitCode.INFRASTRUCTURE
    raise typer.Exit(code)


def worker(run_directory: RunDirectory, shard: Annotated[int, typer.Argument(min=0)]) -> None:
    """Run the tests of one shard here."""
    from ftorch_tools.testing.schedulers.worker import work

    try:
        work(run_directory, shard)
    except InfrastructureError as error:
        print(f"ftorch-test: {error}", file=sys.stderr)
        raise typer.Exit(ExitCode.INFRASTRUCTURE) from None
