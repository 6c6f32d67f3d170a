# SPDX-License-Identifier: MIT
"""The command line `ftorch-test`."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ftorch_tools.errors import ExitCode, InfrastructureError
from ftorch_tools.safe_stream import guard_standard_streams
from ftorch_tools.testing.interrupts import block_signals

if TYPE_CHECKING:
    import typer


class _App:
    """The app: called for the arguments of this program, it imports what these need."""

    def __call__(self, **settings: Any) -> None:
        if sys.argv[1:] == ["--version"]:
            from importlib.metadata import version

            print(f"ftorch-test {version('ftorch_tools')}")
            sys.exit(ExitCode.OK)
        from ftorch_tools.testing.app import make_app

        make_app(sys.argv[1:])(**settings)

    @cached_property
    def _whole(self) -> typer.Typer:
        from ftorch_tools.testing.app import make_app

        return make_app([])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


app = _App()


def main() -> None:
    """Run the command line; the exit status is one of `ExitCode`, or 128 + signal."""
    if sys.argv[1:2] == ["run"]:
        # A signal from here on leaves a record.
        block_signals()
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
        import traceback

        traceback.print_exc()
        print(f"ftorch-test: unforeseen error: {error!r}", file=sys.stderr)
    sys.exit(ExitCode.INFRASTRUCTURE)
