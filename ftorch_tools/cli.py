# SPDX-License-Identifier: MIT
"""The command line `ftorch-test`."""

import sys
import traceback
from typing import Annotated

import typer

from ftorch_tools.commands import (
    compare,
    doctor,
    history,
    inside_job,
    report,
    run,
    show,
    status,
)
from ftorch_tools.commands import list as listing
from ftorch_tools.commands.selection_options import SelectingCommand
from ftorch_tools.errors import ExitCode, InfrastructureError
from ftorch_tools.outlet import guard_standard_streams

app = typer.Typer(name="ftorch-test", no_args_is_help=True)


def main() -> None:
    """Run the command line; the exit status is one of `ExitCode`, or 128 + signal."""
    guard_standard_streams()
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except InfrastructureError as error:
        print(f"ftorch-test: {error}", file=sys.stderr)
    except Exception as error:
        traceback.print_exc()
        print(f"ftorch-test: unforeseen error: {error!r}", file=sys.stderr)
    sys.exit(ExitCode.INFRASTRUCTURE)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow to import, and of no use to a run

        print(f"ftorch-test {version('ftorch_tools')}")
        raise typer.Exit


@app.callback()
def ftorch_test(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Run the tests of FTorch, or of a program built with it, and keep a record."""


app.command(cls=SelectingCommand, epilog=run.EPILOG)(run.run)
app.command("list", cls=SelectingCommand, epilog=listing.EPILOG)(listing.list_tests)
app.command(epilog=status.EPILOG)(status.status)
app.command(epilog=show.EPILOG)(show.show)
app.command(epilog=compare.EPILOG)(compare.compare)
app.command(epilog=history.EPILOG)(history.history)
app.command(epilog=report.EPILOG)(report.report)
app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(hidden=True)(inside_job.steps)
app.command(hidden=True)(inside_job.worker)
