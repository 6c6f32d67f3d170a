# SPDX-License-Identifier: MIT
"""Reductions over all elements or along a dimension, and sums on the way."""

from __future__ import annotations

from functools import partial

from .function import NUMBER, Function, FunctionArgument, dim, flag, tensor

KEEP = flag("keepdim")
reduction = partial(
    Function,
    family="reductions",
    arguments=(tensor(), dim(is_optional=True), KEEP),
    domain=(-0.9, 0.9),
)
PLACE = "the result is a place"
LOGICAL = "the result is logical"

ROWS = (
    reduction(
        name="sum",
        subroutine_dummy="tensor",
        doc="Sum; integers give int64, logicals are counted.",
        reference="torch.sum(x, dim, keepdim)",
        intrinsic="sum",
        fortran="sum(x{, dim})",
    ),
    reduction(
        name="product",
        call="product(x, dim, keepdim)",
        doc="Product; integers give int64.",
        reference="torch.prod(x, dim, keepdim) if dim is not None else"
        " torch.prod(x).reshape([1] * x.dim() if keepdim else [])",
        intrinsic="product",
        fortran="product(x{, dim})",
    ),
    reduction(
        name="mean",
        subroutine_dummy="tensor",
        doc="Arithmetic mean; real and complex only.",
        reference="torch.mean(x, dim, keepdim)",
    ),
    reduction(
        name="maxval",
        call="extreme(at::amax, x, dim, keepdim)",
        doc="Greatest value; NaN if there is one. Equal ones share the gradient.",
        reference="torch.amax(x, dim if dim is not None else (), keepdim)",
        intrinsic="maxval",
        fortran="maxval(x{, dim})",
    ),
    reduction(
        name="minval",
        call="extreme(at::amin, x, dim, keepdim)",
        doc="Least value; NaN if there is one. Equal ones share the gradient.",
        reference="torch.amin(x, dim if dim is not None else (), keepdim)",
        intrinsic="minval",
        fortran="minval(x{, dim})",
    ),
    reduction(
        name="maxloc",
        call="place_of_extreme(at::argmax, x, dim, keepdim)",
        doc="Place of the greatest value, from 1, int64: along `dim`, or the indices of all"
        " dimensions."
        " The first in Fortran's order of elements counts.",
        reference="torch.argmax(x, dim, keepdim) + 1 if dim is not None else torch.tensor([i + 1"
        " for i in torch.unravel_index(torch.argmax(x), x.shape)])",
        intrinsic="maxloc",
        fortran="maxloc(x{, dim})",
        samples=({}, {"dim": 1}, {"dim": 2, "keepdim": True}),
        no_gradient=PLACE,
    ),
    reduction(
        name="minloc",
        call="place_of_extreme(at::argmin, x, dim, keepdim)",
        doc="Place of the least value, as `maxloc`.",
        reference="torch.argmin(x, dim, keepdim) + 1 if dim is not None else torch.tensor([i + 1"
        " for i in torch.unravel_index(torch.argmin(x), x.shape)])",
        intrinsic="minloc",
        fortran="minloc(x{, dim})",
        samples=({}, {"dim": 1}, {"dim": 2, "keepdim": True}),
        no_gradient=PLACE,
    ),
    reduction(
        name="any",
        call="at::any(logical(x), dim, keepdim)",
        doc="True if one is, of a logical tensor.",
        reference="torch.any(x, dim, keepdim) if dim is not None else"
        " torch.any(x).reshape([1] * x.dim() if keepdim else [])",
        intrinsic="any",
        fortran="any(x{, dim})",
        dtype="bool",
        no_gradient=LOGICAL,
    ),
    reduction(
        name="all",
        call="at::all(logical(x), dim, keepdim)",
        doc="True if all are, of a logical tensor.",
        reference="torch.all(x, dim, keepdim) if dim is not None else"
        " torch.all(x).reshape([1] * x.dim() if keepdim else [])",
        intrinsic="all",
        fortran="all(x{, dim})",
        dtype="bool",
        no_gradient=LOGICAL,
    ),
    reduction(
        name="count",
        call="at::sum(logical(x), dim, keepdim)",
        doc="How many are true, of a logical tensor, int64.",
        reference="torch.sum(x, dim, keepdim)",
        intrinsic="count",
        fortran="count(x{, dim})",
        dtype="bool",
        no_gradient="the result is an integer",
    ),
    reduction(
        name="norm2",
        call="at::linalg_vector_norm(x, 2, dim, keepdim)",
        doc="Euclidean norm.",
        reference="torch.linalg.vector_norm(x, 2, dim, keepdim)",
        intrinsic="norm2",
        fortran="norm2(x{, dim})",
    ),
    *(
        reduction(
            name=name,
            arguments=(
                tensor(),
                dim(is_optional=True),
                KEEP,
                FunctionArgument(name="correction", role=NUMBER, is_optional=True, default=1.0),
            ),
            call=f"at::{name}(x, dim, std::optional<at::Scalar>(correction), keepdim)",
            doc=doc,
            reference=f"torch.{name}(x, dim, correction=correction, keepdim=keepdim)",
            samples=({}, {"dim": 1}, {"dim": 2, "keepdim": True, "correction": 0}),
        )
        for name, doc in (
            ("var", "Variance: squares of deviations over their number minus `correction`."),
            ("std", "Standard deviation, the root of `var`."),
        )
    ),
    reduction(
        name="logsumexp",
        call="at::logsumexp(x, dim.or_all(x.dim()), keepdim)",
        doc="Logarithm of the sum of exponentials, without their overflow.",
        reference="torch.logsumexp(x, dim if dim is not None else tuple(range(x.dim())), keepdim)",
    ),
    reduction(
        name="cumsum",
        arguments=(tensor(), dim()),
        doc="Sums of the elements up to each one along a dimension.",
        reference="torch.cumsum(x, dim)",
    ),
)
