# SPDX-License-Identifier: MIT
"""Replay buffers against PyTorch's generator and statistics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from replay_buffers import POLICIES, ReplayBuffer, fortran

import shim
from shim import ADD, ShimError, Tensor, binary, create, load, parameters, wrap


def kept_rows(count: int, capacity: int, policy: str, generator: torch.Generator) -> list[int]:
    """Which rows a buffer holds, by plain Python."""
    rows = list(range(min(count, capacity)))
    for i in range(capacity, count):
        if policy == "ring":
            rows[i % capacity] = i
            continue
        place = int(torch.randint(0, i + 1, (1,), generator=generator))
        if place < capacity:
            rows[place] = i
    return rows


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("chunk", [1, 7, 40])
def test_batches_are_those_of_torch_randint(policy: str, chunk: int) -> None:
    x, y = np.random.rand(3, 40).astype("f4"), np.random.rand(2, 5, 40)
    buffer = ReplayBuffer(16, policy, seed=5)
    generator = torch.Generator().manual_seed(5)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    for i in range(0, 40, chunk):
        buffer.put(fortran(x[..., i : i + chunk]), fortran(y[..., i : i + chunk]))
    rows = np.array(kept_rows(40, 16, policy, generator))
    for size in (8, 1, 30):
        xs, ys = fortran(np.zeros((3, size), "f4")), fortran(np.zeros((2, 5, size)))
        buffer.draw(xs, ys)
        drawn = rows[torch.randint(0, 16, (size,), generator=generator).numpy()]
        assert np.array_equal(xs.array, x[..., drawn])
        assert np.array_equal(ys.array, y[..., drawn])
        assert np.array_equal(xs.numpy(), xs.array)
    assert torch.get_rng_state().equal(state)


def test_every_row_has_the_same_chance_to_stay() -> None:
    """Of 200 rows 20 stay: how often each, over 1000 buffers, is binomial."""
    kept = np.zeros(200)
    values, batch = fortran(np.arange(200.0)[None, :]), fortran(np.zeros((1, 1000)))
    for seed in range(1000):
        buffer = ReplayBuffer(20, "reservoir", seed)
        buffer.put(values)
        buffer.draw(batch)
        kept[np.unique(batch.array).astype(int)] += 1
    assert kept.sum() == 20000
    assert np.abs(kept - 100).max() < 5 * np.sqrt(1000 * 0.1 * 0.9)


def targets(row: tuple[int, ...], size: int) -> Iterator[tuple[str, Tensor, NDArray[np.float32]]]:
    """Tensors for a batch, and a view of each as [row, size]."""
    array = np.zeros((*row, size), "f4", order="F")
    yield "as the array is", wrap(array), array
    array = np.zeros((size, *row[::-1]), "f4")
    yield "as PyTorch has it", wrap(array), array.T
    array = np.zeros((*row, 2 * size), "f4", order="F")[..., ::2]
    yield "a section", shim.section(array), array
    array = np.zeros((size, *row), "f4", order="F")
    if row == row[::-1]:
        yield "samples first in Fortran's order", wrap(array), np.moveaxis(array, 0, -1)
    array = np.zeros((*row, 1, size), "f4", order="F")
    yield "a dimension of one", wrap(array), array[..., 0, :]


@pytest.mark.parametrize("row", [(), (8,), (3, 4), (2, 3, 4)])
def test_targets_of_every_layout(row: tuple[int, ...]) -> None:
    x = np.random.rand(*row, 50).astype("f4")
    for number, (name, target, view) in enumerate(targets(row, 6)):
        buffer = ReplayBuffer(50, seed=number)
        if row == ():
            buffer.put(fortran(x), fortran(np.zeros((1, 50))))
            buffer.draw(target, fortran(np.zeros((1, 6))))
        else:
            buffer.put(fortran(x))
            buffer.draw(target)
        generator = torch.Generator().manual_seed(number)
        drawn = torch.randint(0, 50, (6,), generator=generator).numpy()
        assert np.array_equal(view, x[..., drawn]), name


def test_square_batches_go_by_stride() -> None:
    x = np.random.rand(4, 4).astype("f4")
    buffer = ReplayBuffer(4)
    buffer.put(fortran(x))
    drawn = torch.randint(0, 4, (4,), generator=torch.Generator().manual_seed(0)).numpy()
    column = fortran(np.zeros((4, 4), "f4"))
    buffer.draw(column)
    assert np.array_equal(column.array, x[:, drawn])
    buffer, row = ReplayBuffer(4), wrap(np.zeros((4, 4), "f4"))
    buffer.put(wrap(np.ascontiguousarray(x.T)))
    buffer.draw(row)
    assert np.array_equal(row.array, x[:, drawn].T)


def test_float32_rows_go_into_float64_and_no_other_way() -> None:
    x = np.random.rand(3, 5).astype("f4")
    buffer = ReplayBuffer(5)
    buffer.put(fortran(x))
    target = fortran(np.zeros((3, 4)))
    buffer.draw(target)
    drawn = torch.randint(0, 5, (4,), generator=torch.Generator().manual_seed(0)).numpy()
    assert np.array_equal(target.array, x[:, drawn])
    other = ReplayBuffer(5)
    other.put(fortran(x.astype("f8")))
    narrow = fortran(np.ones((3, 4), "f4"))
    with pytest.raises(ShimError, match=r"dtype.*fields\(1\): the dtype is float32; .* float64"):
        other.draw(narrow)
    assert (narrow.array == 1).all()


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "f4", "f8", "c8", "c16", "?"])
def test_rows_of_every_dtype(dtype: str) -> None:
    x = (np.arange(30).reshape(3, 10) % 7).astype(dtype)
    buffer = ReplayBuffer(10)
    buffer.put(fortran(x))
    target = fortran(np.zeros((3, 4), dtype))
    buffer.draw(target)
    drawn = torch.randint(0, 10, (4,), generator=torch.Generator().manual_seed(0)).numpy()
    assert np.array_equal(target.array, x[:, drawn])
    if dtype.startswith("c"):
        with pytest.raises(ShimError, match="complex numbers have no statistics"):
            buffer.moments(1)
    else:
        means, deviations = buffer.moments(1)
        assert means == pytest.approx(x.astype("f8").mean(1), rel=1e-14)
        assert deviations == pytest.approx(x.astype("f8").std(1, ddof=1), rel=1e-13)


def test_graphs_keep_the_batch_that_they_saw() -> None:
    """d(sum of x*w)/dw is x as it was, though the next batch stands in the array."""
    buffer = ReplayBuffer(20)
    buffer.put(fortran(np.random.rand(4, 20)))
    target, w = fortran(np.zeros((4, 6))), wrap(np.ones((4, 6), order="F"), requires_grad=1)
    buffer.draw(target)
    first = target.array.copy()
    product = binary(shim.MUL, target, w)
    buffer.draw(target)
    assert not np.array_equal(target.array, first)
    product.backward(wrap(np.ones((4, 6))))
    assert np.array_equal(w.gradient().numpy(), first)
    # A target that holds a result of a graph is plain afterwards.
    result = fortran(np.zeros((4, 6)))
    binary(ADD, w, w, result)
    assert result.requires_grad()
    buffer.draw(result)
    assert not result.requires_grad()
    assert np.array_equal(result.numpy(), result.array)


def test_unattached_and_shared_targets() -> None:
    x = np.random.rand(3, 9)
    buffer = ReplayBuffer(9)
    buffer.put(fortran(x))
    plain = create([3, 4], "float64")
    buffer.draw(plain)
    other = Tensor().assign(plain)
    before = other.numpy().copy()
    buffer.draw(plain)
    assert np.array_equal(other.numpy(), before)
    assert not np.array_equal(plain.numpy(), before)


def test_refusals_change_nothing(models: Path) -> None:
    x = np.random.rand(3, 9)
    buffer = ReplayBuffer(9)
    with pytest.raises(ShimError, match=r"invalid_argument.*buffer is empty"):
        buffer.draw(fortran(np.zeros((3, 4))))
    with pytest.raises(ShimError, match="no row was put"):
        buffer.moments(1)
    buffer.put(fortran(x), fortran(x[:1]))
    good = fortran(np.zeros((1, 4)))
    leaf = wrap(np.zeros((3, 4), order="F"), requires_grad=1)
    refused = (
        (leaf, r"fields\(1\): the tensor is a leaf with requires_grad"),
        (parameters(load(models / "mlp_float64.pt"), 6)[0], r"fields\(1\): the tensor is a leaf"),
        (
            fortran(np.zeros((2, 4))),
            r"fields\(1\): the shape is \[2, 4\]; .* \[3\], or \[3, n\] or",
        ),
        (fortran(np.zeros((3, 5))), r"fields\(2\): there is room for 4 rows, in the first .* 5"),
        (fortran(np.zeros((3, 4), "i8")), r"dtype_mismatch.*int64"),
        (Tensor(), r"fields\(1\): the tensor holds nothing"),
    )
    for target, message in refused:
        with pytest.raises(ShimError, match=message):
            buffer.draw(target, good)
    array = np.zeros((4, 4), order="F")
    with pytest.raises(ShimError, match=r"fields\(2\): the tensor shares its memory"):
        buffer.draw(shim.section(array[:3]), shim.section(array[2:3]))
    with pytest.raises(ShimError, match=r"1 fields; the rows of the buffer have 2"):
        buffer.draw(good)
    for wrong, message in (
        (fortran(np.zeros((4, 2))), r"shape_mismatch: fields\(1\): the shape is \[4, 2\]"),
        (fortran(np.zeros((3, 2), "f4")), r"dtype_mismatch: fields\(1\): .* float32; .* float64"),
        (fortran(np.zeros((3, 1))), r"fields\(2\): 2 rows; the first field has 1 row$"),
    ):
        with pytest.raises(ShimError, match=message):
            buffer.put(wrong, fortran(np.zeros((1, 2))))
    assert buffer.size()[0] == 9
    assert buffer.moments(1)[0] == pytest.approx(x.mean(1), rel=1e-15)
    # No random number was taken either.
    target = fortran(np.zeros((3, 4)))
    buffer.draw(target, good)
    drawn = torch.randint(0, 9, (4,), generator=torch.Generator().manual_seed(0)).numpy()
    assert np.array_equal(target.array, x[:, drawn])


def test_memory_is_told_and_bounded() -> None:
    with pytest.raises(ShimError, match="capacity is 0; it must be at least 1"):
        ReplayBuffer(0)
    buffer = ReplayBuffer(10**15)
    with pytest.raises(ShimError, match="out_of_memory: the buffer needs 12000000000000072 bytes"):
        buffer.put(fortran(np.zeros((3, 2), "f4")))
    with pytest.raises(ShimError, match="out_of_memory: the buffer needs 24000 bytes for each of"):
        buffer.put(fortran(np.zeros((3000, 2))))
    assert buffer.size() == (0, 0)
    small = ReplayBuffer(100)
    small.put(fortran(np.zeros((3, 2), "f4")), fortran(np.zeros((2, 2))))
    assert small.size() == (2, 100 * (12 + 16) + 24 * 5)


def test_statistics_of_ten_million_numbers() -> None:
    """Of mean 10**6 and deviation 1, against exact sums of integers."""
    random = np.random.default_rng(3)
    buffer = ReplayBuffer(1000)
    # Multiples of 2**-20, so that sums of their integers are exact.
    total, squares, unit = 0, 0, 2.0**-20
    for _ in range(10):
        steps = np.rint(random.standard_normal(1_000_000) / unit).astype("i8")
        total += int(steps.sum())
        squares += _sum_of_squares(steps)
        buffer.put(fortran((1e6 + steps * unit)[None, :]))
    count = 10**7
    mean = 1e6 + total / count * unit
    deviation = np.sqrt(float((squares * count - total**2) / (count * (count - 1)))) * unit
    means, deviations = buffer.moments(1)
    assert means[0] == pytest.approx(mean, rel=2e-16)
    assert deviations[0] == pytest.approx(deviation, rel=1e-13)


def _sum_of_squares(numbers: NDArray[np.int64]) -> int:
    """Exact: in halves whose products fit 64 bits."""
    high, low = np.divmod(numbers, 2**12)
    parts = (int((high * high).sum()), int((high * low).sum()), int((low * low).sum()))
    return parts[0] * 2**24 + parts[1] * 2**13 + parts[2]


def test_no_rows_have_no_statistics() -> None:
    buffer = ReplayBuffer(4)
    buffer.put(fortran(np.zeros((3, 0))))
    with pytest.raises(ShimError, match="no row was put"):
        buffer.moments(1)
    buffer.put(fortran(np.array([[1.0], [2.0], [4.0]])))
    assert buffer.moments(1)[0].tolist() == [1, 2, 4]


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (2, 2, 2, 5)])
def test_nothing_is_said_on_standard_error(shape, capfd) -> None:
    torch.set_warn_always(True)
    try:
        buffer = ReplayBuffer(4)
        buffer.put(fortran(np.ones(shape)))
        buffer.draw(fortran(np.zeros(shape)))
        wide = np.zeros(tuple(2 * n for n in shape), order="F")
        buffer.draw(shim.section(wide[(slice(None, None, 2),) * len(shape)]))
    finally:
        torch.set_warn_always(False)
    assert capfd.readouterr().err == ""
