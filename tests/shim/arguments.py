# SPDX-License-Identifier: MIT
"""Arguments of fillings and of operators by name."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_double, c_int32, c_int64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shim import Object, Scalar, extents


class Argument(ctypes.Structure):
    """ft_argument: a tensor or several, a number, a text or a list; None is no argument."""

    _fields_ = (
        ("kind", c_int32),
        ("size", c_int64),
        ("data", c_void_p),
        ("number", Scalar),
        ("imaginary", c_double),
    )

    def __init__(self, value: Any = None) -> None:
        super().__init__()
        self._value = value
        if isinstance(value, Object):
            self.kind, self.data = 1, value.handle.value
        elif isinstance(value, complex):
            self.kind, self.number, self.imaginary = 4, Scalar(value.real), value.imag
        elif isinstance(value, bool):
            self.kind, self.number = 5, Scalar(int(value))
        elif isinstance(value, int | float):
            self.kind, self.number = 3, Scalar(value)
        elif value is not None:
            self._set_list(value)

    def _set_list(self, value: Any) -> None:
        self.size = len(value)
        if isinstance(value, str):
            self.kind, self._memory = 6, ctypes.create_string_buffer(value.encode())
        elif any(isinstance(one, Object) for one in value):
            pointers = (one.handle.value if one else None for one in value)
            self.kind, self._memory = 2, (c_void_p * len(value))(*pointers)
        elif any(isinstance(one, float) for one in value):
            self.kind, self._memory = 8, (c_double * len(value))(*value)
        else:
            self.kind = 9 if value and isinstance(value[0], bool) else 7
            self._memory = extents(value)
        self.data = ctypes.cast(self._memory, c_void_p).value


def argument_array(arguments: Sequence[Argument]) -> Any:
    """ft_argument[]; what the arguments name must live on."""
    return (Argument * max(len(arguments), 1))(*arguments)


def bits(array: NDArray[Any]) -> bytes:
    """Shape, dtype and the very bits of an array."""
    return f"{array.shape}{array.dtype}".encode() + np.ascontiguousarray(array).tobytes()
