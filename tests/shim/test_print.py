# SPDX-License-Identifier: MIT
"""Tensors as text: numbers whole, elements where a Fortran array has them."""

import numpy as np
import pytest

from shim import create, wrap


def lines(array: np.ndarray) -> list[str]:
    return wrap(array).text().split("\n")


def test_numbers_are_whole() -> None:
    """PyTorch prints `0.01 *` above these."""
    values = np.array([0.012345678901234567, 123456.789, 1e-300, -1e300, np.nan, np.inf])
    got = lines(values)
    assert got[-1] == "[ CPUDoubleType{6} ]"
    assert len(got) == 7
    assert [float(line) for line in got[:4]] == values[:4].tolist()
    assert [line.strip() for line in got[4:6]] == ["nan", "inf"]


def test_single_precision_reads_back() -> None:
    values = np.random.default_rng(1).standard_normal(50).astype("f4")
    assert [np.float32(line) for line in lines(values)[:-1]] == values.tolist()


@pytest.mark.parametrize("order", ["F", "C"])
def test_matrix(order: str) -> None:
    values = np.array([[1, -2.5, 3], [40, 5, 6]], order=order)  # type: ignore[call-overload]
    assert lines(values) == ["    1  -2.5     3", "   40     5     6", "[ CPUDoubleType{2,3} ]"]


def test_sections_in_order_of_fortran() -> None:
    values = np.arange(1, 17, dtype="i4").reshape((2, 2, 2, 2), order="F")
    got = lines(values)
    assert [line for line in got if "=" in line] == [
        "(:,:,1,1) =",
        "(:,:,2,1) =",
        "(:,:,1,2) =",
        "(:,:,2,2) =",
    ]
    assert got[:3] == ["(:,:,1,1) =", "  1   3", "  2   4"]
    assert got[-1] == "[ CPUIntType{2,2,2,2} ]"


def test_wide_matrix() -> None:
    values = np.arange(100, 160, dtype="i8").reshape(2, 30)
    got = lines(values)
    assert got[0] == "columns 1 to 16"
    assert got[3] == "columns 17 to 30"
    numbers = [[int(text) for text in line.split()] for line in got if line.startswith(" ")]
    assert numbers[0] + numbers[2] == values[0].tolist()
    assert numbers[1] + numbers[3] == values[1].tolist()


def test_other_kinds() -> None:
    assert lines(np.array([True, False])) == [" T", " F", "[ CPUBoolType{2} ]"]
    assert lines(np.array([1 - 2j], "c8")) == [" (1,-2)", "[ CPUComplexFloatType{1} ]"]
    assert lines(np.array([-128], "i1")) == [" -128", "[ CPUCharType{1} ]"]
    assert lines(np.zeros((0, 3))) == ["[ CPUDoubleType{0,3} ]"]
    assert create([], 5).text() == " 1\n[ CPUHalfType{} ]"
