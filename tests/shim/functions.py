# SPDX-License-Identifier: MIT
"""Functions of the catalog by their names, and what PyTorch gives for them."""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_int32, c_int64, c_void_p
from typing import Any

import torch

from catalog.argument_kinds import KINDS
from catalog.functions import DTYPE, FUNCTIONS, Function
from shim import DTYPES, Scalar, Tensor, binary, call, extents, handles

ARGUMENT_KINDS = {name: code for code, name, _ in KINDS}


class Argument(ctypes.Structure):
    """ft_argument: an argument in its box."""

    _fields_ = (
        ("kind", c_int32),
        ("size", c_int64),
        ("data", c_void_p),
        ("number", Scalar),
        ("imaginary", c_double),
    )


def box(value: Any, role: str) -> tuple[Argument, Any]:
    """An argument in its box, and the memory that it names."""
    if value is None:
        return Argument(), None
    if isinstance(value, Tensor):
        return Argument(ARGUMENT_KINDS["tensor"], 0, value.handle.value), value
    if isinstance(value, bool):
        return Argument(ARGUMENT_KINDS["logical"], 0, None, Scalar(int(value))), None
    if role == DTYPE:
        return Argument(ARGUMENT_KINDS["dtype"], 0, None, Scalar(DTYPES[value][0])), None
    if isinstance(value, int | float):
        return Argument(ARGUMENT_KINDS["number"], 0, None, Scalar(value)), None
    if isinstance(value, str):
        memory = ctypes.create_string_buffer(value.encode())
        kind, size = "text", len(value.encode())
    elif value and isinstance(value[0], Tensor):
        memory, kind, size = handles(value), "tensors", len(value)
    else:
        memory, kind, size = extents(value), "integers", len(value)
    return Argument(ARGUMENT_KINDS[kind], size, ctypes.addressof(memory)), memory


def function(name: str, *arguments: Any, into: Tensor | None = None) -> Tensor:
    """A function by its name, with all its arguments or the first of them."""
    number, row = next((i, one) for i, one in enumerate(FUNCTIONS) if one.name == name)
    result = into or Tensor()
    if row.is_direct and len(arguments) == 2:
        return binary(number, *arguments, into=result)
    if row.is_direct:
        call("ft_tensor_unary", number, arguments[0].handle, result.target)
        return result
    given = [*arguments, *[None] * (len(row.arguments) - len(arguments))]
    kept = [box(value, one.role) for value, one in zip(given, row.arguments)]
    boxes = (Argument * len(kept))(*(one for one, _ in kept))
    size = c_int64(len(kept))
    call("ft_tensor_function", number, boxes, size, result.target, c_int64(1))
    return result


def reference(row: Function, x: Any, y: Any) -> torch.Tensor:
    """What PyTorch gives for two operands; its functions take no numbers, unlike its operators."""
    if row.symbol is None and not isinstance(x, torch.Tensor):
        x = torch.tensor(x, dtype=torch.result_type(y, x))
    if row.symbol is None and not isinstance(y, torch.Tensor):
        y = torch.tensor(y, dtype=torch.result_type(x, y))
    return eval(row.reference, {"torch": torch}, {"x": x, "y": y})
