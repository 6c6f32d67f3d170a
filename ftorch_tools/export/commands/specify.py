# SPDX-License-Identifier: MIT
"""`ftorch-export specify PACKAGE`: adds what a package of AOTInductor does not say of itself."""

from pathlib import Path
from typing import Annotated

import typer

from ftorch_tools.export.formats import specify_package
from ftorch_tools.export.output import check_output, drafted


def specify(
    package: Annotated[Path, typer.Argument(help="A .pt2 file of AOTInductor.")],
    program: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The exported program that it was compiled from."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="By default the package itself."),
    ] = None,
) -> None:
    """Add the inputs and outputs of a program to the package that was compiled from it."""
    target = output or package
    check_output(target, [program] if output is None else [program, package])
    with drafted(target) as draft:
        specify_package(package, program, draft)
    typer.echo(f"{target}: written")
