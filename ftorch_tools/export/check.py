# SPDX-License-Identifier: MIT
"""Compares what readers of a file compute with what the network computes."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ftorch_tools.export.errors import ExportError, first_line, import_torch
from ftorch_tools.export.library import Library

_SEED, _OTHER_SEED = 11, 12
_TOLERANCES = {"float64": 1e-12, "complex128": 1e-12, "float16": 1e-2, "bfloat16": 1e-2}
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Difference:
    """The largest relative difference of one reader for one set of arguments."""

    reader: str
    arguments: str
    # None where random numbers are not those of the network.
    largest: float | None
    tolerance: float

    @property
    def is_small(self) -> bool:
        """Whether it is within the tolerance; NaN is not."""
        return self.largest is None or self.largest <= self.tolerance


@dataclass
class Check:
    """Sets of arguments by name, and the network's results for them, one set after the other."""

    arguments: dict[str, tuple[Any, ...]]
    expected: list[list[Any]]
    tolerance: float | None
    is_random: bool

    @classmethod
    def of(
        cls, model: Any, arguments: dict[str, tuple[Any, ...]], tolerance: float | None
    ) -> Check:
        """Run copies of the network."""
        expected = _run(duplicate(model), arguments.values())
        others = _run(duplicate(model), arguments.values(), _OTHER_SEED)
        is_random = any(
            relative_difference(one, other) > 0
            for results in zip(expected, others)
            for one, other in zip(*results)
        )
        return cls(arguments, expected, tolerance, is_random)

    def by_python(self, module: Callable[..., Any]) -> list[Difference]:
        """Return the differences of what Python reads."""
        return self._compare("Python", _run(module, self.arguments.values()))

    def by_library(self, library: Library, file: Path, is_training: bool) -> list[Difference]:
        """Return the differences of what the library reads."""
        passes = [
            (flatten(arguments), expected)
            for arguments, expected in zip(self.arguments.values(), self.expected)
        ]
        found = self._compare("FTorch", library.run(file, passes, is_training))
        # The generator of another process has another seed.
        return [replace(one, largest=None) for one in found] if self.is_random else found

    def _compare(self, reader: str, results: Sequence[Sequence[Any]]) -> list[Difference]:
        return [
            self._difference(reader, name, got, expected)
            for name, got, expected in zip(self.arguments, results, self.expected)
        ]

    def _difference(
        self, reader: str, name: str, got: Sequence[Any], expected: Sequence[Any]
    ) -> Difference:
        if [one.shape for one in got] != [one.shape for one in expected]:
            raise ExportError(
                f"{reader} returns {_shapes(got)} for the {name}, expected {_shapes(expected)}"
            )
        found = [
            Difference(reader, name, relative_difference(one, other), self._tolerance(other))
            for one, other in zip(got, expected)
        ]
        # Of results with tolerances of their own, one that is past it tells.
        return max(
            found,
            key=lambda one: (not one.is_small, one.largest),
            default=Difference(reader, name, 0.0, 0.0),
        )

    def _tolerance(self, expected: Any) -> float:
        if self.tolerance is not None:
            return self.tolerance
        if not expected.is_floating_point() and not expected.is_complex():
            return 0.0
        return _TOLERANCES.get(str(expected.dtype).removeprefix("torch."), _TOLERANCE)


def duplicate(model: Any) -> Any:
    """Return a network of its own with the same weights."""
    torch = import_torch()
    try:
        return copy.deepcopy(model)
    except Exception:
        # Weights that are computed, as by weight_norm, can be pickled alone.
        memory = io.BytesIO()
        try:
            torch.save(model, memory)
            memory.seek(0)
            return torch.load(memory, weights_only=False)
        except Exception as error:
            raise ExportError(f"the network cannot be copied: {first_line(error)}") from None


def flatten(tree: Any) -> list[Any]:
    """Return tensors in order, numbers as tensors, without None."""
    torch = import_torch()
    from torch.utils import _pytree

    dtypes = {float: torch.float64, int: torch.int64, bool: torch.bool}
    found = []
    for leaf in _pytree.tree_leaves(tree):
        if isinstance(leaf, torch.Tensor):
            found.append(leaf.detach())
        elif type(leaf) in dtypes:
            found.append(torch.tensor(leaf, dtype=dtypes[type(leaf)]))
        elif leaf is not None:
            raise ExportError(f"a {type(leaf).__name__} is neither a tensor nor a number")
    return found


def relative_difference(got: Any, expected: Any) -> float:
    """Return the largest difference over the largest number; infinity where one is no number."""
    torch = import_torch()
    got, expected = got.cpu(), expected.cpu()
    if got.numel() == 0 or torch.equal(got, expected):
        return 0.0
    wide = torch.complex128 if expected.is_complex() else torch.float64
    got, expected = got.to(wide), expected.to(wide)
    is_same = torch.isclose(got, expected, 0.0, 0.0, equal_nan=True)
    difference = torch.where(is_same, 0.0, (got - expected).abs()).nan_to_num(nan=float("inf"))
    scale = torch.where(torch.isfinite(expected.abs()), expected.abs(), 0.0).max()
    return float(difference.max() / (scale if scale > 0 else 1.0))


def _run(model: Callable[..., Any], sets: Any, seed: int = _SEED) -> list[list[Any]]:
    torch = import_torch()
    torch.manual_seed(seed)
    results = []
    for arguments in sets:
        try:
            with torch.no_grad():
                # It may write its arguments.
                results.append([one.clone() for one in flatten(model(*copy.deepcopy(arguments)))])
        except ExportError:
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            raise ExportError(f"the network fails with its samples: {text}") from None
    return results


def _shapes(tensors: Sequence[Any]) -> str:
    return ", ".join(str(list(one.shape)) for one in tensors) or "nothing"
