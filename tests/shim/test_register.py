# SPDX-License-Identifier: MIT
"""Memory that graphs hold: copies in time, of the elements alone, at a cost that does not grow."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from test_overlap import random_section

from shim import (
    ADD,
    MUL,
    SUM,
    ShimError,
    Tensor,
    binary,
    call,
    create,
    forward,
    load,
    section,
    unary,
    wrap,
)


def resident() -> int:
    """Resident memory in bytes, without what the C library keeps free."""
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def values(numbers: np.ndarray) -> Tensor:
    """A tensor with memory of its own."""
    return Tensor().assign(wrap(np.asfortranarray(numbers)))


def leaf(numbers: np.ndarray) -> Tensor:
    """A leaf over an array that nobody else writes."""
    return wrap(np.asfortranarray(numbers), 1)


def test_graph_of_a_released_tensor_keeps_its_numbers() -> None:
    array, w = np.arange(6.0), leaf(np.ones(6))
    x = wrap(array)
    product = binary(MUL, w, binary(MUL, x, x))
    del x
    array[:] = np.nan
    product.backward()
    assert np.array_equal(w.gradient().numpy(), np.arange(6.0) ** 2)


def test_graph_of_a_released_leaf_fails() -> None:
    array, w = np.arange(6.0), leaf(np.ones(6))
    x = wrap(array, 1)
    product = binary(MUL, w, x)
    del x
    array[:] = np.nan
    with pytest.raises(ShimError, match=r"ft_autograd_error.*modified by an inplace operation"):
        product.backward()


def test_program_may_write_what_a_graph_read() -> None:
    array, w = np.arange(6.0), leaf(np.ones(6))
    x = wrap(array)
    product = binary(MUL, w, x)
    array[:] = np.nan
    product.backward()
    assert np.array_equal(w.gradient().numpy(), np.arange(6.0))


@pytest.mark.parametrize("step", [1, 3])
def test_graphs_share_one_copy_of_an_array_that_does_not_change(step: int) -> None:
    array = np.zeros(3_000_000)[::step]
    x, w, products = section(array), leaf(np.ones(1)), []
    before = resident()
    for _ in range(20):
        products.append(unary(SUM, binary(MUL, w, x)))
    assert resident() - before < 4 * array.nbytes
    array[0] = 1
    products.append(unary(SUM, binary(MUL, w, x)))
    for product in products:
        product.backward()
    assert w.gradient().numpy() == 1


@pytest.mark.parametrize("shape", [(8,), (3, 8)])
def test_views_of_a_released_tensor_keep_its_numbers(models: Path, shape: tuple[int, ...]) -> None:
    """A linear layer saves its input reshaped; reference: PyTorch on a copy."""
    array = np.random.default_rng(1).normal(size=shape)
    network = torch.jit.load(str(models / "mlp_float64.pt"))
    network(torch.tensor(array)).sum().backward()
    model, output = load(models / "mlp_float64.pt"), create([*shape[:-1], 4], "float64", 0)
    got = [Tensor() for _ in range(6)]
    handles = (ctypes.c_void_p * 6)()
    call("ft_model_parameters", model.handle, handles, ctypes.c_int64(6))
    for one, handle in zip(got, handles):
        one.handle.value = handle
    x = wrap(array)
    forward(model, [x], [output], 1)
    del x
    array[:] = np.nan
    output.backward()
    for one, parameter in zip(got, network.parameters()):
        assert np.allclose(one.gradient().numpy(), parameter.grad.numpy(), rtol=1e-13)


def grown(steps: Callable[[int], object]) -> int:
    """Bytes by which memory grows over 200 steps, of which each may keep 8 kB."""
    steps(3)
    before = resident()
    kept = steps(200)
    after = resident()
    del kept
    return after - before


@pytest.mark.parametrize("how", ["assigned", "released"])
@pytest.mark.parametrize("operation", ["product", "model"])
def test_graph_of_a_row_keeps_the_row(models: Path, how: str, operation: str) -> None:
    """1.6 MB; the matrix would be 1.6 GB."""
    field, w = np.ones((1000, 1000), order="F"), leaf(np.full(1000, 2.0))
    model = load(models / "scaling.pt")
    ones = values(np.ones(1000))

    def steps(count: int) -> list[object]:
        kept: list[object] = []
        row = section(field[1, :])
        for k in range(count):
            if operation == "product":
                result = binary(MUL, w, row)
            else:
                result = create([1000], "float64", 0)
                forward(model, [row], [result], 1)
            kept.append(result)
            if how == "assigned":
                row.assign(binary(MUL, ones, float(k)))
            else:
                row = section(field[k, :])
        return kept

    assert grown(steps) < 12_000_000


def seconds(repeat: Callable[[], object]) -> float:
    """The least of three times."""
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        repeat()
        best = min(best, time.perf_counter() - start)
    return best


def test_one_buffer_under_one_graph_is_linear() -> None:
    def run(count: int) -> None:
        buffer, w = np.ones(16), leaf(np.ones(16))
        total = binary(MUL, w, 0.0)
        for _ in range(count):
            x = wrap(buffer)
            total.assign(binary(ADD, total, binary(MUL, w, x)))
            x.assign(create([16], "float64"))
            del x
        del total

    assert seconds(lambda: run(8000)) < 8 * seconds(lambda: run(2000))


def test_deletes_newest_first_are_linear() -> None:
    def run(count: int) -> None:
        buffer, w = np.ones(16), leaf(np.ones(16))
        xs = [wrap(buffer) for _ in range(count)]
        products = [binary(MUL, w, x) for x in xs]
        while xs:
            xs.pop()
        del products

    assert seconds(lambda: run(8000)) < 8 * seconds(lambda: run(2000))


ARRANGEMENTS = {
    "apart": lambda count: [np.ones(4) for _ in range(count)],
    "columns": lambda count: list(np.ones((4, count), order="F").T),
    "rows": lambda count: list(np.ones((count, 4), order="F")),
    "pencils": lambda count: [
        one for plane in np.ones((count // 10, 4, 10), order="F").T for one in plane.T
    ],
    "scalars in a row": lambda count: [
        *np.ones((5, 4), order="F"),
        *(one.reshape(1) for one in np.ones((count, 4), order="F")[1::2, 0]),
    ],
}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_a_write_costs_the_same_whatever_a_graph_holds(arrangement: str, whole: bool) -> None:
    w, other = leaf(np.ones(1)), values(np.full(4, 3.0))

    def cost(count: int) -> float:
        arrays = ARRANGEMENTS[arrangement](count)
        base = arrays[-1].base
        over = section(base) if whole and base is not None and base.ndim > 1 else None
        tensors = [section(one) for one in arrays]
        held = [binary(MUL, w, one) for one in [*tensors, *([over] if over else [])]]
        target = tensors[3]

        def write() -> None:
            for _ in range(500):
                target.assign(other)

        result = seconds(write)
        del held
        return result

    assert cost(20000) < 8 * cost(10)


def test_random_programs(generator: np.random.Generator) -> None:
    """Sections of one array, wrapped, used, written, released; reference: PyTorch on copies."""
    for _ in range(150):
        data = np.asfortranarray(generator.normal(size=(4, 3, 5)))
        weight = np.array(generator.normal())
        w, w_torch = leaf(weight), torch.tensor(weight, requires_grad=True)
        live: list[list] = []  # tensor, its array, the value with a graph in PyTorch
        total, total_torch = binary(MUL, w, 0.0), w_torch * 0

        def value(one: list) -> torch.Tensor:
            return one[2] if one[2] is not None else torch.tensor(one[1].copy())

        for _ in range(25):
            action = generator.integers(6)
            if action == 0 or not live:
                array = random_section(generator, data)
                live.append([section(array), array, None])
                continue
            one = live[generator.integers(len(live))]
            if action == 1:
                product = binary(MUL, binary(MUL, w, one[0]), one[0])
                total = binary(ADD, total, unary(SUM, product))
                total_torch = total_torch + (w_torch * value(one) * value(one)).sum()
            elif action == 2:
                result = w_torch * value(one) + 0.5
                one[0].assign(binary(ADD, binary(MUL, w, one[0]), 0.5))
                one[2] = result
                assert np.allclose(one[1], result.detach().numpy(), rtol=1e-14)
            elif action == 3:
                one[0].zero()
                one[2] = None
                assert not one[1].any()
            elif action == 4:
                live.remove(one)
            else:
                number = float(generator.normal())
                one[0].assign(values(np.full(one[1].shape, number)))
                one[2] = None
                assert (one[1] == number).all()
        live.clear()
        one = None
        data[:] = np.nan
        total.backward()
        total_torch.backward()
        assert np.allclose(w.gradient().numpy(), w_torch.grad.numpy(), rtol=1e-11)
