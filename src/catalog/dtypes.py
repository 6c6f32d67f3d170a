# SPDX-License-Identifier: MIT
"""Element types of tensors; the codes are those of `c10::ScalarType`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
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
        name="uint8",
        constant="torch_kUInt8",
        code=0,
        aten="at::kByte",
        doc="Unsigned byte; storage on the PyTorch side only.",
    ),
    DType(
        name="int8",
        constant="torch_kInt8",
        code=1,
        aten="at::kChar",
        fortran="integer(int8)",
        kind="int8",
        doc="Signed byte.",
    ),
    DType(
        name="int16",
        constant="torch_kInt16",
        code=2,
        aten="at::kShort",
        fortran="integer(int16)",
        kind="int16",
        doc="Two-byte integer.",
    ),
    DType(
        name="int32",
        constant="torch_kInt32",
        code=3,
        aten="at::kInt",
        fortran="integer(int32)",
        kind="int32",
        doc="Four-byte integer, the default integer of most compilers.",
    ),
    DType(
        name="int64",
        constant="torch_kInt64",
        code=4,
        aten="at::kLong",
        fortran="integer(int64)",
        kind="int64",
        doc="Eight-byte integer; class labels and indices.",
    ),
    DType(
        name="float16",
        constant="torch_kFloat16",
        code=5,
        aten="at::kHalf",
        family="real",
        doc="IEEE half precision; no Fortran kind.",
    ),
    DType(
        name="float32",
        constant="torch_kFloat32",
        code=6,
        aten="at::kFloat",
        fortran="real(real32)",
        kind="real32",
        family="real",
        doc="Single precision.",
    ),
    DType(
        name="float64",
        constant="torch_kFloat64",
        code=7,
        aten="at::kDouble",
        fortran="real(real64)",
        kind="real64",
        family="real",
        doc="Double precision.",
    ),
    DType(
        name="complex64",
        constant="torch_kComplexFloat",
        code=9,
        aten="at::kComplexFloat",
        fortran="complex(real32)",
        kind="real32",
        family="complex",
        doc="Two single-precision parts.",
    ),
    DType(
        name="complex128",
        constant="torch_kComplexDouble",
        code=10,
        aten="at::kComplexDouble",
        fortran="complex(real64)",
        kind="real64",
        family="complex",
        doc="Two double-precision parts.",
    ),
    DType(
        name="bool",
        constant="torch_kBool",
        code=11,
        aten="at::kBool",
        fortran="logical(c_bool)",
        kind="c_bool",
        module="iso_c_binding",
        family="logical",
        doc="One-byte logical.",
    ),
    DType(
        name="bfloat16",
        constant="torch_kBFloat16",
        code=15,
        aten="at::kBFloat16",
        family="real",
        doc="Brain floating point; no Fortran kind.",
    ),
)

ARRAYS = tuple(row for row in DTYPES if row.fortran)
"""Element types of Fortran arrays that a tensor wraps in place."""

SCALARS = tuple(row for row in ARRAYS if row.family in ("integer", "real"))
"""Types of a Fortran scalar on either side of an operator."""
