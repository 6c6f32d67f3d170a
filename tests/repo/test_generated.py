# SPDX-License-Identifier: MIT
"""Nothing generated belongs to the repository."""

from __future__ import annotations

from pathlib import Path


def test_no_expansion_of_a_template(tracked):
    expansions = set()
    for template in tracked:
        if template.suffix == ".fypp":
            name = template.stem if "." in template.stem else template.stem + ".f90"
            expansions.add(name)
    assert not [str(path) for path in tracked if path.name in expansions]


def test_no_model_file(tracked):
    made = {".pt", ".pt2", ".pyc", ".mod", ".smod", ".o", ".a", ".so", ".dylib"}
    assert not [str(path) for path in tracked if Path(path).suffix in made]
