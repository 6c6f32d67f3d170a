# SPDX-License-Identifier: MIT
"""A row of the corpus: a network, what it is given, and how it is exported."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

BATCH = {0: Dim.DYNAMIC}
"""The first dimension has any size."""
COMPLEX = "eager PyTorch has no fused Adam for complex weights"


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One network; `inputs` makes the arguments of its forward procedure for a size."""

    make: Callable[[], nn.Module]
    inputs: Callable[[int], tuple[Any, ...]]
    # What torch.export takes; without it all sizes are fixed, those of `sizes[0]`.
    dynamic: Any = None
    sizes: tuple[int, int] = (3, 5)
    is_training: bool = False
    # Why gradients cannot be asked for.
    no_gradient: str = ""
    # Why results differ from those of eager PyTorch in the last bits.
    inexact: str = ""
    # Written in the operators of core ATen, as for inference.
    is_decomposed: bool = False
    name: str = ""

    @property
    def title(self) -> str:
        """The name by which it is known."""
        return self.name or self.make.__name__

    @property
    def family(self) -> str:
        """The module that has the class."""
        return self.make.__module__.rpartition(".")[2]

    @property
    def meaning(self) -> str:
        """The first line of what the class says of itself."""
        return (self.make.__doc__ or "").partition("\n")[0].strip()

    def module(self) -> nn.Module:
        """Return the network with the same weights at each call."""
        torch.manual_seed(2024)
        return self.make().train(self.is_training)

    def sample(self, size: int) -> tuple[Any, ...]:
        """Return arguments, the same at each call with `size`."""
        torch.manual_seed(size)
        return self.inputs(size)

    def export(self) -> ExportedProgram:
        """Return the program that `torch.export` makes."""
        program = torch.export.export(
            self.module(), self.sample(self.sizes[0]), dynamic_shapes=self.dynamic, strict=False
        )
        return program.run_decompositions() if self.is_decomposed else program

    def write(self, folder: Path) -> Path:
        """Write the program's file."""
        file = folder / f"{self.title}.pt2"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.export.save(self.export(), file)
        return file
