# SPDX-License-Identifier: MIT
"""Sessions: the numbers of PyTorch, whose memory is used, and what may happen between runs."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest
import torch
from exported import export, given, leaves
from exported_networks import CASES
from sessions import ROWS, bind, expected, fortran, make, mlp, rebind, run
from torch import nn
from torch.utils._pytree import tree_leaves

import shim
from shim import ShimError, Tensor, create, load, parameters, section, wrap

__all__ = ["make"]

BFLOAT16 = 15


@pytest.mark.parametrize("rows", [1, 2, 5, 700])
def test_runs_with_the_numbers_of_the_moment(make, rows: int, generator) -> None:
    module = mlp()
    model = make(module, torch.zeros(3, 8), dynamic=(ROWS,))
    x, y = fortran([rows, 8]), fortran([rows, 4], fill=7)
    session = bind(model, [section(x)], [section(y)])
    assert (y == 7).all()
    gc.collect()  # the tensors are gone, the arrays stay
    for _ in range(4):
        x[...] = generator.normal(size=x.shape)
        run(session)
        np.testing.assert_allclose(y, expected(module, x), atol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_results_are_those_of_forward(name: str, tmp_path: Path) -> None:
    """To the bit, with the numbers and sizes of the run."""
    case = CASES[name]
    module = case.make().eval()
    inputs = case.inputs()
    path = export(module, inputs, tmp_path / "model.pt2", case.dynamic, case.kwargs)
    model = load(path)
    tensors = given([one for one in tree_leaves((inputs, case.kwargs)) if is_given(one)])
    direct, bound = (
        [
            wrap(np.zeros_like(one.detach().numpy()))
            for one in leaves(module(*inputs, **case.kwargs))
        ]
        for _ in range(2)
    )
    session = bind(model, tensors, bound)
    for _ in range(2):
        shim.forward(model, tensors, direct)
        run(session)
        for one, other in zip(direct, bound):
            assert one.array.tobytes() == other.array.tobytes()
        if tensors[0].array.dtype == np.float32:
            tensors[0].array[...] *= 2


def is_given(value: Any) -> bool:
    return value is not None and not isinstance(value, str)


def test_sections_get_nothing_beside_them(make, generator) -> None:
    module = mlp()
    model = make(module, torch.zeros(5, 8), dynamic=(ROWS,))
    x, y = fortran([10, 16]), fortran([10, 8], fill=-1)
    x[...] = generator.normal(size=x.shape)
    run(bind(model, [section(x[::2, ::2])], [section(y[1::2, ::2])]))
    np.testing.assert_allclose(y[1::2, ::2], expected(module, x[::2, ::2]), atol=2e-6)
    assert (y[::2] == -1).all()
    assert (y[:, 1::2] == -1).all()


def test_model_lives_as_long_as_its_session(make) -> None:
    model = make(networks.Scaling(), torch.zeros(2))
    x, y = fortran([2], fill=3), fortran([2])
    session = bind(model, [wrap(x)], [wrap(y)])
    shim.call("ft_release", model.handle)
    run(session)
    assert y.tolist() == [6, 6]


def test_what_was_learned_is_used(make) -> None:
    model = make(networks.Scaling(), torch.zeros(2))
    x, y = fortran([2], fill=3), fortran([2])
    session = bind(model, [wrap(x)], [wrap(y)])
    run(session)
    (scale,) = parameters(model, 1)
    optimizer = shim.optimizer(0, [scale], [0.5, 0, 0, 0, 0, 0])
    out = shim.anything([2])
    shim.forward(model, [wrap(x)], [out], requires_grad=1)
    shim.loss(0, out, create([2], fill=1)).backward()
    shim.call("ft_optim_step", optimizer.handle)
    run(session)
    assert scale.numpy().tolist() == [-16]
    assert y.tolist() == [-48, -48]


def test_model_trains_after_sessions(make) -> None:
    """What a session makes in inference mode never gets into a graph."""
    module = mlp()
    model = make(module, torch.zeros(5, 8))
    x, y = fortran([5, 8], fill=0.5), fortran([5, 4])
    session = bind(model, [wrap(x)], [wrap(y)])
    weights = parameters(model, 6)
    for _ in range(3):
        run(session)
        out = shim.anything([5, 4])
        shim.forward(model, [wrap(x)], [out], requires_grad=1)
        shim.unary(shim.SUM, out).backward()
    loss = module(torch.full((5, 8), 0.5)).sum()
    for weight, reference in zip(weights, torch.autograd.grad(loss, list(module.parameters()))):
        np.testing.assert_allclose(weight.gradient().numpy(), 3 * reference.numpy(), rtol=1e-5)


def test_mode_is_that_of_the_run(make) -> None:
    module = networks.Normalised().eval()
    model = make(module, torch.zeros(6, 4))
    x = np.asfortranarray(np.arange(24, dtype=np.float32).reshape(6, 4))
    y = fortran([6, 4])
    session = bind(model, [wrap(x)], [wrap(y)])
    run(session)
    np.testing.assert_allclose(y, expected(module, x), atol=1e-6)
    state = torch.random.get_rng_state()
    shim.call("ft_manual_seed", shim.c_int64(5))
    shim.call("ft_model_train", model.handle, 1)
    run(session)
    shim.call("ft_model_train", model.handle, 0)
    torch.manual_seed(5)
    module.train()
    np.testing.assert_allclose(y, expected(module, x), atol=1e-6)
    module.eval()
    run(session)
    np.testing.assert_allclose(y, expected(module, x), atol=1e-6)
    torch.random.set_rng_state(state)


def test_binding_changes_nothing(make) -> None:
    """Neither statistics nor random numbers nor outputs, in training."""
    model = make(networks.Normalised(), torch.zeros(6, 4))
    shim.call("ft_model_train", model.handle, 1)
    x, y = fortran([6, 4], fill=2), fortran([6, 4], fill=9)
    before = torch.random.get_rng_state()
    mean = Tensor()
    name = b"norm.running_mean"
    shim.call("ft_model_tensor", model.handle, name, shim.c_int64(len(name)), 1, mean.target)
    bind(model, [wrap(x)], [wrap(y)])
    assert torch.equal(torch.random.get_rng_state(), before)
    assert mean.numpy().tolist() == [0, 0, 0, 0]
    assert (y == 9).all()


def test_state_goes_on_with_each_run(models: Path) -> None:
    model = load(models / "delay.pt")
    x, y = fortran([2], np.float64, 1), fortran([2], np.float64, 9)
    session = bind(model, [wrap(x)], [wrap(y)])
    seen = []
    for number in (1, 2, 3):
        x[...] = number
        run(session)
        seen.append(y.tolist())
    assert seen == [[0, 0], [1, 1], [2, 2]]


def test_inputs_that_a_model_writes_follow(models: Path) -> None:
    model = load(models / "doubling.pt")
    x, y = fortran([2], np.float64, 1), fortran([2], np.float64)
    tensor = wrap(x)
    session = bind(model, [tensor], [wrap(y)])
    assert x.tolist() == [1, 1]
    for value in (2, 4):
        run(session)
        assert x.tolist() == tensor.numpy().tolist() == [value, value]
        assert y.tolist() == [value + 1, value + 1]


def test_results_that_share_memory(models: Path) -> None:
    x = fortran([2], np.float64, 3)
    results = [fortran([2], np.float64), fortran([2], np.float64), fortran([1], np.float64)]
    run(bind(load(models / "twin.pt"), [wrap(x)], [wrap(one) for one in results]))
    assert [one.tolist() for one in results] == [[6, 6], [6, 6], [6]]


def test_result_that_is_the_input_before_it_is_written(make) -> None:
    """The first output goes over the input, the second result is the input itself."""

    class Back(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return x + 1, x

    x, y = fortran([3], fill=5), fortran([3])
    run(bind(make(Back(), torch.zeros(3)), [wrap(x)], [wrap(x), wrap(y)]))
    assert (x.tolist(), y.tolist()) == ([6] * 3, [5] * 3)


def test_output_over_the_input(make) -> None:
    x = fortran([2], fill=1)
    session = bind(make(networks.Scaling(), torch.zeros(2)), [wrap(x)], [wrap(x)])
    for _ in range(3):
        run(session)
    assert x.tolist() == [8, 8]


def test_what_a_model_owns_is_copied(models: Path) -> None:
    x = fortran([2], np.float64, 1)
    results = [fortran([2], np.float64) for _ in range(5)]
    model = load(models / "passing.pt")
    session = bind(model, [wrap(x)], [wrap(one) for one in results])
    run(session)
    assert [one.tolist() for one in results] == [[1, 1], [3, 4], [5, 6], [7, 8], [2, 2]]
    results[1][...] = 0
    run(session)
    assert results[1].tolist() == [3, 4]


def test_other_tensors_over_the_array_see_the_result(make) -> None:
    model = make(networks.Scaling(), torch.zeros(2))
    x, y = fortran([2], fill=3), fortran([2])
    output, other = wrap(y), wrap(y)
    session = bind(model, [wrap(x)], [output])
    shim.forward(model, [wrap(x)], [output], requires_grad=1)
    assert output.requires_grad()
    x[...] = 4
    run(session)
    assert output.numpy().tolist() == other.numpy().tolist() == [8, 8]
    assert not output.requires_grad()


def test_graph_keeps_what_it_saved_of_an_output(make) -> None:
    model = make(networks.Scaling(), torch.zeros(2))
    x, y = fortran([2], fill=3), fortran([2], fill=5)
    output, weight = wrap(y), create([2], requires_grad=1)
    session = bind(model, [wrap(x)], [output])
    product = shim.binary(shim.MUL, output, weight)
    run(session)
    shim.unary(shim.SUM, product).backward()
    assert weight.gradient().numpy().tolist() == [5, 5]


def test_leaf_over_an_output_fails_backward(make) -> None:
    model = make(networks.Scaling(), torch.zeros(2))
    x, y = fortran([2], fill=3), fortran([2], fill=5)
    leaf = wrap(y, requires_grad=1)
    square = shim.unary(shim.SUM, shim.binary(shim.MUL, leaf, leaf))
    run(bind(model, [wrap(x)], [wrap(y)]))
    with pytest.raises(ShimError, match="modified by an inplace operation"):
        square.backward()


def test_tensors_without_arrays(make) -> None:
    model = make(networks.Scaling(), torch.zeros(2))
    x, y = create([2]), create([2])
    session = bind(model, [x], [y])
    run(session)
    kept = Tensor().assign(y)
    shim.binary(shim.ADD, x, x, into=x)
    run(session)
    assert (kept.numpy().tolist(), y.numpy().tolist()) == ([2, 2], [4, 4])
    # A result is a tensor like any other, which may be part of a graph.
    weight = create([2], requires_grad=1)
    shim.unary(shim.SUM, shim.binary(shim.MUL, y, weight)).backward()
    assert weight.gradient().numpy().tolist() == [4, 4]
    shim.call("ft_release", x.handle)
    with pytest.raises(ShimError, match=r"inputs\(1\).*released"):
        run(session)
    assert y.numpy().tolist() == [4, 4]
    z = fortran([2], np.float32, 3)
    with pytest.raises(
        ShimError, match=r"inputs\(1\): it has shape \[2, 2\].*there has shape \[2\]"
    ):
        rebind(session, 1, fortran([2, 2]))
    rebind(session, 1, z)
    run(session)
    assert y.numpy().tolist() == [6, 6]


def test_array_at_an_odd_address(make) -> None:
    """LibTorch's kernels for complex128 want multiples of 16 bytes."""

    class Turn(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 1j

    model = make(Turn(), torch.zeros(3, dtype=torch.complex128))
    memory = np.zeros(14, np.float64)
    first = 1 if memory.ctypes.data % 16 == 0 else 0
    x = memory[first : first + 6].view(np.complex128)
    y = memory[first + 6 : first + 12].view(np.complex128)
    session = bind(model, [section(x)], [section(y)])
    for number in (1, 2):
        x[...] = number
        run(session)
        assert y.tolist() == [number * 1j] * 3


def test_failed_run_writes_nothing_and_the_next_one_works(models: Path) -> None:
    model = load(models / "failing.pt")
    x, y = fortran([2], fill=1), fortran([2], fill=9)
    session = bind(model, [wrap(x)], [wrap(y)])
    x[0] = -1
    with pytest.raises(ShimError, match="negative concentration"):
        run(session)
    assert y.tolist() == [9, 9]
    x[0] = 4
    run(session)
    assert y.tolist() == [4, 1]


def test_sessions_of_one_model_on_threads(make, generator) -> None:
    module = mlp()
    model = make(module, torch.zeros(3, 8), dynamic=(ROWS,))
    wrong = []
    numbers = generator.normal(size=(4, 200, 6, 8)).astype(np.float32)

    def work(number: int) -> None:
        x, y = fortran([6, 8]), fortran([6, 4])
        session = bind(model, [wrap(x)], [wrap(y)])
        for one in numbers[number]:
            x[...] = one
            run(session)
            if not np.allclose(y, expected(module, one), atol=2e-6):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_one_session_on_two_threads_is_right_or_refused(models: Path) -> None:
    model = load(models / "mlp_float32.pt")
    x, y = fortran([3000, 8], fill=1), fortran([3000, 4])
    session = bind(model, [wrap(x)], [wrap(y)])
    run(session)
    right, told = y.copy(), []

    def work() -> None:
        for _ in range(100):
            try:
                run(session)
            except ShimError as failure:
                told.append(str(failure))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (y == right).all()
    assert all("another thread" in one for one in told)


def test_child_processes_run_a_session(make) -> None:
    model = make(networks.Scaling(), torch.zeros(200000))
    x, y = fortran([200000], fill=3), fortran([200000])
    session = bind(model, [wrap(x)], [wrap(y)])
    run(session)
    child = os.fork()
    if child == 0:
        x[...] = 4
        run(session)
        os._exit(0 if (y == 8).all() else 1)
    assert os.waitpid(child, 0)[1] == 0
    run(session)
    assert (y == 6).all()


def test_in_a_region_of_autocast(models: Path) -> None:
    """A cast that a session makes is not what a pass with gradients finds."""
    model = load(models / "mlp_float32.pt")
    x, y = fortran([5, 8], fill=1), fortran([5, 4])
    session = bind(model, [wrap(x)], [wrap(y)])
    run(session)
    exact = y.copy()
    weights = parameters(model, 6)
    shim.call("ft_autocast_begin", BFLOAT16, 0)
    run(session)
    out = shim.anything([5, 4])
    shim.forward(model, [wrap(x)], [out], requires_grad=1)
    shim.call("ft_autocast_end")
    total = shim.unary(shim.SUM, out)
    total.backward()
    assert weights[0].gradient().numpy().any()
    np.testing.assert_allclose(y, exact, atol=0.02)
    assert (y != exact).any()
