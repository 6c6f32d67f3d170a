# SPDX-License-Identifier: MIT
"""The options that select tests, for every command that has them."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.project import TEST_FILE
from ftorch_tools.testing.records.failed import failed_tests
from ftorch_tools.testing.selection import Selection
from ftorch_tools.text import decode, lines_of

_PANEL = "Selection"


@dataclass
class SelectionOptions:
    """Which tests: what `run`, here or on a cluster, and `list` have in common."""

    build_config: Annotated[
        str | None,
        typer.Option(
            "-C",
            "--build-config",
            help="Configuration to test, of a build with several.",
            show_default="the first that is built",
        ),
    ] = None
    regex: Annotated[
        str | None,
        typer.Option(
            "-R", "--tests-regex", help="Only tests whose name matches.", rich_help_panel=_PANEL
        ),
    ] = None
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "-L",
            "--label-regex",
            help="Only tests with a label that matches; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "-LE",
            "--label-exclude",
            help="No tests with a label that matches; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    expression: Annotated[
        str | None,
        typer.Option(
            "-E",
            "--label-expression",
            metavar="EXPRESSION",
            help="Only tests whose labels fulfil this, as 'gpu and not slow'.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    failed: Annotated[
        str | None,
        typer.Option(
            "--failed",
            metavar="[RUN]",
            help="Only tests that failed in that run, by its id or directory; or in the latest.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="I/N",
            help="Only the I-th of N shares, decided by a hash of each name.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    tests: Annotated[
        list[str] | None,
        typer.Option(
            "--test",
            metavar="TEST",
            help="Only this test, by its name in ctest or pytest; repeatable. "
            "What follows `--` are such names too.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    tests_from_file: Annotated[
        Path | None,
        typer.Option(
            "--tests-from-file",
            help="Only the tests that this file names, one a line; - is standard input.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    include_slow: Annotated[
        bool,
        typer.Option("--all", help="Also the tests labelled slow.", rich_help_panel=_PANEL),
    ] = False
    pytest_path: Annotated[
        list[Path] | None,
        typer.Option(exists=True, help="Python tests.", show_default="tests of the project"),
    ] = None

    @property
    def pytest_paths(self) -> tuple[Path, ...]:
        """The paths of Python tests, whole."""
        return tuple(path.resolve() for path in self.pytest_path or [])

    def selection(self, runs: Path) -> Selection:
        """Return what the options say; `--failed` looks for its run in `runs`."""
        named = list(self.tests or [])
        if self.tests_from_file is not None:
            named += _read_names(self.tests_from_file)
        by_name = bool(self.tests) or self.tests_from_file is not None
        identities = [("", name) for name in named]
        if self.failed is not None:
            if by_name:
                raise UsageError("--failed and named tests exclude each other")
            identities, by_name = failed_tests(runs, self.failed), True
        return Selection(
            regex=self.regex,
            labels=self.labels or [],
            exclude=self.exclude or [],
            include_slow=self.include_slow,
            expression=self.expression,
            tests=list(dict.fromkeys(identities)) if by_name else None,
            shard=self.shard,
            ignore_missing=self.failed is not None,
        )


class SelectingCommand(TyperCommand):
    """A command where `--failed` may stand without a value, and test names may follow `--`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write both in the way that typer reads."""
        end = args.index("--") if "--" in args else len(args)
        given = [_with_value(args, place) for place in range(end)]
        names = [f"--test={name}" for name in args[end + 1 :]]
        return list(super().parse_args(ctx, [*given, *names]))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Add the names to the line of usage."""
        return [*super().collect_usage_pieces(ctx), "[-- TEST...]"]


def _with_value(args: list[str], place: int) -> str:
    if args[place] != "--failed":
        return args[place]
    following = args[place + 1] if place + 1 < len(args) else "-"
    is_run = not following.startswith("-") and not (Path(following) / TEST_FILE).is_file()
    return "--failed" if is_run else "--failed=latest"


def _read_names(file: Path) -> list[str]:
    try:
        if str(file) != "-":
            raw = file.read_bytes()
        elif sys.stdin is None:
            raise UsageError("cannot read the names of tests: standard input is closed")
        else:
            raw = sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(f"cannot read the names of tests from {file}: {error}") from error
    lines = lines_of(decode(raw.removeprefix(BOM_UTF8)))
    # An editor may have made line ends of two characters; blanks belong to no name of pytest.
    return [line.rstrip() for line in lines if line.strip()]
