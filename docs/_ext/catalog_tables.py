# SPDX-License-Identifier: MIT
"""Directive `{catalog} NAME`: a table of rows of `src/catalog`, made when the site is built."""

from __future__ import annotations

from catalog_rows import TABLES
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class CatalogDirective(SphinxDirective):
    """Inserts one table of `TABLES`."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Write the table as Markdown and let the parser of the page read it."""
        name = self.arguments[0]
        if name not in TABLES:
            raise self.error(f"no table '{name}'; there are: {', '.join(TABLES)}")
        header, rows = TABLES[name]()
        lines = [header, ["---"] * len(header), *rows]
        escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
        return self.parse_text_to_nodes("\n".join(f"| {' | '.join(line)} |" for line in escaped))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("catalog", CatalogDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
