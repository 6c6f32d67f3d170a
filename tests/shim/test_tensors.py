# SPDX-License-Identifier: MIT
"""Tensors made, asked, copied and cleared."""

from __future__ import annotations

from ctypes import byref

import numpy as np
import pytest
import torch

import shim
from shim import ADD, MUL, ShimError, Tensor, binary, call, create, from_blob, options, wrap


@pytest.mark.parametrize("dtype", sorted(shim.DTYPES))
@pytest.mark.parametrize("shape", [[], [3], [2, 3], [2, 0, 4], [1] * 15])
def test_create(dtype: str, shape: list[int]) -> None:
    for fill, number in [(1, 0), (2, 1)]:
        made = create(shape, dtype, fill)
        assert (made.shape(), made.dtype(), made.rank()) == (shape, dtype, len(shape))
        assert np.array_equal(made.numpy(), np.full(shape, number, dtype))
    assert create(shape, dtype, 0).shape() == shape


@pytest.mark.parametrize(
    ("shape", "ndims", "part"),
    [([2, -3], 2, "-3"), ([2, 3], 3, "ndims is 3"), ([1 << 40] * 2, 2, "counted")],
)
def test_shapes_that_are_none(shape: list[int], ndims: int, part: str) -> None:
    place, numbers = options("float32"), shim.extents(shape)
    with pytest.raises(ShimError, match=part) as failure:
        call(
            "ft_tensor_create",
            1,
            ndims,
            numbers,
            shim.c_int64(len(shape)),
            byref(place),
            Tensor().target,
        )
    assert failure.value.status == "ft_invalid_argument"
    with pytest.raises(ShimError, match=part):
        from_blob(np.zeros(1, "f4"), shape, range(1, len(shape) + 1), place, ndims)


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_gradients_need_real_or_complex(dtype: str) -> None:
    with pytest.raises(ShimError, match="requires_grad") as failure:
        create([2], dtype, requires_grad=1)
    assert failure.value.status == "ft_dtype_mismatch"


