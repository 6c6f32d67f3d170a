# SPDX-License-Identifier: MIT
"""Spack's package API as far as the recipe uses it: it records the directives."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

DIRECTIVES = (
    "conflicts",
    "depends_on",
    "extends",
    "filter_compiler_wrappers",
    "license",
    "variant",
    "version",
)


@dataclass(frozen=True)
class Directive:
    """One call of a directive, with the arguments that the contexts around it add."""

    name: str
    arguments: tuple[str, ...]
    options: dict[str, Any]


@dataclass
class Recorder:
    """Every directive of a recipe, in order."""

    directives: list[Directive] = field(default_factory=list)
    contexts: list[dict[str, Any]] = field(default_factory=list)

    def record(self, name: str) -> Any:
        """The directive of that name."""

        def directive(*arguments: str, **options: Any) -> None:
            conditions = [layer["when"] for layer in (*self.contexts, options) if "when" in layer]
            for context in reversed(self.contexts):
                options = {**context, **options}
            if conditions:
                options["when"] = " ".join(conditions)
            self.directives.append(Directive(name, arguments, options))

        return directive

    @contextmanager
    def default_args(self, **options: Any) -> Iterator[None]:
        """Arguments for every directive inside."""
        self.contexts.append(options)
        yield
        self.contexts.pop()

    def when(self, spec: str) -> Any:
        """A condition for every directive inside."""
        return self.default_args(when=spec)


class CMakePackage:
    """A package whose variants are those of one installation."""

    def __init__(self, run_tests: bool, **variants: bool) -> None:
        self.run_tests = run_tests
        self.variants = variants

    @staticmethod
    def define(name: str, value: Any) -> str:
        """A definition on CMake's command line."""
        if isinstance(value, bool):
            return f"-D{name}:BOOL={'ON' if value else 'OFF'}"
        return f"-D{name}:STRING={value}"

    def define_from_variant(self, name: str, variant: str) -> str:
        """A definition with the value of a variant."""
        return self.define(name, self.variants[variant])


class CudaPackage:
    """A package for GPUs of NVIDIA; two architectures stand for all."""

    cuda_arch_values = ("80", "90a")


def module(name: str, **contents: Any) -> ModuleType:
    """A module that holds `contents`."""
    made = ModuleType(name)
    vars(made).update(contents)
    return made


def load(path: Path) -> tuple[type[Any], list[Directive]]:
    """Execute a recipe and return its class and its directives."""
    recorder = Recorder()
    systems = "spack_repo.builtin.build_systems"
    modules = [
        module(
            "spack.package",
            **{name: recorder.record(name) for name in DIRECTIVES},
            default_args=recorder.default_args,
            when=recorder.when,
            run_after=lambda phase: lambda method: method,
        ),
        module(f"{systems}.cmake", CMakePackage=CMakePackage),
        module(f"{systems}.cuda", CudaPackage=CudaPackage),
        module(f"{systems}.python", PythonPipBuilder=object),
        *map(module, ("spack", "spack_repo", "spack_repo.builtin", systems)),
    ]
    specification = importlib.util.spec_from_file_location("recipe", path)
    assert specification
    assert specification.loader
    recipe = importlib.util.module_from_spec(specification)
    with mock.patch.dict(sys.modules, {made.__name__: made for made in modules}):
        specification.loader.exec_module(recipe)
    return recipe.Ftorch, recorder.directives
