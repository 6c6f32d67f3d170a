# SPDX-License-Identifier: MIT
"""The command of `ftorch-metrics`."""

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.errors import ExitCode, UsageError
from ftorch_tools.metrics.request import Request
from ftorch_tools.metrics.source import Source
from ftorch_tools.program import print_version

EPILOG = "Example: `ftorch-metrics --follow metrics.csv`, beside a run that goes on"
# Some file is damaged, or no metrics file.
_FILE_FAILED = 1


class Format(str, Enum):
    """What is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def make_app(arguments: list[str]) -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(name="ftorch-metrics")
    app.command(epilog=EPILOG)(ftorch_metrics)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print_version("ftorch-metrics")
        raise typer.Exit


def complete_metric(context: typer.Context, incomplete: str) -> list[str]:
    """Return the metrics of the files named so far whose name begins so."""
    names: dict[str, None] = {}
    # Of a line that ends in the middle, arguments are not all taken apart.
    for file in [*(context.params.get("files") or []), *context.args]:
        source = Source(Path(file), "")
        try:
            source.read_on()
        except OSError:
            continue
        names.update(dict.fromkeys(series.name for series in source.reader.series))
    return [name for name in names if name.startswith(incomplete)]


def ftorch_metrics(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Metrics files.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this metric; may be given again.",
            autocompletion=complete_metric,
        ),
    ] = None,
    last: Annotated[
        int | None,
        typer.Option("-n", "--last", metavar="N", min=1, help="Only the last N records."),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "-f",
            "--follow",
            help="Show what a running job appends, until Ctrl-C: a table on a terminal, "
            "a line for each record elsewhere.",
        ),
    ] = False,
    interval: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.05, help="How often --follow looks."),
    ] = 1.0,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PICTURE", help="Draw all files into a .png, .svg or .pdf."),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write event files for TensorBoard."),
    ] = None,
    format: Annotated[Format, typer.Option(help="What to print.")] = Format.TABLE,
    ascii: Annotated[
        bool, typer.Option("--ascii", help="Draw curves with ASCII characters.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Show the metrics files of training runs: a table, a picture, event files of TensorBoard."""
    request = Request(files, metric or [], last, plot, tensorboard, ascii)
    try:
        if follow and (plot is not None or format is not Format.TABLE):
            raise UsageError("--follow goes with neither --plot nor --format")
        request.check()
        is_well = request.follow(interval) if follow else request.show(format.value)
    except UsageError as error:
        print(f"ftorch-metrics: {error}", file=sys.stderr)
        raise typer.Exit(ExitCode.USAGE) from None
    if not is_well:
        raise typer.Exit(_FILE_FAILED)
