# SPDX-License-Identifier: MIT
"""The options of `ftorch-test run` that name an installed FTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.testing.interrupts import interruptible
from ftorch_tools.testing.project import find_build

if TYPE_CHECKING:
    from ftorch_tools.testing.validation import Suite

_PANEL = "On an installed FTorch"
_LOCK_SECONDS = 4000.0


@dataclass
class PrefixOptions:
    """Which installed FTorch is tested, and where its suite is built."""

    prefix: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            rich_help_panel=_PANEL,
            help="Build and run the validation suite installed here.",
        ),
    ] = None
    build_in: Annotated[
        Path | None,
        typer.Option(
            "--build-dir",
            file_okay=False,
            rich_help_panel=_PANEL,
            help="Where to build the suite.",
            show_default="a folder of this prefix and host in the user's cache",
        ),
    ] = None

    def find_or_build(self, build_dir: Path | None, console: Console) -> Path:
        """Return the build folder: of the prefix's suite, built if need be, or the one that is."""
        if self.prefix is None:
            if self.build_in is not None:
                raise UsageError(
                    "--build-dir only with --prefix; a build is named without an option"
                )
            return find_build(build_dir)
        if build_dir is not None:
            raise UsageError("BUILD_DIR and --prefix exclude each other; see --build-dir")
        # A run of a build needs none of them.
        from ftorch_tools.testing.installed import find_installed
        from ftorch_tools.testing.validation import Suite, default_folder

        installed = find_installed(self.prefix)
        folder = (self.build_in or default_folder(installed.prefix)).resolve()
        try:
            _make(Suite(installed, folder), folder, console)
        except OSError as error:
            raise InfrastructureError(
                f"the validation suite cannot be built in {folder}: {error.strerror or error}\n"
                "Name another folder with --build-dir."
            ) from error
        return folder

    def target(self, build: Path) -> list[str]:
        """Return the arguments that name what was run."""
        if self.prefix is None:
            return [str(build)]
        chosen = [f"--build-dir={build}"] if self.build_in else []
        return ["--prefix", str(self.prefix.resolve()), *chosen]


def _make(suite: Suite, folder: Path, console: Console) -> None:
    from ftorch_tools.testing.lock import FolderLock

    lock = FolderLock(folder)

    def say(text: str) -> None:
        console.print(Text(text, style="dim"), soft_wrap=True)

    def tell_of_wait() -> None:
        say(f"waiting for another run in {folder}")

    with interruptible("interrupted while the validation suite was built"):
        lock.share(_LOCK_SECONDS, tell_of_wait)
        if not suite.is_fresh:
            lock.own(_LOCK_SECONDS, tell_of_wait)
            if not suite.is_fresh:
                say(f"building the validation suite of {suite.prefix} in {folder}")
                suite.build()
            lock.share(_LOCK_SECONDS, tell_of_wait)
