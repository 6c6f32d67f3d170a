# SPDX-License-Identifier: MIT
"""Element types of tensors; the codes are those of `c10::ScalarType`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DType:
    """One element type with its spelling in each language."""

    name: str
    """Name in PyTorch, as in `torch.float32`; suffix of specific procedures."""
    constant: str
    """Public enumerator in Fortran."""
    code: int
    """Value of the enumerator, equal to `c10::ScalarType`."""
    aten: str
    """C++ enumerator."""
    fortran: str | None = None
    """Declaration of an array element that can be wrapped in place; None when Fortran has none."""
    kind: str | None = None
    """Kind constant that the declaration needs."""
    module: str = "iso_fortran_env"
    """Intrinsic module of the kind constant."""
    family: str = "integer"
    """`integer`, `real`, `complex` or `logical`."""
    doc: str = ""
    """One sentence for the reference."""


DTYPES = (
    DType(
        "uint8",
        "torch_kUInt8",
        0,
        "at::kByte",
        doc="Unsigned byte; storage on the PyTorch side only.",
    ),
    DType("int8", "torch_kInt8", 1, "at::kChar", "integer(int8)", "int8", doc="Signed byte."),
    DType(
        "int16",
        "torch_kInt16",
        2,
        "at::kShort",
        "integer(int16)",
        "int16",
        doc="Two-byte integer.",
    ),
    DType(
        "int32",
        "torch_kInt32",
        3,
        "at::kInt",
        "integer(int32)",
        "int32",
        doc="Four-byte integer, the default integer of most compilers.",
    ),
    DType(
        "int64",
        "torch_kInt64",
        4,
        "at::kLong",
        "integer(int64)",
        "int64",
        doc="Eight-byte integer; class labels and indices.",
    ),
    DType(
        "float16",
        "torch_kFloat16",
        5,
        "at::kHalf",
        family="real",
        doc="IEEE half precision; no Fortran kind.",
    ),
    DType(
        "float32",
        "torch_kFloat32",
        6,
        "at::kFloat",
        "real(real32)",
        "real32",
        family="real",
        doc="Single precision.",
    ),
    DType(
        "float64",
        "torch_kFloat64",
        7,
        "at::kDouble",
        "real(real64)",
        "real64",
        family="real",
        doc="Double precision.",
    ),
    DType(
        "complex64",
        "torch_kComplexFloat",
        9,
        "at::kComplexFloat",
        "complex(real32)",
        "real32",
        family="complex",
        doc="Two single-precision parts.",
    ),
    DType(
        "complex128",
        "torch_kComplexDouble",
        10,
        "at::kComplexDouble",
        "complex(real64)",
        "real64",
        family="complex",
        doc="Two double-precision parts.",
    ),
    DType(
        "bool",
        "torch_kBool",
        11,
        "at::kBool",
        "logical(c_bool)",
        "c_bool",
        "iso_c_binding",
        "logical",
        doc="One-byte logical.",
    ),
    DType(
        "bfloat16",
        "torch_kBFloat16",
        15,
        "at::kBFloat16",
        family="real",
        doc="Brain floating point; no Fortran kind.",
    ),
)

ARRAYS = tuple(row for row in DTYPES if row.fortran)
"""Element types of Fortran arrays that a tensor wraps in place."""

SCALARS = tuple(row for row in ARRAYS if row.family in ("integer", "real"))
"""Types of a Fortran scalar on either side of an operator."""
