# SPDX-License-Identifier: MIT
"""Tensors as text: numbers whole, elements where a Fortran array has them."""

import numpy as np
import pytest

from shim import MUL, binary, create, wrap


def form(kind: str, *shape: int) -> str:
    """The last line."""
    names = {
        "Double": "float64",
        "Int": "int32",
        "Bool": "bool",
        "ComplexFloat": "complex64",
        "Char": "int8",
        "Byte": "uint8",
        "Half": "float16",
        "BFloat16": "bfloat16",
    }
    return (
        f"[ CPU{kind}Type{{{','.join(map(str, shape))}}} ] {names[kind]}, shape {list(shape)}, cpu"
    )


def lines(array: np.ndarray) -> list[str]:
    return wrap(array).text().split("\n")


def test_numbers_are_whole() -> None:
    """PyTorch prints `0.01 *` above these."""
    values = np.array([0.012345678901234567, 123456.789, 1e-300, -1e300, np.nan, np.inf])
    got = lines(values)
    assert got[-1] == "[ CPUDoubleType{6} ] float64, shape [6], cpu"
    assert len(got) == 7
    assert [float(line) for line in got[:4]] == values[:4].tolist()
    assert [line.strip() for line in got[4:6]] == ["nan", "inf"]


def test_single_precision_reads_back() -> None:
    values = np.random.default_rng(1).standard_normal(50).astype("f4")
    assert [np.float32(line) for line in lines(values)[:-1]] == values.tolist()


@pytest.mark.parametrize("order", ["F", "C"])
def test_matrix(order: str) -> None:
    values = np.array([[1, -2.5, 3], [40, 5, 6]], order=order)  # type: ignore[call-overload]
    assert lines(values) == ["    1  -2.5     3", "   40     5     6", form("Double", 2, 3)]


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
    assert got[-1] == form("Int", 2, 2, 2, 2)


def test_wide_matrix() -> None:
    values = np.arange(100, 160, dtype="i8").reshape(2, 30)
    got = lines(values)
    assert got[0] == "columns 1 to 16"
    assert got[3] == "columns 17 to 30"
    numbers = [[int(text) for text in line.split()] for line in got if line.startswith(" ")]
    assert numbers[0] + numbers[2] == values[0].tolist()
    assert numbers[1] + numbers[3] == values[1].tolist()


def test_other_kinds() -> None:
    assert lines(np.array([True, False])) == [" T", " F", form("Bool", 2)]
    assert lines(np.array([1 - 2j], "c8")) == [" (1,-2)", form("ComplexFloat", 1)]
    assert lines(np.array([-128], "i1")) == [" -128", form("Char", 1)]
    assert lines(np.zeros((0, 3))) == [form("Double", 0, 3)]
    assert create([], 5).text() == " 1\n" + form("Half")
    assert create([1], 15).text() == " 1\n" + form("BFloat16", 1)
    assert create([1], 0).text() == " 1\n" + form("Byte", 1)


def test_requires_grad_is_told() -> None:
    leaf = wrap(np.ones(1), 1)
    assert leaf.text() == " 1\n[ CPUDoubleType{1} ] float64, shape [1], cpu, requires_grad"
    assert binary(MUL, leaf, 2.0).text().endswith("cpu, requires_grad")


def test_long_vectors_are_cut() -> None:
    """As `torch.set_printoptions` has it: more than 1000 elements, three at each edge."""
    whole = lines(np.arange(1000))
    assert len(whole) == 1001
    got = lines(np.arange(1001))
    assert [line.strip() for line in got[:-1]] == ["0", "1", "2", "...", "998", "999", "1000"]
    assert got[-1] == "[ CPULongType{1001} ] int64, shape [1001], cpu"
    full = wrap(np.arange(1001)).text(is_full=True).split("\n")
    assert [int(line) for line in full[:-1]] == list(range(1001))


def test_large_matrices_are_cut() -> None:
    values = np.arange(40000).reshape((200, 200), order="F")
    got = lines(values)
    assert len(got) == 8
    assert got[3] == " ..."
    for line, row in zip((*got[:3], *got[4:7]), (0, 1, 2, 197, 198, 199)):
        numbers = [values[row, j] for j in (0, 1, 2, 197, 198, 199)]
        assert line.split() == [*map(str, numbers[:3]), "...", *map(str, numbers[3:])]
    narrow = lines(np.zeros((2, 600)))
    assert narrow[0].split() == ["0", "0", "0", "...", "0", "0", "0"]
    assert len(narrow) == 3


def test_many_sections_are_cut() -> None:
    values = np.arange(2 * 2 * 7 * 40).reshape((2, 2, 7, 40), order="F")
    got = lines(values)
    headings = [line for line in got if "=" in line or line == "..."]
    assert headings[:8] == [
        "(:,:,1,1) =",
        "(:,:,2,1) =",
        "(:,:,3,1) =",
        "...",
        "(:,:,5,1) =",
        "(:,:,6,1) =",
        "(:,:,7,1) =",
        "(:,:,1,2) =",
    ]
    assert headings[21] == "..."
    assert headings[22] == "(:,:,1,38) ="
    last = got[got.index("(:,:,7,40) =") + 1 :]
    assert [line.split() for line in last[:2]] == [["1116", "1118"], ["1117", "1119"]]


def test_wide_numbers_that_are_cut() -> None:
    values = np.full((1, 2000), 1 / 3 + 1j / 3)
    values[0, 1999] = 1
    got = lines(values)
    assert got[0] == "columns 1 to 1"
    assert got[-3:-1] == ["columns 2000 to 2000", got[-2]]
    assert got[-2].strip() == "(1,0)"
