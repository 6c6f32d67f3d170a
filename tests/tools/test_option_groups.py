# SPDX-License-Identifier: MIT
"""A group of options is the same for every command that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from ftorch_tools.testing.commands.option_groups import unfolded


@dataclass
class Colours:
    """Options of a group."""

    main: Annotated[str | None, typer.Option("-m", "--main-colour")] = None
    others: Annotated[list[str] | None, typer.Option("--other")] = None
    bright: Annotated[bool, typer.Option("--bright")] = False


@pytest.fixture
def app():
    app = typer.Typer()

    @unfolded
    def first(*, place: Annotated[str, typer.Argument()] = "", colours: Colours) -> None:
        print(place, colours)

    @unfolded
    def second(*, colours: Colours, number: int = 1) -> None:
        print(colours, number)

    app.command("first")(first)
    app.command("second")(second)
    return app


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["first"], f" {Colours()}"),
        (["first", "here", "-m", "red"], f"here {Colours('red')}"),
        (["second", "--other", "a", "--other", "b"], f"{Colours(None, ['a', 'b'])} 1"),
        (["second", "--bright", "--number", "2"], f"{Colours(bright=True)} 2"),
    ],
)
def test_fields_are_options(app, arguments, printed):
    assert CliRunner().invoke(app, arguments).stdout.rstrip("\n") == printed


def test_an_option_of_no_group_is_refused(app):
    assert CliRunner().invoke(app, ["first", "--number", "2"]).exit_code == 2
