# SPDX-License-Identifier: MIT
"""Results, parameters and gradients of models that are no plain tensors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from ctypes import c_int64
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import shim
from shim import ShimError, Tensor, anything, call, create, forward, load, wrap


class Coo(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, x.to_sparse()


class Csr(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, x.to_sparse_csr()


class Mkldnn(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, x.to_mkldnn()


class Quantised(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)


class Nested(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, torch._nested_tensor_from_tensor_list([x, x])


class Meta(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, torch.zeros(2, 2, device="meta")


class Conjugate(nn.Module):
    """Lazily conjugated and negated views: plain."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z = torch.complex(x, x).conj()
        return z, z.imag


class Embedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 2, sparse=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.table(x.long())


class SparseParameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(2).to_sparse())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sparse.mm(self.matrix, x)


def model(make: Callable[[], nn.Module], folder: Path) -> shim.Object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(make()).save(str(folder / "model.pt"))
    return load(folder / "model.pt")


def parameter_of(model: shim.Object) -> Tensor:
    output = Tensor()
    memory = shim.handles([output])
    call("ft_model_parameters", model.handle, memory, c_int64(1))
    output.handle.value = memory[0]
    return output


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Coo, "in the layout Sparse "),
        (Csr, "in the layout SparseCsr"),
        (Mkldnn, "in the layout Mkldnn"),
        (Quantised, "quantised"),
        (Nested, "nested"),
        (Meta, "without numbers"),
    ],
)
def test_results_that_are_not_plain(
    make: Callable[[], nn.Module], kind: str, attached: bool, tmp_path: Path
) -> None:
    arrays = [np.full((2, 2), -1, "f4", order="F") for _ in range(2)]
    outputs = [wrap(one) if attached else anything() for one in arrays]
    before = [one.numpy() for one in outputs]
    with pytest.raises(ShimError, match=rf"result\(2\): the tensor is {kind}") as failure:
        forward(model(make, tmp_path), [create([2, 2])], outputs)
    assert failure.value.status == "ft_invalid_argument"
    assert all(np.array_equal(one.numpy(), two) for one, two in zip(outputs, before))
    assert all((one == -1).all() for one in arrays)


def test_conjugate_views_are_plain(tmp_path: Path) -> None:
    z, imaginary = anything([2], "complex64"), anything([2])
    forward(model(Conjugate, tmp_path), [create([2])], [z, imaginary])
    assert z.numpy().tolist() == [1 - 1j, 1 - 1j]
    assert imaginary.numpy().tolist() == [-1, -1]


def test_sparse_parameter_is_refused(tmp_path: Path) -> None:
    y, sparse = anything([2, 1]), model(SparseParameter, tmp_path)
    forward(sparse, [create([2, 1])], [y])
    assert y.numpy().tolist() == [[1], [1]]
    with pytest.raises(
        ShimError, match=r"output_tensors\(1\): the tensor is in the layout Sparse"
    ):
        parameter_of(sparse)


def test_sparse_gradient_is_given_with_all_its_zeros(tmp_path: Path) -> None:
    y, table = anything([3, 2]), model(Embedding, tmp_path)
    forward(table, [wrap(np.array([1, 3, 1], "f4"))], [y], requires_grad=1)
    shim.unary(shim.SUM, y).backward()
    weight = parameter_of(table)
    expected = [[0, 0], [2, 2], [0, 0], [1, 1]]
    assert weight.gradient().numpy().tolist() == expected
    array = np.zeros((4, 2), "f4", order="F")
    weight.gradient(wrap(array))
    assert array.tolist() == expected
    weight.zero_gradient()
    assert weight.gradient().numpy().tolist() == np.zeros((4, 2)).tolist()
