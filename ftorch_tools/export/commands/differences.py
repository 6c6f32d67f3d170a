# SPDX-License-Identifier: MIT
"""What is printed of a check."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import typer

from ftorch_tools.export.check import Difference
from ftorch_tools.export.request import DifferenceError


class Written(Protocol):
    """What writes a file and compares it."""

    output: Path
    note: str

    def run(self) -> list[Difference]:
        """Write the file; return how far its readers are."""


def run(request: Written) -> None:
    """Write a file and print how far its readers are from the network."""
    try:
        differences = request.run()
    except DifferenceError as error:
        _print(error.differences)
        raise
    _print(differences)
    if not differences:
        typer.echo("not checked: without --input or --samples there is nothing to compare")
    if request.note:
        typer.echo(request.note)
    typer.echo(f"{request.output}: written")


def _print(differences: Sequence[Difference]) -> None:
    for one in differences:
        verdict = "equal"
        if one.largest is None:
            verdict = "runs; its random numbers are others"
        elif one.largest != 0:
            verdict = f"largest relative difference {one.largest:.2g}"
        too_large = "" if one.is_small else f", past the tolerance {one.tolerance:.2g}"
        typer.echo(f"{one.reader}, {one.arguments}: {verdict}{too_large}")
