# SPDX-License-Identifier: MIT
"""The options of `ftorch-test run` that send the tests to a scheduler."""

from __future__ import annotations

import re
from typing import Annotated

import typer
from rich.console import Console

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.run import Options, Run
from ftorch_tools.testing.schedulers.scheduler import LOST_AFTER_SECONDS, Request

_PANEL = "On a cluster"
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration(text: str) -> float:
    """Return the seconds that `text` names, as `90s`, `1h30m` or `1:30:00`."""
    units = re.fullmatch(r"(?:\d+(?:\.\d+)?[dhms])+", text)
    clock = re.fullmatch(r"(\d+):([0-5]\d):([0-5]\d)", text)
    if units:
        found = re.findall(r"([\d.]+)([dhms])", text)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in found)
    elif clock:
        hours, minutes, rest = map(int, clock.groups())
        seconds = 3600.0 * hours + 60.0 * minutes + rest
    else:
        raise typer.BadParameter(f"{text!r} is no duration; write 30m, 1h30m, 90s or 1:30:00")
    if seconds <= 0.0:
        raise typer.BadParameter("a duration must be longer than zero")
    return seconds


def _option(*names: str, **settings: object) -> object:
    return typer.Option(*names, rich_help_panel=_PANEL, **settings)  # type: ignore[arg-type]


On = Annotated[
    str | None,
    _option(metavar="SCHEDULER", help="slurm, pbs, lsf, flux, or psij:EXECUTOR."),
]
Nodes = Annotated[
    int | None, _option(min=1, help="Nodes.", show_default="1, or all of this allocation")
]
Time = Annotated[
    float | None,
    _option(
        "--time",
        parser=parse_duration,
        metavar="DURATION",
        help="Time limit of the job, as 30m.",
        show_default="that of the scheduler",
    ),
]
Partition = Annotated[str | None, _option(help="Partition or queue.")]
CoresPerNode = Annotated[
    int | None, _option(min=1, help="Cores of each node.", show_default="whole nodes")
]
SubmitArgument = Annotated[
    list[str] | None,
    _option("--submit-arg", help="Argument for the scheduler, as --submit-arg=--qos=debug."),
]
MaxPending = Annotated[
    float | None,
    _option(
        parser=parse_duration,
        metavar="DURATION",
        help="Cancel the job when it has waited so long.",
        show_default="none",
    ),
]
LostAfter = Annotated[
    float | None,
    _option(
        parser=parse_duration,
        metavar="DURATION",
        help="Give up a node that gives no sign of life for so long.",
        show_default="5m",
    ),
]
Detach = Annotated[bool, _option("--detach", help="Return when the job is submitted.")]
DryRun = Annotated[bool, _option("--dry-run", help="Print the batch script, and submit nothing.")]


def make_request(
    *,
    on: str | None,
    nodes: int | None,
    time: float | None,
    partition: str | None,
    cores_per_node: int | None,
    submit_arg: list[str] | None,
    max_pending: float | None,
    lost_after: float | None,
    detach: bool,
    dry_run: bool,
    json: bool,
) -> Request | None:
    """Return what the options ask of a scheduler; None when the tests are to run here."""
    given = {
        "--nodes": nodes,
        "--time": time,
        "--partition": partition,
        "--cores-per-node": cores_per_node,
        "--submit-arg": submit_arg,
        "--max-pending": max_pending,
        "--lost-after": lost_after,
        "--detach": detach,
        "--dry-run": dry_run,
    }
    if on is None:
        useless = [name for name, value in given.items() if value]
        if useless:
            raise UsageError(f"{', '.join(useless)} only with --on, as --on slurm")
        return None
    if dry_run and json:
        raise UsageError("--dry-run prints a script, no JSON: leave out --json")
    return Request(
        on=on,
        nodes=nodes,
        time=time,
        partition=partition,
        cores_per_node=cores_per_node,
        submit_arguments=tuple(submit_arg or ()),
        max_pending=max_pending,
        lost_after=lost_after or LOST_AFTER_SECONDS,
        detach=detach,
        dry_run=dry_run,
    )


def run_on(request: Request, options: Options, console: Console) -> Run:
    """Return the run of `options` on the scheduler of `request`."""
    from ftorch_tools.testing.schedulers.scheduled import (
        ScheduledRun,  # a local run needs none of it
    )

    return ScheduledRun(options, request, console)
