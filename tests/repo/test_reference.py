# SPDX-License-Identifier: MIT
"""What the module `ftorch` exports is in the reference."""

from __future__ import annotations

import re

from catalog.functions import FAMILIES


def exported_modules(root):
    """Modules whose names the facades give, through those that gather others."""
    facades = source_of(root, "ftorch") + source_of(root, "ftorch_mpi")
    gathered = set(re.findall(r"^ *use (ftorch_\w+)", facades, re.M))
    # Another procedure of a generic that has its place.
    gathered.discard("ftorch_communicator_f08")
    tensor = re.findall(r"^ *use (ftorch_\w+)", source_of(root, "ftorch_tensor"), re.M)
    return {*gathered, *tensor} - {"ftorch_tensor"}


def source_of(root, module):
    """The template of a module, in whatever room it stands."""
    (path,) = (root / "src" / "fortran").rglob(f"{module}.fypp")
    return path.read_text()


def test_every_module_of_the_facade_has_a_place(root):
    pages = "".join(page.read_text() for page in (root / "docs" / "reference").glob("*.md"))
    shown = set(re.findall(r"```\{fortran\} (\w+)", pages))
    tables = {"ftorch_types": "dtypes", "ftorch_devices": "devices"}
    families = {f"ftorch_{family}" for family in FAMILIES}
    modules = exported_modules(root) - {"ftorch_functions"}
    for module in modules | families | {"ftorch_intrinsics"}:
        table = tables.get(module)
        assert module in shown or (table and f"{{catalog}} {table}" in pages), module


def test_every_module_of_the_facade_is_used_by_a_test(root):
    folders = [root / "tests" / "fortran", root / "tests" / "mpi"]
    files = [path for folder in folders for path in folder.iterdir() if path.is_file()]
    sources = "".join(path.read_text() for path in files)
    for module in exported_modules(root):
        for names in re.findall(r"^ *public :: (.*)$", source_of(root, module), re.M):
            for name in names.split(","):
                name = name.strip()
                if re.fullmatch(r"torch_\w+", name):
                    assert name in sources, f"{name} of {module}"
