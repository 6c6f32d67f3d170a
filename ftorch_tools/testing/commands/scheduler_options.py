# SPDX-License-Identifier: MIT
"""The options of `ftorch-test run` that send the tests to a scheduler."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Annotated

import typer

from ftorch_tools.errors import UsageError
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


@dataclass
class SchedulerOptions:
    """On which nodes the tests run, if not here."""

    on: Annotated[
        str | None,
        _option(metavar="SCHEDULER", help="slurm, pbs, lsf, flux, or psij:EXECUTOR."),
    ] = None
    nodes: Annotated[
        int | None, _option(min=1, help="Nodes.", show_default="1, or all of this allocation")
    ] = None
    time: Annotated[
        float | None,
        _option(
            parser=parse_duration,
            metavar="DURATION",
            help="Time limit of the job, as 30m.",
            show_default="that of the scheduler",
        ),
    ] = None
    partition: Annotated[str | None, _option(help="Partition or queue.")] = None
    cores_per_node: Annotated[
        int | None, _option(min=1, help="Cores of each node.", show_default="whole nodes")
    ] = None
    submit_arg: Annotated[
        list[str] | None,
        _option(help="Argument for the scheduler, as --submit-arg=--qos=debug."),
    ] = None
    max_pending: Annotated[
        float | None,
        _option(
            parser=parse_duration,
            metavar="DURATION",
            help="Cancel the job when it has waited so long.",
            show_default="none",
        ),
    ] = None
    lost_after: Annotated[
        float | None,
        _option(
            parser=parse_duration,
            metavar="DURATION",
            help="Give up a node that gives no sign of life for so long.",
            show_default="5m",
        ),
    ] = None
    detach: Annotated[bool, _option("--detach", help="Return when the job is submitted.")] = False
    dry_run: Annotated[
        bool, _option("--dry-run", help="Print the batch script, and submit nothing.")
    ] = False

    def request(self, *, json: bool) -> Request | None:
        """Return what the options ask of a scheduler; None when the tests are to run here."""
        if self.on is None:
            given = [item.name for item in fields(self) if getattr(self, item.name)]
            if given:
                names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
                raise UsageError(f"{names} only with --on, as --on slurm")
            return None
        if self.dry_run and json:
            raise UsageError("--dry-run prints a script, no JSON: leave out --json")
        return Request(
            on=self.on,
            nodes=self.nodes,
            time=self.time,
            partition=self.partition,
            cores_per_node=self.cores_per_node,
            submit_arguments=tuple(self.submit_arg or ()),
            max_pending=self.max_pending,
            lost_after=self.lost_after or LOST_AFTER_SECONDS,
            detach=self.detach,
            dry_run=self.dry_run,
        )
