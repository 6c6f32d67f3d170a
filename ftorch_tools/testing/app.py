# SPDX-License-Identifier: MIT
"""The commands of `ftorch-test`: the module of one is imported when it is called."""

from importlib import import_module
from typing import Annotated, Any

import typer

from ftorch_tools.program import print_version

# Where each is, in `ftorch_tools.testing.commands`. The last two are for jobs.
_COMMANDS = {
    "run": "run.run",
    "list": "list.list_tests",
    "status": "status.status",
    "show": "show.show",
    "compare": "compare.compare",
    "history": "history.history",
    "report": "report.report",
    "doctor": "doctor.doctor",
    "steps": "inside_job.steps",
    "worker": "inside_job.worker",
}
_SELECTING = ("run", "list")
_HIDDEN = ("steps", "worker")


def make_app(arguments: list[str]) -> typer.Typer:
    """Return the command line for `arguments`: all commands, or the one that comes first there."""
    app = typer.Typer(name="ftorch-test", no_args_is_help=True)
    app.callback()(ftorch_test)
    called = [name for name in arguments[:1] if name in _COMMANDS]
    for name in called or _COMMANDS:
        module_name, _, function = _COMMANDS[name].partition(".")
        module = import_module(f"ftorch_tools.testing.commands.{module_name}")
        settings: dict[str, Any] = {"epilog": getattr(module, "EPILOG", None)}
        if name in _SELECTING:
            from ftorch_tools.testing.commands.selection_options import SelectingCommand

            settings["cls"] = SelectingCommand
        app.command(name, hidden=name in _HIDDEN, **settings)(getattr(module, function))
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print_version("ftorch-test")
        raise typer.Exit


def ftorch_test(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Run the tests of FTorch, or of a program built with it, and keep a record."""
