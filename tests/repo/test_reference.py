# SPDX-License-Identifier: MIT
"""What the module `ftorch` exports is in the reference."""

from __future__ import annotations

import re


def exported_modules(root):
    """Modules whose names `use ftorch` gives, through the modules that gather others."""
    source = root / "src" / "fortran"
    gathered = re.findall(r"^ *use (ftorch_\w+)", (source / "ftorch.fypp").read_text(), re.M)
    tensor = re.findall(r"^ *use (ftorch_\w+)", (source / "ftorch_tensor.fypp").read_text(), re.M)
    return {*gathered, *tensor} - {"ftorch_tensor"}


def test_every_module_of_the_facade_has_a_place(root):
    pages = "".join(page.read_text() for page in (root / "docs" / "reference").glob("*.md"))
    shown = set(re.findall(r"```\{fortran\} (\w+)", pages))
    tables = {"ftorch_types": "dtypes", "ftorch_devices": "devices"}
    for module in exported_modules(root):
        table = tables.get(module)
        assert module in shown or (table and f"{{catalog}} {table}" in pages), module


def test_every_module_of_the_facade_is_used_by_a_test(root):
    sources = "".join(path.read_text() for path in (root / "tests" / "fortran").iterdir())
    for module in exported_modules(root):
        text = (root / "src" / "fortran" / f"{module}.fypp").read_text()
        for names in re.findall(r"^ *public :: (.*)$", text, re.M):
            for name in names.split(","):
                name = name.strip()
                if re.fullmatch(r"torch_\w+", name):
                    assert name in sources, f"{name} of {module}"
