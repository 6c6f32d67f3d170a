# SPDX-License-Identifier: MIT
"""Inputs that a model gives another shape in place, and what a write of them must fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import shim
from shim import ADD, ShimError, Tensor, binary, create, load, wrap


class Transposing(torch.nn.Module):
    """Transposes its input in place, and returns its sum."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x.t_()
        x += 1
        return x.sum()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> shim.Object:
    file = tmp_path_factory.mktemp("models") / "transposing.pt"
    torch.jit.script(Transposing()).save(str(file))
    return load(Path(file))


NUMBERS = np.arange(6.0).reshape(2, 3)


def total() -> Tensor:
    return wrap(np.zeros(()))


def test_a_result_takes_the_shape(model: shim.Object) -> None:
    x, y = binary(ADD, wrap(NUMBERS), wrap(np.zeros((2, 3)))), total()
    shim.forward(model, [x], [y])
    assert np.array_equal(x.numpy(), NUMBERS.T + 1)
    assert y.array == 21


@pytest.mark.parametrize("source", ["array", "shape"])
def test_what_was_made_with_a_shape_keeps_it(model: shim.Object, source: str) -> None:
    x = wrap(NUMBERS.copy()) if source == "array" else create([2, 3], "float64")
    before, y = x.numpy().copy(), total()
    with pytest.raises(ShimError, match=r"input_tensors\(1\).*shape \[3, 2\]") as failure:
        shim.forward(model, [x], [y])
    assert failure.value.status == "ft_shape_mismatch"
    assert np.array_equal(x.numpy(), before)
    assert y.array == 0
