# SPDX-License-Identifier: MIT
"""Configuration of the documentation site; `ci/docs` builds it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS / "_ext"), str(ROOT / "src")]


def version_of_project() -> str:
    """Return the version in the project() command, the only place where it stands."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(r"project\(FTorch\s+VERSION\s+([0-9.]+)", text)
    if not found:
        raise ValueError("CMakeLists.txt has no project(FTorch VERSION ...)")
    return found[1]


project = "FTorch"
author = "the FTorch developers"
project_copyright = author
version = release = version_of_project()

extensions = ["myst_parser", "sphinx_copybutton", "catalog_tables", "fortran_reference"]
exclude_patterns = ["_build", "ford.md", "programs"]
nitpicky = True

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .go"

fortran_sources = str(DOCS / "_build" / "fortran")
"""Templates expanded by ci/docs."""

html_theme = "furo"
html_title = f"FTorch {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]

# Pages that stand outside docs/ link to files; here they link to the pages of the site.
LINKS = {
    "../../docs/": "../",
    "docs/": "",
    "CONTRIBUTING.md": "contributing.md",
    "examples)": "tutorial/examples.md)",
    "LICENSE": "https://spdx.org/licenses/MIT.html",
}
for folder in (ROOT / "examples").glob("[0-9][0-9]_*"):
    page = f"{folder.name[3:]}.md"
    LINKS[f"examples/{folder.name}"] = f"tutorial/{page}"
    LINKS[f"../{folder.name}"] = LINKS[folder.name] = page


def include_read(_app: Sphinx, _path: Path, _page: str, content: list[str]) -> None:
    """Rewrite the links of an included page."""
    for source, target in LINKS.items():
        content[0] = content[0].replace(f"]({source}", f"]({target}")


def setup(app: Sphinx) -> None:
    """Connect the handler."""
    app.connect("include-read", include_read)
