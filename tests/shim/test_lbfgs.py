# SPDX-License-Identifier: MIT
"""LBFGS against torch.optim.LBFGS: the loss is evaluated here whenever the step wants it."""

from __future__ import annotations

from ctypes import byref, c_int32, c_int64
from typing import Any

import numpy as np
import pytest
import torch

import shim
from catalog import optimizers
from shim import ADD, MUL, SUB, SUM, ShimError, Tensor, binary, call, unary, wrap

NUMBER, ROW = next(
    (number, row) for number, row in enumerate(optimizers.OPTIMIZERS) if row.name == "LBFGS"
)
VARIANTS: list[dict[str, Any]] = [
    {},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 7, "learning_rate": 0.5},
    {"learning_rate": 0.05, "max_iter": 4, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "max_eval": 4, "tolerance_grad": 1e-3},
    {"line_search_fn": "strong_wolfe", "tolerance_change": 1e-4},
]


def values(chosen: dict[str, Any]) -> list[float]:
    """Hyperparameters in the row's order."""
    found = []
    for one in ROW.hyperparameters:
        value = chosen.get(one.name, one.default_value)
        found.append(one.choices.index(value) if isinstance(value, str) else value)
    return found


def reference(chosen: dict[str, Any], leaves: list[torch.Tensor]) -> torch.optim.LBFGS:
    """The same optimizer of torch.optim."""
    python = {one.name: one.python for one in ROW.hyperparameters}
    return torch.optim.LBFGS(leaves, **{python[name]: one for name, one in chosen.items()})


class Problem:
    """(x*x - goal)^2 + coupling*(x - other)^2, not convex, over two parameters."""

    def __init__(self, dtype: str, generator: np.random.Generator) -> None:
        self.arrays = [generator.uniform(0.5, 2, (2, 3)).astype(dtype) for _ in range(2)]
        self.goal = generator.uniform(0.5, 2, (2, 3)).astype(dtype)
        self.ours = [wrap(np.asfortranarray(one.copy()), 1) for one in self.arrays]
        self.leaves = [torch.tensor(one, requires_grad=True) for one in self.arrays]
        self.wrapped_goal = wrap(np.asfortranarray(self.goal.copy()))

    def loss(self) -> Tensor:
        """Its value with gradients, by this library."""
        x, y = self.ours
        first = binary(SUB, binary(MUL, x, x), self.wrapped_goal)
        second = binary(SUB, x, y)
        total = binary(ADD, binary(MUL, first, first), binary(MUL, second, second))
        loss = unary(SUM, total)
        loss.backward()
        return loss

    def closure(self) -> torch.Tensor:
        """The same by PyTorch."""
        x, y = self.leaves
        for leaf in self.leaves:
            leaf.grad = None
        loss = ((x * x - torch.tensor(self.goal)) ** 2 + (x - y) ** 2).sum()
        loss.backward()
        return loss

    def step(self, optimizer: shim.Object) -> int:
        """One step; how often the loss was evaluated."""
        wants, is_first, evaluations = c_int32(1), 1, 0
        while wants.value:
            call("ft_optim_zero_gradient", optimizer.handle)
            loss = self.loss()
            evaluations += 1
            call("ft_optim_step_with", optimizer.handle, loss.handle, is_first, byref(wants))
            is_first = 0
        return evaluations


