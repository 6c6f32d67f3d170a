# SPDX-License-Identifier: MIT
"""Exported programs beside the modules that they were made of."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model_parts import count, name
from torch import nn
from torch.utils import _pytree

import shim
from shim import Object, Tensor, anything, create, forward, wrap


def export(
    module: nn.Module,
    inputs: Sequence[Any],
    path: Path,
    dynamic: Any = None,
    kwargs: dict[str, Any] | None = None,
    decompose: bool = False,
) -> Path:
    """The file of a module, with sizes of these inputs."""
    program = torch.export.export(
        module, tuple(inputs), kwargs, dynamic_shapes=dynamic, strict=False
    )
    if decompose:
        program = program.run_decompositions()
    torch.export.save(program, path)
    return path


def leaves(value: Any) -> list[torch.Tensor]:
    """Tensors and numbers of a result as tensors, without None."""
    found = [one for one in _pytree.tree_leaves(value) if one is not None]
    return [one if isinstance(one, torch.Tensor) else number(one) for one in found]


def number(value: float) -> torch.Tensor:
    """A number of Python as a tensor without dimensions."""
    dtype = {bool: torch.bool, int: torch.int64, float: torch.float64}[type(value)]
    return torch.tensor(value, dtype=dtype)


def given(values: Sequence[Any], requires_grad: bool = False) -> list[Tensor]:
    """What the shim is given for inputs of Python."""
    tensors = [one if isinstance(one, torch.Tensor) else number(one) for one in values]
    differentiable = [
        int(requires_grad and (one.is_floating_point() or one.is_complex())) for one in tensors
    ]
    arrays = [one.detach().numpy().copy() for one in tensors]
    return [wrap(array, which) for array, which in zip(arrays, differentiable)]


def results(
    model: Object, inputs: Sequence[Tensor], like: Sequence[torch.Tensor], requires_grad: int = 0
) -> list[Tensor]:
    """What a model returns, of the shapes and dtypes of `like`."""
    outputs = [anything(one.shape, str(one.dtype).removeprefix("torch.")) for one in like]
    forward(model, inputs, outputs, requires_grad)
    return outputs


def names(model: Object, part: int) -> list[str]:
    """Of parameters (0), inputs (1) or outputs (2)."""
    return [name(model, part, i + 1) for i in range(count(model, part))]


def total(outputs: Sequence[Tensor]) -> Tensor:
    """The sum of all elements of results that have a graph."""
    sums = []
    for output in outputs:
        if output.requires_grad():
            sums.append(create([], output.dtype()))
            shim.unary(shim.SUM, output, into=sums[-1])
    (first, *others) = sums
    for other in others:
        first = shim.binary(0, first, other)
    return first


def same(got: np.ndarray, expected: torch.Tensor, tolerance: float = 0.0) -> None:
    """Fails unless numbers are equal, to the last bit without a tolerance."""
    wanted = expected.detach().resolve_conj().numpy()
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    scale = np.abs(wanted).max(initial=0.0)
    assert np.allclose(got, wanted, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def twin(module: nn.Module) -> nn.Module:
    """A module of its own with the same state."""
    return copy.deepcopy(module)
