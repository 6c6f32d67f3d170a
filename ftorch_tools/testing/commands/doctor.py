# SPDX-License-Identifier: MIT
"""`ftorch-test doctor`."""

import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.errors import ExitCode
from ftorch_tools.safe_stream import make_console
from ftorch_tools.testing.commands.common import AsJson, errors_reported, print_json, say
from ftorch_tools.testing.doctor import (
    compilers,
    cpus,
    cuda,
    folders,
    libtorch,
    limits,
    masks,
    mkl,
    mpi,
    openmp,
    programs,
    slurm,
)
from ftorch_tools.testing.doctor.finding import Finding, State, run_checks
from ftorch_tools.testing.doctor.subject import Subject, find_subject
from ftorch_tools.text import one_line

EPILOG = (
    "Example: `ftorch-test doctor --prefix ~/ftorch`  \n"
    "Exit status: 0 nothing is wrong (there may be warnings), 1 something is, 2 usage."
)
CHECKS = {
    "programs": programs.check,
    "compilers": compilers.check,
    "libtorch": libtorch.check,
    "cuda": cuda.check,
    "gpu-masks": masks.check,
    "openmp": openmp.check,
    "mkl": mkl.check,
    "mpi": mpi.check,
    "slurm": slurm.check,
    "cores": cpus.check,
    "folders": folders.check,
    "limits": limits.check,
}
_MARKS = {
    State.OK: ("ok     ", "green"),
    State.WARNING: ("warning", "yellow"),
    State.PROBLEM: ("problem", "bold red"),
    State.UNKNOWN: ("unknown", "dim"),
}


def doctor(
    build_dir: Annotated[
        Path | None,
        typer.Argument(help="A build folder.", show_default="nearest build, if any"),
    ] = None,
    prefix: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Where FTorch is installed."),
    ] = None,
    program: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="A program linked with FTorch; repeat."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Say what FTorch finds here and what is wrong, with the remedy."""
    with errors_reported():
        subject = find_subject(prefix, build_dir)
    subject.programs = program or []
    found = run_checks(CHECKS, subject)
    all_findings = [finding for findings in found.values() for finding in findings]
    if json:
        _print_json(subject, found)
    else:
        _print(subject, found)
    wrong = any(finding.state is State.PROBLEM for finding in all_findings)
    raise typer.Exit(ExitCode.TESTS_FAILED if wrong else ExitCode.OK)


def _print_json(subject: Subject, found: dict[str, list[Finding]]) -> None:
    values = {
        "host": socket.gethostname(),
        "prefix": None if subject.prefix is None else str(subject.prefix),
        "build": None if subject.build is None else str(subject.build),
        "ftorch": subject.version,
        "checks": {
            name: [
                {"state": item.state.value, "message": item.message, "remedy": item.remedy}
                for item in findings
            ]
            for name, findings in found.items()
        },
        **_count(item for findings in found.values() for item in findings),
    }
    print_json("doctor/1", values)


def _print(subject: Subject, found: dict[str, list[Finding]]) -> None:
    console = make_console()
    place = subject.prefix or subject.build
    name = (
        f"FTorch {subject.version or ''} in {place}" if place else "no FTorch was named or found"
    )
    say(console, (f"{name}, on {socket.gethostname()}", "bold"))
    for check, findings in found.items():
        for item in findings:
            say(console, _MARKS[item.state], f"  {check:10} {one_line(item.message)}")
            if item.remedy:
                say(console, " " * 21, ("remedy: ", "bold"), one_line(item.remedy))
    counts = _count(item for findings in found.values() for item in findings)
    say(console, ", ".join(f"{count} {name}" for name, count in counts.items()))


def _count(findings: Iterable[Finding]) -> dict[str, int]:
    states = [finding.state for finding in findings]
    return {
        "problems": states.count(State.PROBLEM),
        "warnings": states.count(State.WARNING),
        "unknown": states.count(State.UNKNOWN),
    }
