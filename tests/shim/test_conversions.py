# SPDX-License-Identifier: MIT
"""Results into another dtype or shape: what keeps every number is done, the rest is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import shim
from shim import ADD, MUL, SUM, ShimError, Tensor, anything, binary, create, wrap

KEEPING = {("float32", "float64"), ("complex64", "complex128")}
DTYPES = [name for name in shim.DTYPES if name != "bool"]


def target(kind: str, shape: tuple[int, ...], dtype: str) -> Tensor:
    if kind == "attached":
        return wrap(np.zeros(shape, dtype, order="F"))
    return create(shape, dtype, 1)


@pytest.mark.parametrize("kind", ["attached", "declared"])
@pytest.mark.parametrize("to", DTYPES)
@pytest.mark.parametrize("from_", DTYPES)
def test_dtypes(kind: str, to: str, from_: str) -> None:
    x, y = wrap(np.array([1, 2, 3], from_)), target(kind, (3,), to)
    if to == from_ or (from_, to) in KEEPING:
        binary(ADD, x, x, into=y)
        assert y.numpy().tolist() == [2, 4, 6]
        assert y.dtype() == to
    else:
        with pytest.raises(ShimError, match=f"dtype {from_}.*dtype {to}") as failure:
            binary(ADD, x, x, into=y)
        assert failure.value.status == "ft_dtype_mismatch"
        assert not y.numpy().any()


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("kind", ["attached", "declared"])
def test_gradient_of_a_converted_result(kind: str, dtype: str) -> None:
    wide = {"float32": "float64", "complex64": "complex128"}[dtype]
    w, y = wrap(np.array([2, 3, 5], dtype), 1), target(kind, (1, 3), wide)
    binary(MUL, w, w, into=y)
    assert y.dtype() == wide
    assert y.shape() == [1, 3]
    z = binary(MUL, y, wrap(np.array([[1, 10, 100]], wide)))
    z.backward(create([1, 3], wide))
    reference = torch.tensor(w.array, requires_grad=True)
    out = (reference * reference).to(getattr(torch, wide)).reshape(1, 3)
    product = out * torch.tensor([[1, 10, 100]], dtype=out.dtype)
    product.backward(torch.ones_like(product))
    assert np.array_equal(w.gradient().numpy(), reference.grad.resolve_conj().numpy())
    assert w.gradient().dtype() == dtype


@pytest.mark.parametrize("leaf", [0, 1])
@pytest.mark.parametrize("offset", [0, 8])
def test_complex_array_at_any_address(offset: int, leaf: int) -> None:
    memory = np.zeros(8)
    start = (memory.ctypes.data + offset) % 16 // 8
    data = memory[start : start + 4].view("c16")
    x, y = wrap(np.array([1 + 2j, 3 - 4j], "c8")), shim.section(data, leaf)
    y.assign(x)
    assert data.tolist() == y.numpy().tolist() == [1 + 2j, 3 - 4j]
    binary(MUL, x, 2.0, into=y)
    assert data.tolist() == y.numpy().tolist() == [2 + 4j, 6 - 8j]


@pytest.mark.parametrize("graph", [0, 1])
@pytest.mark.parametrize("kind", ["attached", "declared"])
@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ((5,), (1, 5)),
        ((5,), (5, 1)),
        ((1, 5), (5,)),
        ((2, 1, 3), (2, 3)),
        ((2, 3), (1, 2, 1, 3, 1)),
        ((1,), ()),
        ((), (1, 1)),
        ((0, 1), (0,)),
    ],
)
def test_dimensions_of_one(graph: int, kind: str, value, shape, generator) -> None:
    x = wrap(np.array(generator.normal(size=value), order="F"), graph)
    y = target(kind, shape, "float64")
    binary(MUL, x, 2.0, into=y)
    assert y.shape() == list(shape)
    assert np.array_equal(y.numpy(), 2 * x.array.reshape(shape))
    if kind == "attached":
        assert np.array_equal(y.array, y.numpy())
    if graph:
        binary(MUL, y, 3.0).backward()
        assert np.array_equal(x.gradient().numpy(), np.full(value, 6.0))


@pytest.mark.parametrize("kind", ["attached", "declared"])
@pytest.mark.parametrize(
    ("value", "shape"),
    [((6,), (2, 3)), ((2, 3), (3, 2)), ((2, 3), (6,)), ((1,), (2,)), ((), (2,)), ((0, 2), (2, 0))],
)
def test_other_shapes(kind: str, value, shape) -> None:
    x, y = create(value, "float64"), target(kind, shape, "float64")
    text = [str(list(one)).replace("[", r"\[") for one in (value, shape)]
    with pytest.raises(ShimError, match=f"{text[0]}.*{text[1]}") as failure:
        binary(ADD, x, x, into=y)
    assert failure.value.status == "ft_shape_mismatch"
    assert not y.numpy().any()


@pytest.mark.parametrize("requires_grad", [0, 1])
@pytest.mark.parametrize("kind", ["attached", "declared"])
def test_float32_model_into_float64(
    kind: str, requires_grad: int, models: Path, generator
) -> None:
    x = np.asfortranarray(generator.normal(size=(5, 8)).astype("f4"))
    model, y = shim.load(models / "mlp_float32.pt"), target(kind, (5, 4), "float64")
    for _ in range(3):
        shim.forward(model, [wrap(x)], [y], requires_grad)
    reference = torch.jit.load(str(models / "mlp_float32.pt")).eval()
    expected = reference(torch.tensor(x))
    assert np.allclose(y.numpy(), expected.detach().numpy(), rtol=1e-6, atol=1e-7)
    assert np.array_equal(y.numpy(), y.numpy().astype("f4"))
    if requires_grad:
        y.backward()
        expected.sum().backward()
        got = shim.parameters(model, 6)[0].gradient().numpy()
        assert np.allclose(got, next(reference.parameters()).grad, rtol=1e-5, atol=1e-6)
    narrow, model = target(kind, (5, 4), "float32"), shim.load(models / "mlp_float64.pt")
    with pytest.raises(ShimError, match=r"float64.*float32"):
        shim.forward(model, [wrap(x.astype("f8"))], [narrow])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_assignment_loss_and_gradient(dtype: str) -> None:
    x = wrap(np.array([1.0, 2.0], dtype), 1)
    column, total = wrap(np.zeros((2, 1))), wrap(np.zeros((1, 1)))
    column.assign(x)
    assert column.array.tolist() == [[1], [2]]
    column.backward()
    x.gradient(into=column)
    assert column.array.tolist() == [[1], [1]]
    shim.loss(0, x, create([2], dtype), into=total)
    assert total.array.tolist() == [[0.5]]
    assert total.requires_grad()
    shim.unary(SUM, x, into=total)
    assert total.array.tolist() == [[3]]
    free = anything().assign(x)
    assert free.dtype() == dtype
    assert free.shape() == [2]


def test_array_of_another_kind_is_filled() -> None:
    x, data = wrap(np.array([1.0, 2.0], "f4")), np.zeros((2, 1))
    extents, strides = (shim.c_int64 * 15)(*data.shape), (shim.c_int64 * 15)(*data.strides)
    view = shim.View(data.ctypes.data, 8, 2, extents, strides)
    shim.call("ft_view_fill", shim.byref(view), x.handle, 7)
    assert data.tolist() == [[1], [2]]
    narrow, wide = np.zeros(2, "f4"), wrap(np.ones(2))
    view = shim.View(narrow.ctypes.data, 4, 1, (shim.c_int64 * 15)(2), (shim.c_int64 * 15)(4))
    with pytest.raises(ShimError, match="dtype float64, the array float32"):
        shim.call("ft_view_fill", shim.byref(view), wide.handle, 6)
