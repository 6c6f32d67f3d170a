# SPDX-License-Identifier: MIT
"""What the programs of this package have in common: how they start, print JSON and end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from ftorch_tools.errors import ExitCode, InfrastructureError
from ftorch_tools.safe_stream import guard_standard_streams

if TYPE_CHECKING:
    import typer


def print_version(program: str) -> None:
    """Print the version of `program`, which is that of the package."""
    from importlib.metadata import version  # slow, and of no use to a run

    print(f"{program} {version('ftorch_tools')}")


def print_json(schema: str, values: Mapping[str, Any]) -> None:
    """Print `values` as the JSON whose schema is shipped under the name `schema`."""
    print(json.dumps({"schema": schema, **values}, indent=1))


class LazyApp:
    """The app of `program`: called for its arguments, it imports what these need.

    The module `module_name` makes it, by `make_app(arguments)`.
    """

    def __init__(self, program: str, module_name: str) -> None:
        self._program = program
        self._module_name = module_name

    def __call__(self, **settings: Any) -> None:
        if sys.argv[1:] == ["--version"]:
            print_version(self._program)
            sys.exit(ExitCode.OK)
        self._make(sys.argv[1:])(**settings)

    def _make(self, arguments: list[str]) -> typer.Typer:
        app: typer.Typer = import_module(self._module_name).make_app(arguments)
        return app

    @cached_property
    def _whole(self) -> typer.Typer:
        return self._make([])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


def run_program(program: str, app: Callable[[], None]) -> NoReturn:
    """Run the command line of `program`; an error that `app` does not report ends it with 3."""
    guard_standard_streams()
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except InfrastructureError as error:
        print(f"{program}: {error}", file=sys.stderr)
    except Exception as error:
        import traceback

        traceback.print_exc()
        print(f"{program}: unforeseen error: {error!r}", file=sys.stderr)
    sys.exit(ExitCode.INFRASTRUCTURE)
