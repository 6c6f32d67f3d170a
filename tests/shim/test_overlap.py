# SPDX-License-Identifier: MIT
"""Which sections of one array meet, as graphs of tensors over them show; reference: NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from shim import MUL, ShimError, Tensor, binary, section, wrap

CASES = 400


def random_section(generator: np.random.Generator, data: np.ndarray) -> np.ndarray:
    """Some rows, columns and planes of `data`, in random order, none of them none."""
    index = []
    for extent in data.shape:
        first = int(generator.integers(extent))
        last = int(generator.integers(first, extent)) + 1
        index.append(slice(first, last, int(generator.integers(1, 4))))
    return data[tuple(index)].transpose(generator.permutation(data.ndim))


def has_spoiled(leaf: Tensor, other: Tensor) -> bool:
    """True when a write through `other` makes the graph of `leaf` fail."""
    square = binary(MUL, leaf, leaf)
    other.zero()
    try:
        square.backward(wrap(np.ones_like(leaf.array, order="F")))
    except ShimError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        return True
    return False


@pytest.mark.parametrize("shape", [(40,), (6, 7), (4, 3, 5), (2, 3, 4, 3)])
def test_sections_meet_exactly_where_they_share_memory(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(len(shape))
    answers = []
    for case in range(CASES):
        data = np.asfortranarray(generator.normal(size=shape))
        a, b = random_section(generator, data), random_section(generator, data)
        expected = np.shares_memory(a, b)
        got = has_spoiled(section(a, 1), section(b))
        assert got == expected, f"case {case}: {a.shape} {a.strides}, {b.shape} {b.strides}"
        answers.append(got)
    assert CASES // 20 < sum(answers) < CASES - CASES // 20


def test_elements_of_different_size_meet() -> None:
    """The second half of a complex number is a real one."""
    data = (np.arange(1, 9) * (1 + 1j)).astype(np.complex64)
    parts = data.view(np.float32)
    for i in range(16):
        assert has_spoiled(section(data[2:8:3], 1), section(parts[i : i + 1])) == (
            i in (4, 5, 10, 11)
        )
