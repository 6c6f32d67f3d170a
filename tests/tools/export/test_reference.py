# SPDX-License-Identifier: MIT
"""The pages on `ftorch-export` name all options; the command answers in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ftorch_tools.export.app import make_app

DOCS = Path(__file__).resolve().parents[3] / "docs"


def options(*words: str) -> set[str]:
    """Return the options of a command but for those of completion."""
    command = typer.main.get_command(make_app(list(words)))
    if words:
        command = command.commands[words[0]]
    found = {name for one in command.params for name in one.opts if name.startswith("--")}
    return found - {"--install-completion", "--show-completion"}


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ((), "reference/ftorch-export.md"),
        (("inspect",), "reference/ftorch-export.md"),
        (("torchscript",), "how-to/from-torchscript.md"),
    ],
)
def test_page_names_all_options(words, page) -> None:
    named = set(re.findall(r"`[^`]*?(--[\w-]+)", (DOCS / page).read_text()))
    assert options(*words) <= named | {"--help"}


def test_process(folder) -> None:
    words = [sys.executable, "-m", "ftorch_tools.export"]
    answer = subprocess.run([*words, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("ftorch-export ")
    answer = subprocess.run([*words, "none"], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("ftorch-export: none is neither a file nor of the form")
