# SPDX-License-Identifier: MIT
"""What the commands that read records have in common."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ftorch_tools import program
from ftorch_tools.errors import ExitCode, InfrastructureError, RecordError, UsageError
from ftorch_tools.testing.commands.completion import complete_run, complete_test

_RUN = "latest, latest~1, …, an id or its beginning, or a run directory."


def run_argument(name: str) -> Any:
    """Return the argument of a command that names a run."""
    return typer.Argument(metavar=name, help=_RUN, autocompletion=complete_run)


RUN = run_argument("RUN")
TEST = typer.Argument(
    metavar="TEST",
    help="The name of a test, or a part of no other name.",
    autocompletion=complete_test,
)
InProject = Annotated[
    Path,
    typer.Option(
        "--project",
        exists=True,
        file_okay=False,
        help="A folder of the project whose runs are meant.",
        show_default="the current folder",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


@contextmanager
def errors_reported() -> Iterator[None]:
    """Turn the errors of this package into a message and an exit status."""
    try:
        yield
    except UsageError as error:
        _end(error, ExitCode.USAGE)
    except (InfrastructureError, RecordError, OSError) as error:
        _end(error, ExitCode.INFRASTRUCTURE)


def _end(error: Exception, code: ExitCode) -> None:
    print(f"ftorch-test: {error}", file=sys.stderr)
    raise typer.Exit(code) from None


def warn(problem: str) -> None:
    """Tell of a record that is left out."""
    print(f"ftorch-test: warning: left out: {problem}", file=sys.stderr)


def print_json(schema: str, values: Mapping[str, Any]) -> None:
    """Print `values` as the JSON whose schema is shipped under the name `schema`."""
    program.print_json(f"ftorch-test/{schema}", values)


def say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print a line, its parts with their styles."""
    console.print(Text.assemble(*parts), soft_wrap=True)
