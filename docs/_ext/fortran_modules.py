# SPDX-License-Identifier: MIT
"""What FORD reads from the expanded Fortran sources."""

from __future__ import annotations

import contextlib
import html
import io
import re
from functools import cache
from pathlib import Path
from typing import Any

from ford.fortran_project import Project
from ford.settings import ProjectSettings

FACADES = ("ftorch", "ftorch_mpi")


@cache
def read_modules(folder: Path) -> dict[str, Any]:
    """Return FORD's description of each module in `folder`, by name."""
    if not any(folder.glob("*.f90")):
        raise FileNotFoundError(f"{folder} has no expanded sources; ci/docs puts them there")
    settings = ProjectSettings(
        src_dir=[folder],
        extensions=["f90"],
        fpp_extensions=[],
        preprocess=False,
        predocmark=">",
        display=["public"],
        quiet=True,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        project = Project(settings)
        project.correlate()
    return {name_of(module): module for module in project.modules}


def exported_names(modules: dict[str, Any]) -> set[str]:
    """Return the types and procedures that `use ftorch` and `use ftorch_mpi` give."""
    return {
        name.lower()
        for facade in map(modules.__getitem__, FACADES)
        for name in (*facade.pub_procs, *facade.pub_types, *facade.pub_absints)
    }


def public_entities(module: Any, exported: set[str], folder: Path) -> list[Any]:
    """Return the types, generics and procedures of a module for programs, in the file's order.

    Of a module that the façade does not export, all that it makes public counts.
    """
    entities = [*module.types, *module.absinterfaces, *module.interfaces]
    entities += [*module.subroutines, *module.functions]
    public = [entity for entity in entities if entity.permission == "public"]
    # FORD loses the export of an operator that has two interfaces, such as binary and unary minus.
    is_operator = {name for name in map(name_of, public) if name.startswith("operator(")}
    wanted = exported | is_operator
    chosen = [entity for entity in public if name_of(entity) in wanted] or public
    text = (folder / f"{name_of(module)}.f90").read_text(encoding="utf-8").lower()

    def position(entity: Any) -> int:
        name = re.escape(name_of(entity))
        opening = rf"^.*\b(type ::|interface|subroutine|function) {name}(\W|$)"
        found = re.search(opening, text, re.MULTILINE)
        return found.start() if found else len(text)

    return sorted(chosen, key=position)


def name_of(entity: Any) -> str:
    """Return a name as Fortran compares it."""
    return str(entity.name).lower()


def documentation(entity: Any) -> str:
    """Return the comment that stands before an entity."""
    return "\n".join(line.strip() for line in entity.doc_list)


def declaration(variable: Any) -> str:
    """Return the type of a variable, as in `real(real32)`, without FORD's links."""
    return html.unescape(re.sub("<[^>]*>", "", variable.full_type)).replace("(kind=", "(")


def forms(entity: Any) -> list[Any]:
    """Return the procedures of a generic that programs tell apart: one for each argument list."""
    if hasattr(entity, "procedure"):
        return [entity.procedure]
    distinct: dict[tuple[str, ...], Any] = {}
    for reference in getattr(entity, "modprocs", []):
        procedure = reference.procedure
        distinct.setdefault(tuple(argument.name for argument in procedure.args), procedure)
    return list(distinct.values()) or [entity]
