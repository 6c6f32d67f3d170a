# SPDX-License-Identifier: MIT
"""Compiled training steps of the corpus: gradients are those of autograd."""

from __future__ import annotations

from ctypes import c_int64
from pathlib import Path
from typing import Any

import pytest
import torch
from architecture import Architecture
from architectures import rows
from compiled import step_package
from exported import export, given
from model_parts import part, sgd
from test_train_step import TOLERANCE, check_gradients, doubled, load, run
from torch import Tensor, nn
from torch.utils import _pytree

import shim

ROWS = {name: row for name, row in rows().items() if not row.no_gradient}


# Computes in bfloat16, where compiled code and autograd round sums at different places.
ROUNDED = {"Regions": 2.0**-8}


def squares(result: Any, _: Any) -> Tensor:
    """A loss of all results that have a graph."""
    found = [one for one in _pytree.tree_leaves(result) if isinstance(one, Tensor)]
    return sum(one.abs().square().mean().double() for one in found if one.requires_grad)


def made(row: Architecture) -> tuple[nn.Module, Any]:
    """A network and its arguments, in double precision where PyTorch itself runs it so."""
    module, arguments = row.module().double(), doubled(row.sample(row.sizes[0]))
    try:
        module(*doubled(arguments))
    except RuntimeError:
        return row.module(), row.sample(row.sizes[0])
    return row.module().double(), arguments


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_gradients_are_those_of_autograd(row: Architecture, tmp_path: Path) -> None:
    module, arguments = made(row)
    tensors = [one for one in _pytree.tree_leaves(arguments) if isinstance(one, Tensor)]
    target = torch.zeros(1)
    shapes = ([{} for _ in tensors], [{}])
    try:
        file = step_package(f"{row.title}_double", module, squares, arguments, [target], shapes)
    except Exception as error:
        pytest.skip(f"AOTInductor does not compile it: {str(error).splitlines()[0][:200]}")
    path = export(made(row)[0], arguments, tmp_path / "model.pt2")
    model = shim.load(path, train=int(row.is_training))
    eager, again = made(row)
    names = [name for name, one in eager.named_parameters() if one.requires_grad]
    step = load(file, model, sgd([part(model, name) for name in names], 0.0))
    shim.call("ft_manual_seed", c_int64(7))
    loss = run(step, given(tensors), given([target]))
    torch.manual_seed(7)
    expected = squares(eager(*again), None)
    assert loss == pytest.approx(expected.item(), rel=TOLERANCE)
    check_gradients(model, eager, expected, ROUNDED.get(row.title, TOLERANCE))
