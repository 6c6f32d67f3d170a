# SPDX-License-Identifier: MIT
"""What LibTorch or a model finds wrong with shapes and dtypes has the status for it."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import shim
from shim import ShimError, create, load, loss, wrap


class Multiply(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x @ y


class Add(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


class Reshape(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(2, 7)


class Concatenate(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, y])


class Unpack(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = x.unbind(0)
        return a + b


class Sum(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(3)


class Pick(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[9]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cell(x)[0]


F4, F8, I8 = "float32", "float64", "int64"
SHAPE, DTYPE, MODEL = "ft_shape_mismatch", "ft_dtype_mismatch", "ft_model_error"

CASES = [
    (nn.Linear(8, 4), [((5, 7), F4)], SHAPE),
    (nn.Linear(8, 4), [((7,), F4)], SHAPE),
    (nn.Linear(8, 4), [((), F4)], SHAPE),
    (nn.Linear(8, 4), [((5, 8), F8)], DTYPE),
    (nn.Linear(8, 4), [((8,), F8)], DTYPE),
    (nn.Linear(8, 4), [((5, 8), I8)], DTYPE),
    (nn.Conv2d(3, 4, 3), [((1, 2, 8, 8), F4)], SHAPE),
    (nn.Conv2d(3, 4, 3), [((8, 8), F4)], SHAPE),
    (nn.Conv2d(3, 4, 5), [((1, 3, 2, 2), F4)], SHAPE),
    (nn.Conv2d(3, 4, 3), [((1, 3, 8, 8), F8)], DTYPE),
    (nn.BatchNorm1d(3), [((5, 4), F4)], SHAPE),
    (nn.BatchNorm1d(3), [((5, 3, 2, 2), F4)], SHAPE),
    (nn.BatchNorm1d(3), [((5, 3), "int32")], DTYPE),
    (nn.LayerNorm(3), [((5, 4), F4)], SHAPE),
    (nn.GroupNorm(2, 4), [((2, 3), F4)], SHAPE),
    (nn.MaxPool2d(3), [((1, 2, 2), F4)], SHAPE),
    (nn.Embedding(3, 4), [((3,), F4)], DTYPE),
    (Recurrent(), [((5, 2, 2), F4)], SHAPE),
    (Recurrent(), [((5, 2, 3), F8)], DTYPE),
    (Multiply(), [((3, 4), F4), ((3, 4), F4)], SHAPE),
    (Multiply(), [((3,), F4), ((4,), F4)], SHAPE),
    (Multiply(), [((3, 4), F4), ((3,), F4)], SHAPE),
    (Multiply(), [((3, 3), F4), ((3, 3), F8)], DTYPE),
    (Add(), [((3,), F4), ((4,), F4)], SHAPE),
    (Reshape(), [((3, 5), F4)], SHAPE),
    (Concatenate(), [((2, 3), F4), ((2, 4), F4)], SHAPE),
    (Unpack(), [((3, 2), F4)], SHAPE),
    (Sum(), [((3,), F4)], SHAPE),
    (Pick(), [((3,), F4)], MODEL),
    (nn.Softmax(0), [((3,), "int32")], DTYPE),
]


@pytest.mark.parametrize("requires_grad", [0, 1])
@pytest.mark.parametrize("number", range(len(CASES)))
def test_model_finds_the_fault(number: int, requires_grad: int, tmp_path: Path) -> None:
    network, inputs, status = CASES[number]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(network).save(str(tmp_path / "network.pt"))
    model = load(tmp_path / "network.pt")
    given = [create(list(shape), dtype) for shape, dtype in inputs]
    output = wrap(np.full(2, 7.0))
    with pytest.raises(ShimError) as failure:
        shim.forward(model, given, [output], requires_grad)
    assert failure.value.status == status
    assert output.array.tolist() == [7, 7]
    if status == MODEL:
        return
    for i, (shape, dtype) in enumerate(inputs, 1):
        text = ", ".join(map(str, shape))
        assert f"input_tensors({i}) is {dtype} [{text}]" in str(failure.value)
    names = [name for name, _ in network.named_parameters()]
    assert not names or f"the model's first parameter, {names[0]}, is float32" in str(
        failure.value
    )


def test_remark_does_not_outlive_its_failure(models: Path) -> None:
    model = load(models / "scaling.pt")
    with pytest.raises(ShimError, match="takes 1 input"):
        shim.forward(model, [create([3]), create([3])], [create([3])])
    with pytest.raises(ShimError) as failure:
        shim.forward(model, [create([3])], [create([4])])
    assert "input_tensors" not in str(failure.value)


LOSSES = [
    ("cross_entropy", ((2, 3), F4), ((2,), F4), DTYPE),
    ("cross_entropy", ((2, 3), I8), ((2,), I8), DTYPE),
    ("cross_entropy", ((2, 3), F4), ((4,), I8), SHAPE),
    ("cross_entropy", ((2, 3), F4), ((2, 4), F4), SHAPE),
    ("mse", ((2, 3), F4), ((2,), F4), SHAPE),
    ("mse", ((2, 3), F4), ((2, 3), F8), DTYPE),
]


@pytest.mark.parametrize("number", range(len(LOSSES)))
def test_losses(number: int) -> None:
    from catalog.losses import LOSSES as ROWS

    name, input_row, target_row, status = LOSSES[number]
    row = [row.name for row in ROWS].index(name)
    given = [create(list(shape), dtype) for shape, dtype in (input_row, target_row)]
    with pytest.raises(ShimError) as failure:
        loss(row, *given)
    assert failure.value.status == status
    assert "input_tensor " in str(failure.value)
    assert "target_tensor" in str(failure.value)


def test_operators() -> None:
    flag = create([2], "bool")
    with pytest.raises(ShimError) as failure:
        shim.unary(shim.NEG, flag)
    assert failure.value.status == DTYPE
