# SPDX-License-Identifier: MIT
"""The options of CMake and their table in the documentation agree."""

from __future__ import annotations

import re

OPTION = re.compile(
    r"^ *(?:option|set|find_program|find_path|find_file|find_library)\((FTORCH_\w+)([^)]*)\)", re.M
)


def declared(root):
    """Default of each option that a user can set, by name."""
    defaults = {}
    for path in (root / "CMakeLists.txt", *(root / "cmake").glob("*.cmake")):
        for command in OPTION.finditer(path.read_text()):
            name, words = command.groups()
            if command[0].lstrip().startswith("option("):
                defaults[name] = words.split()[-1]
            elif command[0].lstrip().startswith("find_"):
                defaults[name] = "found"
            elif re.search(r"CACHE (?!INTERNAL)", words):
                defaults[name] = words.split()[0].strip('"')
    return defaults


def documented(root):
    """Default that the table gives for each option."""
    page = (root / "docs" / "how-to" / "cmake.md").read_text()
    rows = re.findall(r"^\| `(FTORCH_\w+)` \| ([^|]+) \|", page, re.M)
    defaults = {name: default.strip().replace("`", "") for name, default in rows}
    assert len(defaults) == len(rows), "an option has two rows"
    return defaults


def test_options_have_a_row_with_their_default(root):
    spelled = {"${PROJECT_IS_TOP_LEVEL}": "ON at top level"}
    defaults = {name: spelled.get(value, value) for name, value in declared(root).items()}
    assert "FTORCH_MAX_RANK" in defaults
    assert documented(root) == defaults


def test_every_option_is_named_for_the_project(root):
    for path in (root / "CMakeLists.txt", *(root / "cmake").glob("*.cmake")):
        for name in re.findall(r"^ *option\((\w+)", path.read_text(), re.M):
            assert name.startswith("FTORCH_") or name == "BUILD_SHARED_LIBS"
