# SPDX-License-Identifier: MIT
"""A C entry, and its declaration in C and in Fortran."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from .roles import ROLES, Role

WIDTH = 118
"""Columns of the header."""


def comment_block(text: str) -> str:
    """A comment in C."""
    return "\n".join(textwrap.wrap(f"/* {text} */", WIDTH, subsequent_indent="   "))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One function of the C interface."""

    name: str
    """Its name in C, and of its interface in Fortran."""
    arguments: str = ""
    """`name:role` of each argument; roles are those of `ROLES`."""
    comment: str = ""
    """What it does beyond its name: what it takes, changes and returns."""
    returns: str = "int"
    """`int` for a status, `int64_t` or `void`."""

    @property
    def parameters(self) -> tuple[tuple[str, Role], ...]:
        """Name and role of each argument."""
        pairs = (argument.split(":") for argument in self.arguments.split())
        return tuple((name, ROLES[role]) for name, role in pairs)

    @property
    def comment_block(self) -> str:
        """The comment in C."""
        return comment_block(self.comment)

    @property
    def declaration(self) -> str:
        """The declaration in C."""
        head = f"{self.returns} {self.name}("
        declared = ", ".join(
            role.c.format(name).replace(" ", "\0") for name, role in self.parameters
        )
        text = f"{head}{declared or 'void'});"
        lines = textwrap.wrap(
            text,
            WIDTH,
            subsequent_indent=" " * len(head),
            break_on_hyphens=False,
            break_long_words=False,
        )
        return "\n".join(lines).replace("\0", " ")

    @property
    def imports(self) -> str:
        """What the interface in Fortran takes from its host."""
        kinds = {self.result_kind} | {role.kind for _, role in self.parameters}
        return ", ".join(sorted(kinds - {""}))

    @property
    def result_kind(self) -> str:
        """Kind of the result in Fortran."""
        return {"int": "c_int", "int64_t": "c_int64_t", "void": ""}[self.returns]
