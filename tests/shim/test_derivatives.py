# SPDX-License-Identifier: MIT
"""Derivatives as results, against torch.autograd and torch.func."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import byref, c_double, c_int64

import numpy as np
import pytest
import torch

from shim import ADD, DIV, MEAN, MUL, NEG, POW, SUM, Tensor, binary, call, handles, unary, wrap


def grad(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    seeds: Sequence[Tensor] = (),
    create_graph: int = 0,
) -> list[Tensor]:
    """ft_grad into new tensors."""
    results = [Tensor() for _ in inputs]
    memory = handles(results)
    sizes = [c_int64(len(one)) for one in (outputs, inputs, seeds)]
    call(
        *("ft_grad", handles(outputs), sizes[0], handles(inputs), sizes[1]),
        *(handles(seeds), sizes[2], 1, create_graph, 0, memory, sizes[1]),
    )
    for result, handle in zip(results, memory):
        result.handle.value = handle
    return results


def product(entry: str, output: Tensor, input: Tensor, vector: Tensor) -> Tensor:
    """ft_vjp, ft_jvp or ft_hvp."""
    result = Tensor()
    call(entry, output.handle, input.handle, vector.handle, result.target)
    return result


def ours(x: Tensor, y: Tensor) -> Tensor:
    """Something nonlinear that broadcasts."""
    return binary(ADD, binary(DIV, binary(POW, x, 3.0), binary(ADD, binary(MUL, y, y), 1.0)), y)


def theirs(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x**3 / (y * y + 1) + y


SHAPES = [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((4, 1), (1, 5)), ((0, 3), (3,))]


@pytest.fixture(params=SHAPES, ids=str)
def arrays(request: pytest.FixtureRequest) -> list[np.ndarray]:
    numbers = np.random.default_rng(3)
    return [np.asfortranarray(numbers.normal(size=shape)) for shape in request.param]


def both(arrays: list[np.ndarray]):
    """The same leaves on either side, attached to arrays here."""
    return (
        [wrap(one.copy(order="F"), 1) for one in arrays],
        [torch.tensor(one, requires_grad=True) for one in arrays],
    )


def same(got: Tensor, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(got.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_gradients_of_two_outputs(arrays) -> None:
    (x, y), (u, v) = both(arrays)
    seeds = [np.asfortranarray(np.full(np.broadcast(*arrays).shape, k)) for k in (2.0, -3.0)]
    got = grad([ours(x, y), binary(MUL, x, y)], [x, y], [wrap(one) for one in seeds])
    expected = torch.autograd.grad([theirs(u, v), u * v], [u, v], [torch.tensor(s) for s in seeds])
    for one, other in zip(got, expected):
        same(one, other)
        assert not one.requires_grad()


def test_second_derivatives(arrays) -> None:
    (x, y), (u, v) = both(arrays)
    first = grad([unary(SUM, ours(x, y))], [x, y], create_graph=1)
    other = torch.autograd.grad(theirs(u, v).sum(), [u, v], create_graph=True)
    for one, reference in zip(first, other):
        for second, expected in zip(
            grad([one], [x, y]),
            torch.autograd.grad(reference.sum(), [u, v], retain_graph=True),
        ):
            same(second, expected)


@pytest.mark.parametrize("entry", ["vjp", "jvp"])
def test_products(arrays, entry: str) -> None:
    (x, y), (u, v) = both(arrays)
    numbers = np.random.default_rng(4)
    shape = np.broadcast(*arrays).shape if entry == "vjp" else arrays[0].shape
    vector = np.asfortranarray(numbers.normal(size=shape))
    got = product(f"ft_{entry}", ours(x, y), x, wrap(vector))
    function: Callable = getattr(torch.func, entry)
    if entry == "vjp":
        pull = function(lambda t: theirs(t, v.detach()), u.detach())[1]
        expected = pull(torch.tensor(vector))[0]
    else:
        tangent = (torch.tensor(vector),)
        expected = function(lambda t: theirs(t, v.detach()), (u.detach(),), tangent)[1]
    same(got, expected)


def test_hessian_product_and_jacobian(arrays) -> None:
    (x, y), (u, v) = both(arrays)
    vector = np.asfortranarray(np.random.default_rng(5).normal(size=arrays[0].shape))
    loss = unary(SUM, binary(MUL, ours(x, y), x))
    same(
        product("ft_hvp", loss, x, wrap(vector)),
        torch.autograd.functional.hvp(
            lambda t: (theirs(t, v.detach()) * t).sum(), u.detach(), torch.tensor(vector)
        )[1],
    )
    result, output = Tensor(), ours(x, y)
    call("ft_jacobian", output.handle, x.handle, result.target)
    same(result, torch.func.jacrev(lambda t: theirs(t, v.detach()))(u.detach()))


def test_complex_products() -> None:
    numbers = np.random.default_rng(6)
    a, vector = (numbers.normal(size=3) + 1j * numbers.normal(size=3) for _ in range(2))
    x, u = wrap(a.copy(), 1), torch.tensor(a, requires_grad=True)
    cube = binary(MUL, binary(MUL, x, x), x)
    same(product("ft_vjp", cube, x, wrap(vector)), (3 * u**2).conj() * torch.tensor(vector))
    same(product("ft_jvp", cube, x, wrap(vector)), 3 * u**2 * torch.tensor(vector))
    difference = c_double(-1)
    call("ft_dot_product_test", cube.handle, x.handle, c_int64(1), byref(difference))
    assert 0 <= difference.value < 1e-13


def test_gradients_share_no_memory() -> None:
    x, y = (wrap(np.ones(3), 1) for _ in range(2))
    seed = wrap(np.array([1.0, 2.0, 3.0]))
    one, other = grad([binary(ADD, x, y)], [x, y], [seed])
    one.zero()
    seed.array[:] = 7
    assert other.numpy().tolist() == [1, 2, 3]


def test_expanded_gradient_has_elements_of_its_own() -> None:
    x = wrap(np.ones((2, 3), order="F"), 1)
    (got,) = grad([unary(NEG, unary(MEAN, x))], [x])
    assert got.strides() == [3, 1]
    assert got.numpy().ravel() == pytest.approx([-1 / 6] * 6)