@pytest.mark.parametrize("layout", [[1, 2, 3], [3, 2, 1], [2, 3, 1]])
def test_blob_layout(layout: list[int]) -> None:
    shape = [2, 3, 4]
    data = np.arange(24, dtype="f8")
    tensor = from_blob(data, shape, layout, options("float64"))
    fastest_last = [axis - 1 for axis in reversed(layout)]
    stored = data.reshape([shape[axis] for axis in fastest_last])
    expected = stored.transpose(np.argsort(fastest_last))
    assert np.array_equal(tensor.numpy(), expected)
    assert tensor.strides() == [stride // 8 for stride in expected.strides]


@pytest.mark.parametrize("layout", [[1, 1], [0, 1], [1, 5], [2]])
def test_layouts_that_are_no_permutation(layout: list[int]) -> None:
    with pytest.raises(ShimError, match="layout") as failure:
        from_blob(np.zeros(4, "f4"), [2, 2], layout, options("float32"))
    assert failure.value.status == "ft_invalid_argument"


def test_blob_without_memory() -> None:
    with pytest.raises(ShimError, match="data is a null pointer"):
        from_blob(None, [2], [1], options("float32"))
    assert from_blob(None, [0, 2], [1, 2], options("float32")).shape() == [0, 2]


def test_text_is_that_of_pytorch() -> None:
    got = wrap(np.array([[1.0, 2.0], [3.0, 4.0]], "f4", order="F")).text()
    kind = "[ CPUFloatType{2,2} ] float32, shape [2, 2], cpu"
    assert got.split() == ["1", "2", "3", "4", *kind.split()]


def test_dtype_without_constant() -> None:
    half = create([2], 5)
    assert half.rank() == 1
    code = shim.c_int32()
    call("ft_tensor_dtype", half.handle, byref(code))
    assert code.value == 5


def test_assignment_copies() -> None:
    a, b = create([2]), Tensor()
    b.assign(a)
    a.zero()
    assert a.numpy().tolist() == [0, 0]
    assert b.numpy().tolist() == [1, 1]
    b.assign(b)
    assert b.numpy().tolist() == [1, 1]


def test_assignment_of_nothing_empties() -> None:
    assert create([2]).assign(Tensor()).handle.value is None
    assert Tensor().assign(Tensor()).handle.value is None


def test_assignment_of_nothing_to_an_array() -> None:
    attached = wrap(np.array([1.0, 2.0]))
    with pytest.raises(ShimError, match="right-hand side holds nothing"):
        attached.assign(Tensor())
    assert attached.numpy().tolist() == [1, 2]


def test_assignment_replaces_shape_and_dtype() -> None:
    a = create([2]).assign(create([3, 1], "int64"))
    assert (a.shape(), a.dtype()) == ([3, 1], "int64")


def test_result_keeps_declared_shape_and_dtype() -> None:
    declared = create([2])
    for wrong, status in [
        (create([3]), "ft_shape_mismatch"),
        (create([2], "float64"), "ft_dtype_mismatch"),
    ]:
        with pytest.raises(ShimError) as failure:
            binary(ADD, wrong, wrong, into=declared)
        assert failure.value.status == status
    assert declared.numpy().tolist() == [1, 1]
    free = Tensor()
    free.assign(declared)
    binary(ADD, create([3], "float64"), 1, into=free)
    assert (free.shape(), free.dtype()) == ([3], "float64")


def test_temporary_is_shared_and_nobody_can_tell() -> None:
    a = create([2])
    temporary = binary(MUL, a, 3.0)
    b, c = Tensor().assign(temporary), Tensor().assign(temporary)
    b.zero()
    assert (b.numpy().tolist(), c.numpy().tolist()) == ([0, 0], [3, 3])


def test_assignment_stays_in_the_graph() -> None:
    a = create([2], requires_grad=1)
    b = Tensor().assign(a)
    assert b.requires_grad()
    with pytest.raises(ShimError, match="leaf"):
        b.gradient()
    binary(MUL, b, b).backward()
    assert a.gradient().numpy().tolist() == [2, 2]


def test_to_converts() -> None:
    source, target = wrap(np.array([1.5, 2.5], "f4")), create([2], "int32")
    call("ft_tensor_to", source.handle, target.target, 0, 1)
    assert target.numpy().tolist() == [1, 2]
    longer = create([3])
    with pytest.raises(ShimError) as failure:
        call("ft_tensor_to", source.handle, longer.target, 0, 0)
    assert failure.value.status == "ft_shape_mismatch"
    same = create([2])
    call("ft_tensor_to", source.handle, same.target, 0, 0)
    source.array[:] = 9
    assert same.numpy().tolist() == [1.5, 2.5]


def test_zero_of_a_leaf() -> None:
    a = create([2], requires_grad=1)
    a.zero()
    assert a.requires_grad()
    assert a.numpy().tolist() == [0, 0]
    binary(MUL, a, a).backward()
    assert a.gradient().numpy().tolist() == [0, 0]


def test_zero_of_a_result_leaves_the_graph_alone() -> None:
    a = create([3], requires_grad=1)
    b = binary(MUL, a, 2.0)
    c = binary(MUL, b, b)
    b.zero()
    assert not b.requires_grad()
    c.backward()
    assert a.gradient().numpy().tolist() == [8, 8, 8]


@pytest.mark.parametrize("shape", [(70, 33), (5, 1, 40, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "float64", "complex128"])
def test_copies_between_layouts(
    shape: tuple[int, ...], dtype: str, generator: np.random.Generator
) -> None:
    values = generator.integers(-100, 100, shape).astype(dtype)
    for order in "CF":
        source = wrap(np.array(values, order=order))
        for wanted in "CF":
            target = wrap(np.zeros(shape, dtype, order=wanted))
            target.assign(source)
            assert np.array_equal(target.array, values)


def test_assignment_between_overlapping_arrays() -> None:
    data = np.arange(10, dtype="f4")
    source, target = wrap(data[:-1]), wrap(data[1:])
    target.assign(source)
    assert data.tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]


def test_numbers_are_those_of_pytorch() -> None:
    a = wrap(np.array([1.0, 2.0], "f4"))
    assert np.array_equal(a.numpy(), torch.tensor([1.0, 2.0]).numpy())
