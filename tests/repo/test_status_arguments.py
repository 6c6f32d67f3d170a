# SPDX-License-Identifier: MIT
"""Every public subroutine that can fail takes `status`, optional and last."""

from __future__ import annotations

import re

NEVER_FAIL = re.compile(r"torch_\w*delete|torch_\$\{noun\}\$_delete|torch_set_error_handler")
# What it agrees on is the status of each rank.
TAKE_A_STATUS = ("torch_mpi_agree",)


def interfaces(text: str) -> set[str]:
    """Procedures behind the generic names of a module that are made public."""
    public = set(
        re.findall(r"\btorch_\w+", "".join(re.findall(r"^ *public :: (.*)$", text, re.M)))
    )
    found: set[str] = set()
    for name, body in re.findall(r"^  interface (\S+)\n(.*?)^  end interface", text, re.M | re.S):
        if name in public or name.startswith("torch_"):
            found.update(re.findall(r"module procedure (\S+)", body))
    return found


def subroutines(text: str) -> list[tuple[str, list[str], str]]:
    """Name, arguments and body of each subroutine of a module."""
    contained = text.split("\ncontains\n", 1)[-1]
    pattern = r"^  (?:\w+ )*subroutine (\S+?)\((.*?)\)(?: bind.*?)?\n(.*?)^  end subroutine"
    return [
        (name, [part.strip(" &\n") for part in arguments.split(",")], body)
        for name, arguments, body in re.findall(pattern, contained, re.M | re.S)
    ]


def test_every_public_subroutine_takes_a_status(root):
    checked = 0
    for path in sorted((root / "src" / "fortran").rglob("ftorch_*.fypp")):
        text = path.read_text()
        # A name that a template makes stands in the `#:set` before it.
        made = re.findall(r"^#:set name = f\"(\w+)_\{", text, re.M)
        specifics = {name.split("_${")[0] for name in interfaces(text)}
        for name, arguments, body in subroutines(text):
            is_made = name == "${name}$" and bool(made)
            is_specific = name.split("_${")[0] in specifics or name in specifics
            if not (name.startswith("torch_") or is_specific or is_made):
                continue
            if NEVER_FAIL.fullmatch(name) or name.startswith("assign_"):
                continue
            assert arguments[-1] == "status", f"{name} of {path.name}"
            intent = "intent(inout)" if name in TAKE_A_STATUS else "intent(out), optional"
            assert f"type(torch_status), {intent} :: status" in body, name
            checked += 1
    assert checked > 25