@pytest.mark.parametrize("chosen", VARIANTS, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
def test_steps_are_those_of_pytorch(dtype, tolerance, chosen, generator) -> None:
    problem = Problem(dtype, generator)
    ours = shim.optimizer(NUMBER, problem.ours, values(chosen))
    expected = reference(chosen, problem.leaves)
    state: dict[str, Any] = expected.state[problem.leaves[0]]
    for _ in range(200):
        before = state.get("func_evals", 0)
        evaluations = problem.step(ours)
        expected.step(problem.closure)
        if dtype == "float64":
            assert evaluations == state["func_evals"] - before
        for tensor, leaf in zip(problem.ours, problem.leaves):
            wanted = leaf.detach().numpy()
            assert np.abs(tensor.array - wanted).max() <= tolerance * np.abs(wanted).max()


def test_complex_parameters(generator) -> None:
    array = np.asfortranarray(generator.normal(size=(3, 2)) + 1j * generator.normal(size=(3, 2)))
    leaf = torch.tensor(np.ascontiguousarray(array), requires_grad=True)
    tensor = wrap(array, 1)
    chosen = {"line_search_fn": "strong_wolfe"}
    ours, expected = shim.optimizer(NUMBER, [tensor], values(chosen)), reference(chosen, [leaf])
    goal = np.asfortranarray(generator.normal(size=(3, 2)) + 0j)

    def closure() -> torch.Tensor:
        leaf.grad = None
        difference = leaf - torch.tensor(goal)
        loss = (difference * difference.conj()).real.sum()
        loss.backward()
        return loss

    for _ in range(3):
        wants, is_first = c_int32(1), 1
        while wants.value:
            call("ft_optim_zero_gradient", ours.handle)
            difference = binary(SUB, tensor, wrap(goal))
            numbers = difference.numpy()
            difference.backward(wrap(np.asfortranarray(2 * numbers)))
            loss = wrap(np.array((numbers * numbers.conj()).real.sum()))
            call("ft_optim_step_with", ours.handle, loss.handle, is_first, byref(wants))
            is_first = 0
        expected.step(closure)
        assert np.abs(array - leaf.detach().numpy()).max() < 1e-12


def test_step_without_a_closure_is_refused(generator) -> None:
    problem = Problem("float64", generator)
    optimizer = shim.optimizer(NUMBER, problem.ours, values({}))
    with pytest.raises(ShimError, match="torch_closure"):
        call("ft_optim_step", optimizer.handle)


def test_abandoned_step_leaves_everything_as_it_was(generator) -> None:
    problem = Problem("float64", generator)
    chosen = {"line_search_fn": "strong_wolfe"}
    optimizer = shim.optimizer(NUMBER, problem.ours, values(chosen))
    expected = reference(chosen, problem.leaves)
    for evaluations in range(1, 5):
        before = [one.array.copy() for one in problem.ours]
        wants = c_int32()
        for i in range(evaluations):
            call("ft_optim_zero_gradient", optimizer.handle)
            loss = problem.loss()
            call("ft_optim_step_with", optimizer.handle, loss.handle, int(i == 0), byref(wants))
            if not wants.value:
                break
        call("ft_optim_abandon_step", optimizer.handle)
        if wants.value:
            assert all(np.array_equal(a, b.array) for a, b in zip(before, problem.ours))
        else:
            expected.step(problem.closure)
    problem.step(optimizer)
    expected.step(problem.closure)
    for tensor, leaf in zip(problem.ours, problem.leaves):
        assert np.allclose(tensor.array, leaf.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("bad", ["shape", "complex", "empty"])
@pytest.mark.parametrize("evaluations", [1, 2, 4])
def test_loss_that_fails_leaves_everything_as_it_was(bad, evaluations, generator) -> None:
    problem = Problem("float64", generator)
    chosen = {"line_search_fn": "strong_wolfe"}
    optimizer = shim.optimizer(NUMBER, problem.ours, values(chosen))
    expected = reference(chosen, problem.leaves)
    losses = {"shape": wrap(np.ones(3)), "complex": wrap(np.array(1 + 1j)), "empty": Tensor()}
    before = [one.array.copy() for one in problem.ours]
    wants = c_int32()
    for i in range(evaluations):
        call("ft_optim_zero_gradient", optimizer.handle)
        loss = problem.loss() if i + 1 < evaluations else losses[bad]
        arguments = optimizer.handle, loss.handle, int(i == 0), byref(wants)
        if i + 1 < evaluations:
            call("ft_optim_step_with", *arguments)
            assert wants.value
        else:
            with pytest.raises(ShimError):
                call("ft_optim_step_with", *arguments)
    assert all(np.array_equal(a, b.array) for a, b in zip(before, problem.ours))
    problem.step(optimizer)
    expected.step(problem.closure)
    for tensor, leaf in zip(problem.ours, problem.leaves):
        assert np.allclose(tensor.array, leaf.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("evaluation", [1, 2, 3])
def test_nonfinite_loss_is_left_out(evaluation, generator) -> None:
    problem = Problem("float64", generator)
    optimizer = shim.optimizer(NUMBER, problem.ours, values({"line_search_fn": "strong_wolfe"}))
    call("ft_optim_skip_nonfinite", optimizer.handle, 1)
    before = [one.array.copy() for one in problem.ours]
    wants, evaluations = c_int32(1), 0
    while wants.value:
        call("ft_optim_zero_gradient", optimizer.handle)
        loss = problem.loss()
        evaluations += 1
        if evaluations == evaluation:
            loss = wrap(np.array(np.nan))
        call("ft_optim_step_with", optimizer.handle, loss.handle, evaluations == 1, byref(wants))
    count = c_int64()
    call("ft_optim_skipped", optimizer.handle, byref(count))
    assert (evaluations, count.value) == (evaluation, 1)
    assert all(np.array_equal(a, b.array) for a, b in zip(before, problem.ours))


@pytest.mark.parametrize("search", ["none", "strong_wolfe"])
def test_learning_rate_of_zero_moves_nothing(search, generator) -> None:
    problem = Problem("float64", generator)
    chosen = {"line_search_fn": search, "learning_rate": 0.0}
    optimizer = shim.optimizer(NUMBER, problem.ours, values(chosen))
    before = [one.array.copy() for one in problem.ours]
    for _ in range(3):
        problem.step(optimizer)
    assert all(np.array_equal(a, b.array) for a, b in zip(before, problem.ours))


@pytest.mark.parametrize("name", ["max_iter", "max_eval", "history_size"])
def test_counts_are_bounded(name) -> None:
    with pytest.raises(ShimError, match=f"{name} is 1e\\+300"):
        shim.optimizer(NUMBER, [wrap(np.ones(2), 1)], values({name: 1e300}))


def test_other_optimizers_evaluate_once(generator) -> None:
    problem = Problem("float64", generator)
    optimizer = shim.optimizer(0, problem.ours, [0.01, 0, 0, 0, 0, 0])
    expected = torch.optim.SGD(problem.leaves, lr=0.01)
    for _ in range(3):
        assert problem.step(optimizer) == 1
        expected.step(problem.closure)
    for tensor, leaf in zip(problem.ours, problem.leaves):
        assert np.allclose(tensor.array, leaf.detach().numpy(), rtol=1e-14)


def test_loss_that_is_no_number(generator) -> None:
    problem = Problem("float64", generator)
    optimizer = shim.optimizer(NUMBER, problem.ours, values({}))
    with pytest.raises(ShimError, match="one real number"):
        call("ft_optim_step_with", optimizer.handle, problem.ours[0].handle, 1, byref(c_int32()))
    loss = wrap(np.array(1.0))
    with pytest.raises(ShimError, match="under way"):
        call("ft_optim_step_with", optimizer.handle, loss.handle, 0, byref(c_int32()))


@pytest.mark.parametrize("other", ["float32", "complex64"])
def test_parameters_of_two_precisions(other) -> None:
    tensors = [wrap(np.ones(2), 1), wrap(np.ones(2, other), 1)]
    with pytest.raises(ShimError, match=r"parameters\(2\) and parameters\(1\) differ"):
        shim.optimizer(NUMBER, tensors, values({}))
