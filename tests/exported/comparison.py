# SPDX-License-Identifier: MIT
"""Compares the two sides of a network in all that a program does with a model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from architecture import Architecture
from sides import Eager, Loaded, flatten
from torch import Tensor

import shim

STEPS = 50
TOLERANCE = {torch.float64: 1e-12, torch.complex128: 1e-12}
"""Relative, where it is not 1e-6."""


@dataclass
class Outcome:
    """What one network does on both sides: the largest relative difference of each comparison."""

    differences: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def largest(self) -> float:
        """The largest difference."""
        return max(self.differences.values(), default=0.0)

    def compare(
        self, what: str, got: Sequence[Tensor | None], expected: Sequence[Tensor | None]
    ) -> None:
        """Take the largest difference of tensors."""
        if len(got) != len(expected):
            self.problems.append(f"{what}: {len(got)} tensors, expected {len(expected)}")
            return
        for i, (one, other) in enumerate(zip(got, expected)):
            if one is None or other is None:
                if one is not other and not is_zero(one) and not is_zero(other):
                    self.problems.append(f"{what} {i + 1}: one side has none")
                continue
            if one.shape != other.shape or one.dtype != other.dtype:
                self.problems.append(
                    f"{what} {i + 1}: {one.dtype} {list(one.shape)}, "
                    f"expected {other.dtype} {list(other.shape)}"
                )
                continue
            difference = relative_difference(one, other)
            self.differences[what] = max(self.differences.get(what, 0.0), difference)
            if not difference <= TOLERANCE.get(other.dtype, 1e-6):
                self.problems.append(f"{what} {i + 1}: relative difference {difference:.3g}")

    def attempt(self, what: str, action: Callable[[], None]) -> None:
        """Do what may fail; a failure is a problem, and the others are still compared."""
        try:
            action()
        except shim.ShimError as error:
            self.problems.append(f"{what}: {error}")


def is_zero(tensor: Tensor | None) -> bool:
    """Return whether all numbers of a gradient are zero."""
    return tensor is not None and not bool(tensor.any())


def relative_difference(got: Tensor, expected: Tensor) -> float:
    """Return the largest difference over the largest number; zero when all bits are equal."""
    if torch.equal(got, expected) or got.numel() == 0:
        return 0.0
    wide = torch.complex128 if expected.is_complex() else torch.float64
    got, expected = got.to(wide), expected.to(wide)
    same = torch.isclose(got, expected, 0.0, 0.0, equal_nan=True)
    if bool(same.all()):
        return 0.0
    scale = float(expected[torch.isfinite(expected)].abs().max())
    return float(torch.where(same, 0.0, (got - expected).abs()).max()) / (scale or 1.0)


class Comparison:
    """One network, its file and what comes of it."""

    def __init__(self, row: Architecture, folder: Path, file: Path | None = None) -> None:
        self.row = row
        self.outcome = Outcome()
        self.folder = folder
        self.file = file or row.write(folder)
        self.eager = Eager(row.module())
        self.loaded = Loaded(self.file, row.is_training)

    def run(self) -> Outcome:
        """Compare all."""
        row, outcome = self.row, self.outcome
        first, other = row.sizes
        gradients = not row.no_gradient
        outcome.attempt("results", lambda: self.compare_pass(first, "results", False))
        if gradients:
            outcome.attempt("gradients", lambda: self.compare_pass(first, "results", True))
        if row.dynamic is not None:
            outcome.attempt(
                "another size", lambda: self.compare_pass(other, "another size", gradients)
            )
        if gradients and any(True for _ in self.eager.module.parameters()):
            outcome.attempt(f"{STEPS} steps", self.compare_training)
        outcome.attempt("saved", self.compare_saved)
        return outcome

    def compare_pass(self, size: int, what: str, with_gradients: bool) -> None:
        """One pass, and back."""
        eager, loaded, outcome = self.eager, self.loaded, self.outcome
        expected = eager.forward(self.row.sample(size), with_gradients)
        got = loaded.forward(self.row.sample(size), with_gradients, expected)
        outcome.compare(what, got, expected)
        outcome.compare(f"{what}, inputs", loaded.written_inputs(), eager.written_inputs())
        if with_gradients:
            eager.module.zero_grad()
            eager.backward(self.seed)
            loaded.make_adam().zero_grad()
            loaded.backward(self.seed)
            outcome.compare("input gradients", loaded.input_gradients(), eager.input_gradients())
            named, expected_named = loaded.parameter_gradients(), eager.parameter_gradients()
            if missing := expected_named.keys() - named.keys():
                outcome.problems.append(f"no parameters {sorted(missing)}")
            names = [name for name in expected_named if name in named]
            outcome.compare(
                "parameter gradients",
                [named[name] for name in names],
                [expected_named[name] for name in names],
            )
        self.compare_state(f"{what}, state")

    def compare_training(self) -> None:
        """Steps of Adam, and the state after them."""
        eager, loaded = self.eager, self.loaded
        theirs, ours = eager.make_adam(), loaded.make_adam()
        arguments = self.row.sample(self.row.sizes[0])
        for _ in range(STEPS):
            theirs.zero_grad()
            expected = eager.forward(arguments, True)
            eager.backward(self.seed)
            theirs.step()
            ours.zero_grad()
            loaded.forward(arguments, True, expected)
            loaded.backward(self.seed)
            ours.step()
        self.compare_state(f"{STEPS} steps")

    def compare_state(self, what: str) -> None:
        """Parameters and buffers."""
        expected = self.eager.state()
        parameters = [
            name for name, _ in self.eager.module.named_parameters(remove_duplicate=False)
        ]
        got = self.loaded.state(list(expected), parameters)
        self.outcome.compare(what, [got[name] for name in expected], list(expected.values()))

    def compare_saved(self) -> None:
        """The file that the library writes, in Python."""
        file = self.folder / "saved.pt2"
        self.loaded.save(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = torch.export.load(file).module()
        arguments = self.row.sample(self.row.sizes[0])
        expected = self.eager.forward(arguments, False)
        torch.manual_seed(11)
        with torch.no_grad():
            got = flatten(module(*arguments))
        self.outcome.compare("saved", got, expected)

    def seed(self, index: int, result: Tensor) -> Tensor:
        """The gradient of a mean of squares about numbers that are always the same."""
        generator = torch.Generator().manual_seed(100 + index)
        target = torch.randn(result.shape, dtype=result.dtype, generator=generator)
        return 2.0 * (result - target) / max(result.numel(), 1)
