# SPDX-License-Identifier: MIT
"""Dtypes and sizes of what exported programs take and return."""

from __future__ import annotations

from ctypes import byref, c_int32, c_int64
from pathlib import Path

import pytest
import torch
from exported import export
from exported_networks import CASES, rows
from torch import nn
from torch.export import Dim

import shim
from shim import ShimError

ANY = 2**63 - 1


def form(model: shim.Object, part: int, index: int) -> tuple[str, list[tuple[int, int]]]:
    """Dtype, and smallest and largest size of each dimension."""
    dtype, rank = c_int32(-1), c_int32(-1)
    shim.call("ft_model_form", model.handle, part, c_int64(index), byref(dtype), byref(rank))
    least, most = ((c_int64 * rank.value)() for _ in range(2))
    size = c_int64(rank.value)
    shim.call("ft_model_sizes", model.handle, part, c_int64(index), least, most, size)
    name = next(name for name, row in shim.DTYPES.items() if row[0] == dtype.value)
    return name, list(zip(least, most))


def load_case(name: str, folder: Path) -> shim.Object:
    """One of the networks of the tests of exported programs."""
    case = CASES[name]
    return shim.load(
        export(case.make(), case.inputs(), folder / "m.pt2", case.dynamic, case.kwargs)
    )


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("fixed", [[(5, 5), (4, 4)]], [[(5, 5), (3, 3)]]),
        ("dynamic", [[(0, ANY), (4, 4)]], [[(0, ANY), (3, 3)]]),
        ("ranged", [[(3, 64), (4, 4)]], [[(3, 64), (3, 3)]]),
        # The second has twice the rows of the first; their sum has the elements of a row.
        ("derived", [[(3, 64), (4, 4)], [(6, 128), (4, 4)]], [[(4, 4)]]),
    ],
)
def test_sizes_are_those_that_were_exported(name, inputs, outputs, tmp_path: Path) -> None:
    model = load_case(name, tmp_path)
    assert [form(model, 1, i + 1) for i in range(len(inputs))] == [
        ("float32", sizes) for sizes in inputs
    ]
    assert [form(model, 2, i + 1) for i in range(len(outputs))] == [
        ("float32", sizes) for sizes in outputs
    ]


def test_numbers_have_no_dimensions(tmp_path: Path) -> None:
    model = load_case("trees", tmp_path)
    assert form(model, 1, 2) == ("float64", [])
    assert form(model, 1, 3) == ("int64", [])
    assert form(model, 1, 4) == ("float32", [(6, 6), (4, 4)])
    assert form(model, 2, 5) == ("int64", [])
    counted = load_case("counted", tmp_path)
    assert form(counted, 1, 2) == ("int64", [])
    sizes = load_case("sizes", tmp_path)
    assert [form(sizes, 2, i)[0] for i in (2, 3, 4)] == ["int64", "float64", "float64"]
    # torch.export writes them as s//2 and s//(s//2).
    assert form(sizes, 2, 1)[1] == [(0, ANY), (0, ANY), (4, 4)]


class Mixed(nn.Module):
    """Results of several dtypes, one of a size that a pass finds."""

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return x.nonzero(), x > 0, x[i], x + 1j, torch.cat([x, x, x[:1]])


def test_sizes_that_depend_on_others(tmp_path: Path) -> None:
    inputs = (torch.randn(5, dtype=torch.float64), torch.tensor([1, 2]))
    length = Dim("length", min=4, max=9)
    model = shim.load(export(Mixed(), inputs, tmp_path / "m.pt2", ({0: length}, None)))
    assert form(model, 1, 2) == ("int64", [(2, 2)])
    found = [form(model, 2, i + 1) for i in range(5)]
    assert [dtype for dtype, _ in found] == ["int64", "bool", "float64", "complex128", "float64"]
    assert found[0][1][1] == (1, 1)
    assert found[0][1][0][0] == 0
    assert [sizes for _, sizes in found[1:]] == [[(4, 9)], [(2, 2)], [(4, 9)], [(9, 19)]]


def test_sizes_of_a_copy_and_of_a_saved_file(tmp_path: Path) -> None:
    model = load_case("ranged", tmp_path)
    shim.call("ft_model_save", model.handle, str(tmp_path / "saved.pt2").encode())
    assert form(shim.load(tmp_path / "saved.pt2"), 1, 1) == form(model, 1, 1)


def test_room_for_another_number_of_sizes_is_refused(tmp_path: Path) -> None:
    model = shim.load(export(CASES["fixed"].make(), (rows(5),), tmp_path / "m.pt2"))
    least, most = ((c_int64 * 3)() for _ in range(2))
    with pytest.raises(ShimError, match="room for 3 sizes; it has 2 dimensions"):
        shim.call("ft_model_sizes", model.handle, 1, c_int64(1), least, most, c_int64(3))
    assert list(least) == list(most) == [0, 0, 0]
    with pytest.raises(ShimError, match="part 0 is none of 1, 2"):
        form(model, 0, 1)
