# SPDX-License-Identifier: MIT
"""A model's own exception is its own, whatever its words; an operator's fault has its status."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import shim
from shim import ShimError, create, load, wrap


class Size(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() > -1e9):
            raise RuntimeError("reading of size 3 is out of calibration")
        return x


class SourceOfSizes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        batch_size = x.shape[0]
        if batch_size < 100:
            raise ValueError("not converged")
        return x


class Words(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() > -1e9):
            raise RuntimeError("wrong shape of profile;\nRuntimeError: unexpected dtype")
        return x


class Memory(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() > -1e9):
            raise RuntimeError("table lookup out of memory range")
        return x


class NotThere(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() > -1e9):
            raise NotImplementedError("3D or 4D physics")
        return x


class Asserted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert bool(x.sum() < -1e9), "negative shape"
        return x


class InAFork(nn.Module):
    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        task = torch.jit.fork(self.part, x)
        y = torch.jit.wait(task)
        return y * 1


RAISED = [
    (Size(), "RuntimeError: reading of size 3 is out of calibration"),
    (SourceOfSizes(), "ValueError: not converged"),
    (Words(), "RuntimeError: wrong shape of profile;\nRuntimeError: unexpected dtype"),
    (Memory(), "RuntimeError: table lookup out of memory range"),
    (NotThere(), "NotImplementedError: 3D or 4D physics"),
    (Asserted(), "AssertionError: negative shape"),
]


def failure_of(network: nn.Module, folder: Path) -> ShimError:
    torch.jit.script(network).save(str(folder / "network.pt"))
    model = load(folder / "network.pt")
    with pytest.raises(ShimError) as failure:
        shim.forward(model, [create([2, 3])], [wrap(np.zeros(2, "f4"))])
    return failure.value


@pytest.mark.parametrize("is_forked", [False, True])
@pytest.mark.parametrize("number", range(len(RAISED)))
def test_exception_of_a_model(number: int, is_forked: bool, tmp_path: Path) -> None:
    network, message = RAISED[number]
    failure = failure_of(InAFork(network) if is_forked else network, tmp_path)
    assert str(failure) == f"ft_model_error: {message}"


class Bmm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x, x)


class Dot(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.dot(x, x)


class Outer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.outer(x, x)


class Distance(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cdist(x, torch.ones(4, 4))


class Diagonal(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.diag(x.unsqueeze(0))


class LeastSquares(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.lstsq(x, torch.ones(5, 1))[0]


class Inverse(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.inv(x)


class Interpolated(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(x, scale_factor=2.0)


class Bag(nn.Module):
    """Its source speaks of dtypes, its fault is a shape."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.bag(torch.zeros(2, 2, 2, dtype=torch.long))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x)[0]


class Probabilities(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.cross_entropy(x, torch.ones(2, 4))


class OneHot(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.one_hot(x)


class Masked(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.masked_select(x, x.long())


class ComplexSum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.nansum(torch.complex(x, x)).real


class Negative(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(-3)


class Rolled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.roll(x, [1, 2], [0])


class OnAnotherDevice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.to("xpu:0")


SHAPE, DTYPE, MODEL = "ft_shape_mismatch", "ft_dtype_mismatch", "ft_model_error"
FAULTS = [
    *((one(), SHAPE) for one in (Bmm, Dot, Outer, Distance, Diagonal, LeastSquares, Inverse)),
    *((one(), SHAPE) for one in (Interpolated, Bag, Attention, Probabilities)),
    *((one(), DTYPE) for one in (OneHot, Masked, ComplexSum)),
    *((one(), MODEL) for one in (Negative, Rolled)),
    (OnAnotherDevice(), "ft_device_unavailable"),
]


@pytest.mark.parametrize("is_forked", [False, True])
@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_fault_of_an_operator(number: int, is_forked: bool, tmp_path: Path) -> None:
    network, status = FAULTS[number]
    failure = failure_of(InAFork(network) if is_forked else network, tmp_path)
    assert failure.status == status
    assert ("input_tensors(1) is float32 [2, 3]" in str(failure)) == (status in (SHAPE, DTYPE))
    assert "Traceback" not in str(failure)
