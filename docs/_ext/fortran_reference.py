# SPDX-License-Identifier: MIT
"""Directive `{fortran} MODULE`: types and procedures of a module as programs see them.

What `ftorch` and `ftorch_mpi` export and no page shows is a warning, which ends the build.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from fortran_modules import (
    declaration,
    documentation,
    exported_names,
    forms,
    name_of,
    public_entities,
    read_modules,
)
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

SHOWN: set[str] = set()
"""Names on the pages read so far; ci/docs reads all pages in each build."""

logger = logging.getLogger(__name__)


def call(name: str, procedure: Any) -> str:
    """Return how a procedure is used, with optional arguments in brackets."""
    names = [argument.name for argument in procedure.args]
    if name.startswith("operator("):
        symbol = name[len("operator(") : -1]
        expression = f" {symbol} ".join(names) if len(names) == 2 else symbol + names[0]
        return f"{procedure.retvar.name} = {expression}"
    if name.startswith("assignment("):
        return " = ".join(names)
    arguments = ""
    for argument in procedure.args:
        if argument.optional:
            arguments += f" [,{argument.name}]" if arguments else f"[{argument.name}]"
        else:
            arguments += f", {argument.name}" if arguments else argument.name
    result = getattr(procedure, "retvar", None)
    whole = f"{result.name} = {name}({arguments})" if result else f"call {name}({arguments})"
    return " &\n".join(textwrap.wrap(whole, 74, subsequent_indent="  "))


def argument_rows(procedures: list[Any], is_generic: bool) -> Iterator[str]:
    """Yield one row of Markdown for each argument but `status`, the result last."""
    arguments: dict[str, Any] = {}
    for procedure in procedures:
        for argument in procedure.args:
            arguments.setdefault(argument.name, argument)
    arguments.pop("status", None)
    for name, argument in arguments.items():
        kind, shape = f"`{declaration(argument)}`", argument.dimension
        if is_generic and name in ("data", "array"):
            kind, shape = "array of an element type and rank of the catalog", ""
        elif is_generic and name in ("a", "b"):
            kind = "`type(torch_tensor)`, or one of the two a number"
        optional = ", optional" if argument.optional else ""
        yield f"| `{name}{shape}` | {kind} | {argument.intent}{optional} |"
    result = getattr(procedures[0], "retvar", None)
    if result:
        yield f"| `{result.name}{result.dimension}` | `{declaration(result)}` | result |"


def procedure_section(entity: Any) -> str:
    """Return the Markdown section of a procedure, generic or abstract interface."""
    procedures = forms(entity)
    calls = "\n".join(dict.fromkeys(call(entity.name, procedure) for procedure in procedures))
    own = [documentation(procedure) for procedure in procedures if procedure is not entity]
    text = "\n\n".join(dict.fromkeys([documentation(entity), *own]))
    rows = "\n".join(argument_rows(procedures, is_generic=hasattr(entity, "modprocs")))
    table = f"| Argument | Type | Intent |\n|---|---|---|\n{rows}" if rows else ""
    return f"### {entity.name}\n\n```fortran\n{calls}\n```\n\n{text}\n\n{table}"


def type_section(entity: Any) -> str:
    """Return the Markdown section of a type: its components and bound procedures."""
    parts = [f"### type({entity.name})", documentation(entity)]
    for variable in entity.variables:
        attributes = "".join(f", {attribute}" for attribute in variable.attribs)
        text = f"{declaration(variable)}{attributes} :: {variable.name}"
        parts.append(f"```fortran\n{text}\n```\n\n{documentation(variable)}")
    bound = [
        f"`%{binding.name}`"
        for binding in entity.boundprocs
        if not binding.generic and binding.permission == "public"
    ]
    if bound:
        parts.append(f"Bound procedures: {', '.join(bound)}.")
    return "\n\n".join(parts)


class FortranDirective(SphinxDirective):
    """Inserts the public part of a module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write the sections as Markdown and let the parser of the page read them."""
        folder = Path(self.config.fortran_sources)
        modules = read_modules(folder)
        module = modules.get(self.arguments[0])
        if module is None:
            raise self.error(f"no module '{self.arguments[0]}'; there are: {', '.join(modules)}")
        entities = public_entities(module, exported_names(modules), folder)
        SHOWN.update(map(name_of, entities))
        sections = (
            type_section(entity) if entity in module.types else procedure_section(entity)
            for entity in entities
        )
        return self.parse_text_to_nodes("\n\n".join(sections), allow_section_headings=True)


def check_coverage(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of what the modules for programs give and no page shows."""
    del app
    missing = exported_names(read_modules(Path(env.config.fortran_sources))) - SHOWN
    if missing:
        logger.warning("missing in the Fortran reference: %s", ", ".join(sorted(missing)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the check."""
    app.add_config_value("fortran_sources", "", "env")
    app.add_directive("fortran", FortranDirective)
    app.connect("env-check-consistency", check_coverage)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
