# SPDX-License-Identifier: MIT
"""`ftorch-test run`."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ftorch_tools.errors import ExitCode, InfrastructureError, UsageError
from ftorch_tools.safe_stream import make_console
from ftorch_tools.testing.commands.option_groups import unfolded
from ftorch_tools.testing.commands.prefix_options import PrefixOptions
from ftorch_tools.testing.commands.scheduler_options import SchedulerOptions
from ftorch_tools.testing.commands.selection_options import SelectionOptions
from ftorch_tools.testing.drivers.runner import LONGEST_TIMEOUT
from ftorch_tools.testing.interrupts import Signals
from ftorch_tools.testing.project import runs_folder
from ftorch_tools.testing.records.record import Status
from ftorch_tools.testing.run import Options, Run
from ftorch_tools.testing.schedulers.scheduler import Request
from ftorch_tools.testing.summary import print_summary

EPILOG = (
    "Example: `ftorch-test run build -L unit -LE gpu -j 4`  \n"
    "Exit status: 0 all passed, 1 tests failed, 2 usage, 3 infrastructure, 4 nothing selected."
)


@unfolded
def run(
    *,
    build_dir: Annotated[
        Path | None,
        typer.Argument(help="A configured and built folder.", show_default="nearest build"),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", min=1, help="Tests at a time.", show_default="usable cores"),
    ] = None,
    tests: SelectionOptions,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=LONGEST_TIMEOUT,
            help="Seconds for a test that sets no limit of its own.",
        ),
    ] = 600.0,
    output: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder for the run directories.",
            show_default="BUILD_DIR/ftorch-test",
        ),
    ] = None,
    installed: PrefixOptions,
    cluster: SchedulerOptions,
    json: Annotated[
        bool, typer.Option("--json", help="Print the record on standard output.")
    ] = False,
) -> None:
    """Run ctest and pytest side by side: nothing is built, but for --prefix."""
    with Signals() as signals:
        console = make_console(stderr=json, dispensable=True)
        try:
            build = installed.find_or_build(build_dir, console)
            options = Options(
                build=build,
                selection=tests.selection((output or runs_folder(build)).resolve()),
                timeout=timeout,
                jobs=jobs,
                output=output.resolve() if output else None,
                pytest_paths=tests.pytest_paths,
                build_config=tests.build_config,
            )
            request = cluster.request(json=json)
            session = _make_run(options, request, console)
        except UsageError as error:
            print(f"ftorch-test: {error}", file=sys.stderr)
            raise typer.Exit(ExitCode.USAGE) from None
        except InfrastructureError as error:
            print(f"ftorch-test: {error}", file=sys.stderr)
            stopped = 128 + signals.number if signals.count else ExitCode.INFRASTRUCTURE
            raise typer.Exit(stopped) from None
        except OSError as error:
            print(
                f"ftorch-test: cannot make the run directory: {error}\n"
                "Name another folder for it with --output.",
                file=sys.stderr,
            )
            raise typer.Exit(ExitCode.INFRASTRUCTURE) from None
        try:
            code = session.execute(signals)
        except OSError as error:
            print(f"ftorch-test: cannot write the record: {error}", file=sys.stderr)
            raise typer.Exit(ExitCode.INFRASTRUCTURE) from None
        if session.record.status is not Status.RUNNING:
            rerun = _rerun(options, session.record.id, installed.target(options.build))
            rerun += request.command_line if request else []
            print_summary(console, session.record, session.directory, rerun)
        if json:
            print(session.record.to_json(), end="")
        raise typer.Exit(code)


def _make_run(options: Options, request: Request | None, console: Console) -> Run:
    if request is None:
        return Run(options, console)
    from ftorch_tools.testing.schedulers.scheduled import ScheduledRun  # not for a local run

    return ScheduledRun(options, request, console)


def _rerun(options: Options, run_id: str, target: list[str]) -> list[str]:
    """Return the command that runs just the failures of that run again."""
    command = [*_program(), "run", *target, f"--failed={run_id}"]
    if options.jobs:
        command += ["-j", str(options.jobs)]
    if options.build_config:
        command += ["-C", options.build_config]
    for path in options.pytest_paths:
        command += ["--pytest-path", str(path)]
    if options.timeout != 600.0:
        command += ["--timeout", f"{options.timeout:g}"]
    if options.output:
        command += ["--output", str(options.output)]
    return command


def _program() -> list[str]:
    started = sys.argv[0]
    if os.path.basename(started) == "__main__.py":
        return [sys.executable, "-m", "ftorch_tools.testing"]
    found = shutil.which("ftorch-test")
    same = found is not None and os.path.exists(started) and os.path.samefile(found, started)
    return ["ftorch-test" if same else started]
