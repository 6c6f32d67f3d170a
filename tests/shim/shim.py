# SPDX-License-Identifier: MIT
"""The C interface from Python: the library named by FTORCH_LIBRARY, its entries and handles."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_double, c_int, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import torch  # loads LibTorch before the library that needs it
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[2] / "src"))

from catalog.entries import ENTRIES
from catalog.functions import FUNCTIONS
from catalog.kinds import KINDS
from catalog.losses import LOSSES
from catalog.optimizers import GROUP_ARGUMENTS
from catalog.schedulers import SCHEDULERS
from catalog.statuses import STATUSES

STATUS = {f"ft_{row.name}": row.code for row in STATUSES}
LIBRARY = ctypes.CDLL(os.environ["FTORCH_LIBRARY"])
DTYPES = {
    "int8": (1, torch.int8),
    "int16": (2, torch.int16),
    "int32": (3, torch.int32),
    "int64": (4, torch.int64),
    "float32": (6, torch.float32),
    "float64": (7, torch.float64),
    "complex64": (9, torch.complex64),
    "complex128": (10, torch.complex128),
    "bool": (11, torch.bool),
}

for entry in ENTRIES:
    if entry.returns == "int64_t":
        getattr(LIBRARY, entry.name).restype = c_int64


class Scalar(ctypes.Structure):
    """ft_scalar."""

    _fields_ = (("real", c_double), ("integer", c_int64), ("is_real", c_int32))

    def __init__(self, value: float) -> None:
        is_real = isinstance(value, float)
        super().__init__(value if is_real else 0.0, 0 if is_real else value, is_real)


class Options(ctypes.Structure):
    """ft_options."""

    _fields_ = tuple(
        (name, c_int32) for name in ("dtype", "device_type", "device_index", "requires_grad")
    )


class View(ctypes.Structure):
    """ft_view: an array with its strides in bytes."""

    _fields_ = (
        ("data", c_void_p),
        ("element_size", c_int64),
        ("rank", c_int),
        ("extents", c_int64 * 15),
        ("strides", c_int64 * 15),
    )


class ShimError(Exception):
    """A status other than ft_ok, by its name."""

    def __init__(self, status: int, message: str) -> None:
        self.status = next(name for name, value in STATUS.items() if value == status)
        super().__init__(f"{self.status}: {message}")


def text() -> str:
    """What ft_text gives."""
    pointer = c_char_p()
    length = LIBRARY.ft_text(byref(pointer))
    return ctypes.string_at(pointer, length).decode()


def call(entry: str, *arguments: Any) -> None:
    """Calls an entry that returns a status."""
    status = getattr(LIBRARY, entry)(*arguments)
    if status != STATUS["ft_ok"]:
        raise ShimError(status, text())


def options(dtype: str | int, requires_grad: int = 0, device: int = 0, index: int = -1) -> Options:
    """A place, on the host unless told otherwise."""
    code = DTYPES[dtype][0] if isinstance(dtype, str) else dtype
    return Options(code, device, index, requires_grad)


def extents(numbers: Sequence[int]) -> Any:
    """Numbers as int64_t[]."""
    return (c_int64 * max(len(numbers), 1))(*numbers)


class Object:
    """A handle, released with this object."""

    def __init__(self) -> None:
        self.handle = c_void_p()

    def __del__(self) -> None:
        LIBRARY.ft_release(self.handle)

    @property
    def target(self) -> Any:
        """The place where an entry writes the handle."""
        return byref(self.handle)


def handles(objects: Sequence[Object]) -> Any:
    """The handles as ft_handle[]."""
    return (c_void_p * max(len(objects), 1))(*(one.handle.value for one in objects))


class Tensor(Object):
    """A tensor, empty at first; `array` is what it is attached to."""

    array: NDArray[Any]

    def rank(self) -> int:
        rank = c_int32(-1)
        call("ft_tensor_rank", self.handle, byref(rank))
        return rank.value

    def shape(self) -> list[int]:
        numbers = (c_int64 * 64)()
        call("ft_tensor_shape", self.handle, numbers)
        return list(numbers[: self.rank()])

    def strides(self) -> list[int]:
        numbers = (c_int64 * 64)()
        call("ft_tensor_strides", self.handle, numbers)
        return list(numbers[: self.rank()])

    def dtype(self) -> str:
        code = c_int32(-1)
        call("ft_tensor_dtype", self.handle, byref(code))
        return next(name for name, row in DTYPES.items() if row[0] == code.value)

    def requires_grad(self) -> bool:
        answer = c_int32(-1)
        call("ft_tensor_requires_grad", self.handle, byref(answer))
        return bool(answer.value)

    def numpy(self) -> NDArray[Any]:
        """A copy of the values, by way of a tensor that is attached to the copy."""
        values = np.zeros(self.shape(), self.dtype(), order="F")
        copy = wrap(values)
        call("ft_tensor_to", self.handle, copy.target, 0, 0)
        return values

    def text(self, is_full: bool = False) -> str:
        call("ft_tensor_text", self.handle, int(is_full))
        return text()

    def assign(self, source: Tensor, source_is_copy: bool = False) -> Tensor:
        call("ft_tensor_assign", self.target, source.handle, source_is_copy)
        return self

    def zero(self) -> None:
        call("ft_tensor_zero", self.target)

    def backward(self, gradient: Tensor | None = None, retain_graph: bool = False) -> None:
        seed = gradient.handle if gradient else None
        call("ft_tensor_backward", self.handle, seed, int(retain_graph))

    def gradient(self, into: Tensor | None = None) -> Tensor:
        result = into or Tensor()
        call("ft_tensor_gradient", self.handle, result.target)
        return result

    def zero_gradient(self) -> None:
        call("ft_tensor_zero_gradient", self.handle)


def create(
    shape: Sequence[int], dtype: str = "float32", fill: int = 2, requires_grad: int = 0
) -> Tensor:
    """A tensor in memory of LibTorch, filled with ones."""
    result = Tensor()
    size = len(shape)
    place = byref(options(dtype, requires_grad))
    call("ft_tensor_create", fill, size, extents(shape), c_int64(size), place, result.target)
    return result


def anything(shape: Sequence[int] = (), dtype: str = "float32") -> Tensor:
    """A tensor that was assigned: all but a forward pass may give it another shape and dtype."""
    return Tensor().assign(create(shape, dtype))


def from_blob(
    array: NDArray[Any] | None,
    shape: Sequence[int],
    layout: Sequence[int],
    place: Options,
    ndims: int | None = None,
) -> Tensor:
    """A tensor over the memory of an array, or over none."""
    result = Tensor()
    data = c_void_p(array.ctypes.data if array is not None else None)
    order = (c_int32 * max(len(layout), 1))(*layout)
    rank = len(shape) if ndims is None else ndims
    size = c_int64(len(shape))
    order_size = c_int64(len(layout))
    call(
        *("ft_tensor_from_blob", data, rank, extents(shape), size),
        *(order, order_size, byref(place), result.target),
    )
    if array is not None:
        result.array = array
    return result


def wrap(array: NDArray[Any], requires_grad: int = 0) -> Tensor:
    """A tensor attached to a contiguous array, which it keeps alive."""
    order = list(range(1, array.ndim + 1))
    assert array.flags.f_contiguous or array.flags.c_contiguous
    layout = order if array.flags.f_contiguous else order[::-1]
    return from_blob(array, array.shape, layout, options(array.dtype.name, requires_grad))


def section(array: NDArray[Any], requires_grad: int = 0) -> Tensor:
    """A tensor over any section of an array, by the entry behind descriptors."""
    extents, strides = (c_int64 * 15)(*array.shape), (c_int64 * 15)(*array.strides)
    view = View(array.ctypes.data, array.itemsize, array.ndim, extents, strides)
    result, none = Tensor(), (None, c_int64(0))
    place = options(array.dtype.name, requires_grad)
    call("ft_view_wrap", byref(view), *none, *none, byref(place), result.target)
    result.array = array
    return result


ADD, SUB, MUL, DIV, POW, NEG, SUM, MEAN = (
    [row.name for row in FUNCTIONS].index(name)
    for name in ("add", "sub", "mul", "div", "pow", "neg", "sum", "mean")
)


def binary(
    number: int, a: Tensor | float, b: Tensor | float, into: Tensor | None = None
) -> Tensor:
    """A function of two tensors, or of a tensor and a number."""
    result = into or Tensor()
    if not isinstance(a, Tensor):
        assert isinstance(b, Tensor)
        call("ft_tensor_binary_left", number, byref(Scalar(a)), b.handle, result.target)
    elif not isinstance(b, Tensor):
        call("ft_tensor_binary_right", number, a.handle, byref(Scalar(b)), result.target)
    else:
        call("ft_tensor_binary", number, a.handle, b.handle, result.target)
    return result


def unary(number: int, a: Tensor, into: Tensor | None = None) -> Tensor:
    """A function of one tensor."""
    if not FUNCTIONS[number].is_direct:
        from functions import function

        return function(FUNCTIONS[number].name, a, into=into)
    result = into or Tensor()
    call("ft_tensor_unary", number, a.handle, result.target)
    return result


def load(filename: str | Path, device: int = 0, requires_grad: int = -1, train: int = 0) -> Object:
    """A model from its file."""
    model = Object()
    place = Options(-1, device, -1, requires_grad)
    call("ft_model_load", str(filename).encode(), byref(place), train, model.target)
    return model


def parameters(model: Object, count: int) -> list[Tensor]:
    """The parameters of a model."""
    outputs = [Tensor() for _ in range(count)]
    memory = handles(outputs)
    call("ft_model_parameters", model.handle, memory, c_int64(count))
    for output, handle in zip(outputs, memory):
        output.handle.value = handle
    return outputs


def forward(
    model: Object,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    requires_grad: int = 0,
    method: str = "",
) -> None:
    """Runs a model; the outputs exist."""
    sizes = c_int64(len(inputs)), c_int64(len(outputs))
    call(
        *("ft_model_forward", model.handle, handles(inputs), sizes[0]),
        *(handles(outputs), sizes[1], requires_grad, method.encode()),
    )


def optimizer(
    number: int, parameters: Sequence[Tensor], hyperparameters: Sequence[float]
) -> Object:
    """An optimizer by its number in the catalog."""
    result = Object()
    values = (c_double * max(len(hyperparameters), 1))(*map(float, hyperparameters))
    sizes = c_int64(len(parameters)), c_int64(len(hyperparameters))
    call("ft_optim_create", number, handles(parameters), sizes[0], values, sizes[1], result.target)
    return result


def add_parameters(
    optimizer: Object, parameters: Sequence[Tensor], chosen: dict[str, float]
) -> None:
    """Another group of an optimizer, with hyperparameters by name."""
    names = [one.name for one in GROUP_ARGUMENTS]
    values = (c_double * len(names))(*(float(chosen.get(name, 0)) for name in names))
    given = (c_int32 * len(names))(*(name in chosen for name in names))
    size = c_int64(len(parameters))
    call("ft_optim_add_parameters", optimizer.handle, handles(parameters), size, values, given)


def scheduler(name: str, optimizer: Object, chosen: dict[str, Any]) -> Object:
    """A scheduler by its name in the catalog."""
    number, row = next((i, one) for i, one in enumerate(SCHEDULERS) if one.name == name)
    values = []
    for one in row.arguments:
        value = chosen.get(one.name, one.default_value)
        values.append(float(one.choices.index(value) if isinstance(value, str) else value))
    numbers = (c_double * max(len(values), 1))(*values)
    milestones = chosen.get("milestones", [])
    sizes = c_int64(len(values)), c_int64(len(milestones))
    result = Object()
    arguments = (numbers, sizes[0], extents(milestones), sizes[1])
    call("ft_scheduler_create", number, optimizer.handle, *arguments, result.target)
    return result


def sequence(optimizer: Object, parts: Sequence[Object], milestones: Sequence[int]) -> Object:
    """Schedulers one after the other."""
    result = Object()
    arguments = (
        handles(parts),
        c_int64(len(parts)),
        extents(milestones),
        c_int64(len(milestones)),
    )
    call("ft_scheduler_create_sequence", optimizer.handle, *arguments, result.target)
    return result


def loss(
    number: int,
    input: Tensor,
    target: Tensor,
    kind: int = 1,
    into: Tensor | None = None,
    values: Sequence[float] | None = None,
    tensors: dict[str, Tensor] | None = None,
) -> Tensor:
    """A loss by its row in the catalog, with its defaults unless told otherwise."""
    named = [one.name for row in LOSSES[number:][:1] for one in row.tensors]
    further = (c_void_p * max(len(named), 1))(
        *(
            (tensors or {})[name].handle.value if name in (tensors or {}) else None
            for name in named
        )
    )
    if values is None:
        values = [one.default for row in LOSSES[number:][:1] for one in row.arguments]
    result, operands = into or Tensor(), (input.handle, target.handle)
    numbers, size = (c_double * len(values))(*map(float, values)), c_int64(len(values))
    call(
        *("ft_loss", number, *operands, further, c_int64(len(named))),
        *(numbers, size, c_int(kind), result.target),
    )
    return result


def live() -> tuple[int, ...]:
    """Living objects of each kind."""
    return tuple(getattr(LIBRARY, f"ft_{kind.name}_live")() for kind in KINDS)
