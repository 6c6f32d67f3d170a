# SPDX-License-Identifier: MIT
"""The commands of `ftorch-export`: to export is the one without a name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

import typer

from ftorch_tools.errors import ExitCode, UsageError
from ftorch_tools.export.errors import FAILED, ExportError

EPILOG = (
    "`ftorch-export inspect FILE` tells what a file holds; `ftorch-export specify` adds to a "
    "package what it takes; `ftorch-export torchscript` takes the arguments of `pt2ts`"
)
_NAMED = {"inspect": "inspect_file", "specify": "specify", "torchscript": "pt2ts"}


def make_app(arguments: list[str]) -> typer.Typer:
    """Return the command line for `arguments`."""
    app = typer.Typer(name="ftorch-export")
    if arguments[:1] and arguments[0] in _NAMED:
        app.callback()(_no_options)
        for name, module in _NAMED.items():
            app.command(name)(_command(module))
    else:
        app.command("ftorch-export", epilog=EPILOG)(_command("export_model"))
    return app


def _no_options() -> None:
    """Export models of PyTorch for Fortran programs, and look at what was exported."""


def _command(name: str) -> Callable[..., None]:
    command: Callable[..., None] = getattr(
        import_module(f"ftorch_tools.export.commands.{name}"), name
    )

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except UsageError as error:
            typer.echo(f"ftorch-export: {error}", err=True)
            raise typer.Exit(ExitCode.USAGE) from None
        except ExportError as error:
            typer.echo(f"ftorch-export: {error}", err=True)
            raise typer.Exit(FAILED) from None

    return run
