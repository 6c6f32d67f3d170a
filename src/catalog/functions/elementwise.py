# SPDX-License-Identifier: MIT
"""Functions of each element."""

from __future__ import annotations

from functools import partial

from .function import NUMBER, Function, FunctionArgument, operand, tensor

elementwise = partial(Function, family="elementwise", arguments=(tensor(),))
LOGICAL = "the result is logical"

ROWS = (
    *(
        elementwise(
            name=name,
            doc=doc,
            reference=f"torch.{name}(x)",
            intrinsic=name,
            fortran=f"{name}(x)",
            domain=domain,
        )
        for name, doc, domain in (
            ("exp", "Exponential.", (-0.9, 0.9)),
            ("log", "Natural logarithm.", (0.1, 2.9)),
            ("log10", "Logarithm to base 10.", (0.1, 2.9)),
            ("sqrt", "Square root.", (0.1, 2.9)),
            ("abs", "Absolute value.", (-0.9, 0.9)),
            ("sin", "Sine, of radians.", (-2.9, 2.9)),
            ("cos", "Cosine, of radians.", (-2.9, 2.9)),
            ("tan", "Tangent, of radians.", (-1.2, 1.2)),
            ("asin", "Arcsine, in radians.", (-0.9, 0.9)),
            ("acos", "Arccosine, in radians.", (-0.9, 0.9)),
            ("atan", "Arctangent, in radians.", (-2.9, 2.9)),
            ("sinh", "Hyperbolic sine.", (-2.9, 2.9)),
            ("cosh", "Hyperbolic cosine.", (-2.9, 2.9)),
            ("tanh", "Hyperbolic tangent.", (-2.9, 2.9)),
            ("erf", "Error function; real tensors.", (-1.9, 1.9)),
            ("erfc", "Complementary error function; real tensors.", (-1.9, 1.9)),
        )
    ),
    *(
        elementwise(name=name, doc=doc, reference=f"torch.{name}(x)", domain=domain)
        for name, doc, domain in (
            ("expm1", "Exponential minus one, precise near zero.", (-0.9, 0.9)),
            ("log1p", "Natural logarithm of one plus x, precise near zero.", (-0.5, 2.9)),
            ("log2", "Logarithm to base 2.", (0.1, 2.9)),
            ("rsqrt", "One over the square root.", (0.1, 2.9)),
            ("square", "Product with itself.", (-0.9, 0.9)),
        )
    ),
    elementwise(
        name="log_gamma",
        call="at::lgamma(x)",
        doc="Logarithm of the absolute value of the gamma function; real tensors.",
        reference="torch.lgamma(x)",
        intrinsic="log_gamma",
        fortran="log_gamma(x)",
        domain=(0.1, 4.9),
    ),
    elementwise(
        name="sign",
        call="at::sgn(x)",
        doc="Sign as -1, 0 or 1; of a complex number, the number divided by its absolute value.",
        reference="torch.sgn(x)",
        intrinsic="sign",
        domain=(-0.9, 0.9),
    ),
    elementwise(
        name="floor",
        doc="Greatest whole number that is not above, in the dtype of `x`.",
        reference="torch.floor(x)",
        intrinsic="floor",
        fortran="real(floor(x), kind(x))",
        domain=(-2.9, 2.9),
    ),
    elementwise(
        name="ceiling",
        call="at::ceil(x)",
        doc="Least whole number that is not below, in the dtype of `x`.",
        reference="torch.ceil(x)",
        intrinsic="ceiling",
        fortran="real(ceiling(x), kind(x))",
        domain=(-2.9, 2.9),
    ),
    elementwise(
        name="nint",
        call="nearest_integer(x)",
        doc="Nearest whole number, in the dtype of `x`; halves go away from zero as in Fortran,"
        " where PyTorch's `round` takes them to the even one.",
        reference="torch.trunc(x) + torch.sign(x) * (torch.abs(x - torch.trunc(x)) >= 0.5)",
        intrinsic="nint",
        fortran="real(nint(x), kind(x))",
        domain=(-2.9, 2.9),
    ),
    elementwise(
        name="aint",
        call="at::trunc(x)",
        doc="Whole number towards zero, in the dtype of `x`.",
        reference="torch.trunc(x)",
        intrinsic="aint",
        fortran="aint(x)",
        domain=(-2.9, 2.9),
    ),
    elementwise(
        name="real",
        doc="Real part, in the real kind of a complex tensor; a real tensor is its own.",
        reference="torch.real(x)",
        intrinsic="real",
        fortran="real(x, kind(x))",
    ),
    elementwise(
        name="aimag",
        call="at::imag(x)",
        doc="Imaginary part of a complex tensor.",
        reference="torch.imag(x)",
        intrinsic="aimag",
        dtype="complex",
    ),
    elementwise(
        name="conjg",
        call="at::conj_physical(x)",
        doc="Complex conjugate.",
        reference="torch.conj_physical(x)",
        intrinsic="conjg",
    ),
    elementwise(
        name="isnan",
        doc="True for NaN.",
        reference="torch.isnan(x)",
        no_gradient=LOGICAL,
    ),
    elementwise(
        name="isfinite",
        doc="True for what is neither infinite nor NaN.",
        reference="torch.isfinite(x)",
        no_gradient=LOGICAL,
    ),
    elementwise(
        name="clamp",
        arguments=(
            tensor(),
            FunctionArgument(name="minimum", role=NUMBER, is_optional=True),
            FunctionArgument(name="maximum", role=NUMBER, is_optional=True),
        ),
        doc="What is below `minimum` or above `maximum` becomes that.",
        reference="torch.clamp(x, minimum, maximum)",
        samples=({"minimum": 0.3}, {"maximum": 0.6}, {"minimum": 0.3, "maximum": 0.6}),
    ),
    elementwise(
        name="merge",
        arguments=(operand("x"), operand("y"), tensor("mask")),
        call='at::where(logical(mask, "mask"), x, y)',
        doc="`x` where `mask` is true, `y` elsewhere.",
        reference="torch.where(mask, x, y)",
        intrinsic="merge",
    ),
)
