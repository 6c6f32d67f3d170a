# SPDX-License-Identifier: MIT
"""All parameters, or gradients, to and from one vector, against torch.nn.utils; gradients set."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from model_parts import all_parameters, from_vector, set_gradient, sgd, to_vector
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import shim
from shim import ShimError, create, forward, load, wrap


def both(models):
    """One network for the library and for PyTorch."""
    path = models / "mlp_float32.pt"
    return load(path), torch.jit.load(str(path))


def size_of(reference) -> int:
    return sum(one.numel() for one in reference.parameters())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_to_vector(models, dtype) -> None:
    model, reference = both(models)
    array = np.zeros(size_of(reference), dtype)
    to_vector(all_parameters(model), wrap(array))
    expected = parameters_to_vector(reference.parameters()).detach().numpy()
    assert np.array_equal(array, expected)


def test_vector_to_parameters(models, generator) -> None:
    model, reference = both(models)
    array = generator.normal(size=size_of(reference)).astype(np.float32)
    parameters = all_parameters(model)
    optimizer = sgd(parameters, 0.5)
    from_vector(parameters, wrap(array))
    vector_to_parameters(torch.from_numpy(array), reference.parameters())
    x, y = create([5, 8]), create([5, 4])
    forward(model, [x], [y], requires_grad=1)
    expected = reference(torch.ones(5, 8))
    assert np.array_equal(y.numpy(), expected.detach().numpy())
    shim.unary(shim.SUM, y).backward()
    expected.sum().backward()
    shim.call("ft_optim_step", optimizer.handle)
    got = np.zeros_like(array)
    to_vector(all_parameters(model), wrap(got))
    gradients = torch.cat([one.grad.reshape(-1) for one in reference.parameters()])
    assert np.allclose(got, array - 0.5 * gradients.numpy(), rtol=1e-6, atol=1e-6)


def test_attached_leaves_in_both_orders_of_memory() -> None:
    f = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    c = np.arange(6.0, 12.0).reshape(2, 3)
    single = np.array([3.5], np.float32)
    parameters = [wrap(f, 1), wrap(c, 1), wrap(single)]
    array = np.zeros(26)[::2]
    to_vector(parameters, shim.section(array))
    assert np.array_equal(array, [*range(12), 3.5])
    values = np.arange(13.0, dtype=np.float64) * 2
    with pytest.raises(
        ShimError, match=r"parameters\(3\): .* float32, array float64: numbers may"
    ):
        from_vector(parameters, wrap(values))
    assert np.array_equal(f.ravel(), range(6))
    from_vector(parameters, wrap(values.astype(np.float32)))
    assert np.array_equal(np.concatenate([f.ravel(), c.ravel(), single]), values)


def test_a_graph_that_needs_the_old_numbers_fails() -> None:
    weight = wrap(np.ones(2), 1)
    product = shim.binary(shim.MUL, weight, weight)
    from_vector([weight], wrap(np.array([5.0, 6.0])))
    with pytest.raises(ShimError, match="modified by an inplace operation"):
        shim.unary(shim.SUM, product).backward()


def test_gradients(models) -> None:
    model, reference = both(models)
    parameters = all_parameters(model)
    array = np.full(size_of(reference), 7, np.float32)
    with pytest.raises(ShimError, match="none has a gradient") as failure:
        to_vector(parameters, wrap(array), gradients=True)
    assert failure.value.status == "ft_autograd_error"
    assert (array == 7).all()
    x, y = create([5, 8]), create([5, 4])
    forward(model, [x], [y], requires_grad=1)
    shim.unary(shim.SUM, y).backward()
    reference(torch.ones(5, 8)).sum().backward()
    to_vector(parameters, wrap(array), gradients=True)
    expected = torch.cat([one.grad.reshape(-1) for one in reference.parameters()]).numpy()
    assert np.allclose(array, expected, rtol=1e-6, atol=1e-7)
    from_vector(parameters, wrap(array * 2), gradients=True)
    assert np.array_equal(parameters[0].gradient().numpy().ravel(), 2 * array[: 8 * 32])


def test_a_parameter_without_a_gradient_counts_as_zeros() -> None:
    a, b = wrap(np.ones(2), 1), wrap(np.ones(3), 1)
    set_gradient(b, wrap(np.array([1.0, 2.0, 3.0])))
    array = np.full(5, 9.0)
    to_vector([a, b], wrap(array), gradients=True)
    assert np.array_equal(array, [0, 0, 1, 2, 3])
    with pytest.raises(ShimError, match="without requires_grad"):
        to_vector([wrap(np.ones(5))], wrap(array), gradients=True)


@pytest.mark.parametrize("gradients", [False, True])
def test_sizes_that_differ(gradients) -> None:
    one = wrap(np.ones(2), 1)
    set_gradient(one, create([2], "float64"))
    for size in (1, 3, 0):
        array = np.full(size, 4.0)
        for function in (to_vector, from_vector):
            with pytest.raises(
                ShimError, match=f"array has {size} elements; the parameters have 2 altogether"
            ) as failure:
                function([one], wrap(array), gradients)
            assert failure.value.status == "ft_shape_mismatch"
        assert (array == 4).all()
    assert np.array_equal(one.array, [1, 1])
    empty = np.zeros(0)
    to_vector([], wrap(empty), gradients)
    from_vector([], wrap(empty), gradients)


def test_numbers_that_would_be_lost() -> None:
    for dtype in ("float64", "complex64", "int64"):
        array = np.full(2, 4, np.float32)
        with pytest.raises(ShimError, match=f"dtype {dtype}, array float32") as failure:
            to_vector([create([2], dtype)], wrap(array))
        assert failure.value.status == "ft_dtype_mismatch"
        assert (array == 4).all()


def test_results_are_no_parameters() -> None:
    leaf = wrap(np.ones(2), 1)
    result = shim.binary(shim.MUL, leaf, 2.0)
    with pytest.raises(ShimError, match=r"parameters\(2\): the tensor is no parameter"):
        from_vector([leaf, result], wrap(np.zeros(4)))
    assert np.array_equal(leaf.array, [1, 1])


def test_a_gradient_that_is_set() -> None:
    numbers = np.array([1.0, -2.0])
    weight, gradient = wrap(np.ones(2), 1), wrap(numbers)
    set_gradient(weight, gradient)
    numbers[:] = 0
    assert np.array_equal(weight.gradient().numpy(), [1, -2])
    shim.unary(shim.SUM, weight).backward()
    assert np.array_equal(weight.gradient().numpy(), [2, -1])
    optimizer = sgd([weight], 0.5)
    shim.call("ft_optim_step", optimizer.handle)
    assert np.array_equal(weight.array, [0, 1.5])
    set_gradient(weight, wrap(np.array([4.0, 4.0])))
    shim.call("ft_optim_step", optimizer.handle)
    assert np.array_equal(weight.array, [-2, -0.5])
    assert np.array_equal(numbers, [0, 0])


def test_gradients_that_do_not_fit() -> None:
    weight = wrap(np.ones((2, 3)), 1)
    result = shim.binary(shim.MUL, weight, 2.0)
    for tensor, gradient, status, message in [
        (weight, create([3, 2], "float64"), "ft_shape_mismatch", r"\[3, 2\], the tensor \[2, 3\]"),
        (weight, create([2, 3]), "ft_dtype_mismatch", "gradient has dtype float32"),
        (create([2, 3]), create([2, 3]), "ft_autograd_error", "without requires_grad"),
        (result, create([2, 3], "float64"), "ft_autograd_error", "no leaf"),
        (weight, shim.Tensor(), "ft_invalid_argument", "gradient holds nothing"),
    ]:
        with pytest.raises(ShimError, match=message) as failure:
            set_gradient(tensor, gradient)
        assert failure.value.status == status
    with pytest.raises(ShimError, match="no gradient"):
        weight.gradient()
