# SPDX-License-Identifier: MIT
"""Sessions of the C interface, and models for them in each format."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from ctypes import byref, c_int64
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest
import torch
from exported import export
from numpy.typing import NDArray
from torch import nn

from shim import DTYPES, Object, Tensor, View, call, handles, load

FORMATS = ("pt", "pt2")
ROWS = {0: torch.export.Dim("rows", max=100000)}


def bind(
    model: Object, inputs: Sequence[Tensor], outputs: Sequence[Tensor], threads: int = 0
) -> Object:
    """A session of a model."""
    result = Object()
    sizes = c_int64(len(inputs)), c_int64(len(outputs))
    call(
        *("ft_session_create", model.handle, handles(inputs), sizes[0]),
        *(handles(outputs), sizes[1], threads, result.target),
    )
    return result


def run(session: Object) -> None:
    call("ft_session_run", session.handle)


def rebind(session: Object, index: int, array: Any, is_output: bool = False) -> None:
    """Another array, with its strides, or another tensor, at a place counted from 1."""
    place = (session.handle, int(is_output), c_int64(index))
    if isinstance(array, Tensor):
        call("ft_session_rebind", *place, array.handle)
        return
    extents, strides = (c_int64 * 15)(*array.shape), (c_int64 * 15)(*array.strides)
    view = View(array.ctypes.data, array.itemsize, array.ndim, extents, strides)
    call("ft_session_rebind_view", *place, byref(view), DTYPES[array.dtype.name][0])


def fortran(shape: Sequence[int], dtype: Any = np.float32, fill: float = 0) -> NDArray[Any]:
    """An array as Fortran has it."""
    return np.full(shape, fill, dtype, order="F")


def saved(module: nn.Module, inputs: Any, folder: Path, form: str, dynamic: Any = None) -> Object:
    """A module as a model in one of the formats."""
    path = folder / f"model.{form}"
    if form == "pt2":
        return load(export(module, inputs, path, dynamic))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(path))
    return load(path)


@pytest.fixture(params=FORMATS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Object]:
    """Makes a model of a module and examples of inputs."""
    return lambda module, *inputs, dynamic=None: saved(
        module, inputs, tmp_path, request.param, dynamic
    )


def mlp() -> nn.Module:
    torch.manual_seed(3)
    return networks.mlp(torch.float32).eval()


def expected(module: nn.Module, x: NDArray[Any]) -> NDArray[Any]:
    with torch.no_grad():
        return module(torch.from_numpy(np.ascontiguousarray(x))).numpy()
