# SPDX-License-Identifier: MIT
"""Arithmetic with operators, and functions of two operands."""

from __future__ import annotations

from functools import partial

from .function import Function, operand, tensor

arithmetic = partial(Function, family="arithmetic", arguments=(operand("x"), operand("y")))

ROWS = (
    arithmetic(
        name="add",
        doc="Sum, element by element.",
        reference="x + y",
        symbol="+",
        fortran="x + y",
        keeps_integers=True,
    ),
    arithmetic(
        name="sub",
        doc="Difference, element by element.",
        reference="x - y",
        symbol="-",
        fortran="x - y",
        keeps_integers=True,
    ),
    arithmetic(
        name="mul",
        doc="Product, element by element.",
        reference="x * y",
        symbol="*",
        fortran="x * y",
        keeps_integers=True,
    ),
    arithmetic(
        name="div",
        doc="True quotient; integers give a real result.",
        reference="x / y",
        symbol="/",
        fortran="x / y",
    ),
    arithmetic(
        name="pow",
        doc="Power, element by element.",
        reference="x ** y",
        symbol="**",
        fortran="x ** y",
        has_number_overload=True,
        keeps_integers=True,
    ),
    arithmetic(
        name="neg",
        arguments=(tensor(),),
        doc="Negation.",
        reference="-x",
        symbol="-",
        fortran="-x",
        domain=(-0.9, 0.9),
    ),
    arithmetic(
        name="atan2",
        keeps_integers=True,
        doc="Angle of the point with ordinate `x` and abscissa `y`, from -pi to pi.",
        reference="torch.atan2(x, y)",
        intrinsic="atan2",
        fortran="atan2(x, y)",
        domain=(-0.9, 0.9),
    ),
    arithmetic(
        name="hypot",
        keeps_integers=True,
        doc="Length of the vector of two components, without overflow; real tensors.",
        reference="torch.hypot(x, y)",
        intrinsic="hypot",
        fortran="hypot(x, y)",
        domain=(-0.9, 0.9),
    ),
    arithmetic(
        name="min",
        call="at::minimum(x, y)",
        doc="The lesser of two, element by element; NaN where either is.",
        reference="torch.minimum(x, y)",
        intrinsic="min",
        fortran="min(x, y)",
        keeps_integers=True,
        domain=(-0.9, 0.9),
    ),
    arithmetic(
        name="max",
        call="at::maximum(x, y)",
        doc="The greater of two, element by element; NaN where either is.",
        reference="torch.maximum(x, y)",
        intrinsic="max",
        fortran="max(x, y)",
        keeps_integers=True,
        domain=(-0.9, 0.9),
    ),
    arithmetic(
        name="mod",
        call="at::fmod(x, y)",
        doc="Remainder with the sign of `x`.",
        reference="torch.fmod(x, y)",
        intrinsic="mod",
        fortran="mod(x, y)",
        keeps_integers=True,
        domain=(0.15, 0.95),
    ),
    arithmetic(
        name="modulo",
        call="at::remainder(x, y)",
        doc="Remainder with the sign of `y`.",
        reference="torch.remainder(x, y)",
        intrinsic="modulo",
        fortran="modulo(x, y)",
        keeps_integers=True,
        domain=(0.15, 0.95),
    ),
    arithmetic(
        name="copysign",
        keeps_integers=True,
        call="with_sign(x, y)",
        doc="Absolute value of `x` with the sign of `y`, as Fortran's `sign(x, y)`.",
        reference="torch.copysign(x, y) if x.is_floating_point() or y.is_floating_point()"
        " else torch.where(y < 0, -torch.abs(x), torch.abs(x)).to(torch.result_type(x, y))",
        intrinsic="sign",
        fortran="sign(x, y)",
        domain=(-0.9, 0.9),
    ),
)
