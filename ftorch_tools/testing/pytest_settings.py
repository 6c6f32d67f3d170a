# SPDX-License-Identifier: MIT
"""What a project's configuration of pytest says about where its tests are."""

from __future__ import annotations

import configparser
import shlex
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PATTERNS = ("test_*.py", "*_test.py")
_DOCTESTS = ("test*.txt",)
# In pytest's order, with the table or section that counts; the first two may be empty.
_TOML = {"pytest.toml": ("pytest",), ".pytest.toml": ("pytest",)}
_INI = {"pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest"}


@dataclass(frozen=True)
class Settings:
    """`paths` as testpaths names them, `patterns` of files that hold tests.

    `usual` says that functions named `test…` are all that is a test.
    """

    configured: bool = False
    paths: tuple[Path, ...] = ()
    patterns: tuple[str, ...] = _PATTERNS + _DOCTESTS
    usual: bool = True

    def matches(self, file: Path) -> bool:
        """Return whether `file` may hold tests; a conftest.py may make any file do so."""
        return any(fnmatch(file.name, pattern) for pattern in (*self.patterns, "conftest.py"))


def read_settings(project: Path) -> Settings:
    """Return what the configuration in the folder `project` says; the default without any."""
    values = _values(project)
    if values is None:
        return Settings()
    options = _words(values.get("addopts"))
    patterns = tuple(_words(values.get("python_files"))) or _PATTERNS
    globs = [
        value
        for option, following in zip(options, [*options[1:], ""])
        for value in [option.partition("=")[2] or following]
        if option.startswith("--doctest-glob")
    ]
    modules = "--doctest-modules" in options
    named = [found for path in _words(values.get("testpaths")) for found in _found(project, path)]
    return Settings(
        configured=True,
        paths=tuple(dict.fromkeys(named)),
        patterns=(*patterns, *(globs or _DOCTESTS), *(["*.py"] if modules else [])),
        usual=not (modules or globs or {"python_files", "python_functions"} & values.keys()),
    )


def _found(project: Path, path: str) -> list[Path]:
    return sorted(project.glob(path)) if not Path(path).is_absolute() else [Path(path)]


def _values(project: Path) -> dict[str, Any] | None:
    for name in (*_TOML, *list(_INI)[:2], "pyproject.toml", "tox.ini", "setup.cfg"):
        file = project / name
        if not file.is_file():
            continue
        if name.endswith(".toml"):
            found = _of_toml(file)
        else:
            found = _of_ini(file, _INI.get(name, "tool:pytest"))
        if found is not None:
            return found
        if name.lstrip(".").startswith("pytest."):
            return {}
    return None


def _of_toml(file: Path) -> dict[str, Any] | None:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # pytest says what is wrong with it
    if file.name == "pyproject.toml":
        tool = values.get("tool", {}).get("pytest")
        return None if tool is None else {**tool, **tool.get("ini_options", {})}
    return values.get("pytest")


def _of_ini(file: Path, section: str) -> dict[str, Any] | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return None
    return dict(parser[section]) if parser.has_section(section) else None


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        try:
            return shlex.split(value, comments=False)
        except ValueError:
            return value.split()
    return [str(item) for item in value] if isinstance(value, list) else []
