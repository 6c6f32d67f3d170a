# SPDX-License-Identifier: MIT
"""Functions that arrange elements anew."""

from __future__ import annotations

from functools import partial

from .function import INTEGER, INTEGERS, TENSORS, Function, FunctionArgument, dim, tensor

shape = partial(Function, family="shapes")
EXTENTS = FunctionArgument(name="shape", role=INTEGERS)
MANY = FunctionArgument(name="tensors", role=TENSORS)

ROWS = (
    shape(
        name="permute",
        arguments=(tensor(), FunctionArgument(name="order", role=INTEGERS)),
        call="permuted_dims(x, order)",
        doc="Dimension `i` of the result is dimension `order(i)` of `x`.",
        reference="x.permute([i - 1 for i in order])",
        samples=({"order": (2, 1)}, {"order": (1, 2)}),
    ),
    shape(
        name="squeeze",
        arguments=(tensor(), dim(is_optional=True)),
        call="squeezed(x, dim)",
        doc="Without dimensions of one element: all of them, or `dim` if it is one.",
        reference="x.squeeze() if dim is None else x.squeeze(dim)",
        shapes={"x": (1, 4)},
    ),
    shape(
        name="unsqueeze",
        arguments=(tensor(), dim("x.dim() + 1")),
        doc="With another dimension of one element, which becomes dimension `dim`.",
        reference="x.unsqueeze(dim)",
        samples=({"dim": 1}, {"dim": 3}),
    ),
    shape(
        name="expand",
        arguments=(tensor(), EXTENTS),
        call="x.expand(shape)",
        doc="Dimensions of one element are repeated, and others put before them.",
        reference="x.expand(shape)",
        shapes={"x": (1, 4)},
        samples=({"shape": (3, 4)}, {"shape": (2, 3, 4)}),
    ),
    shape(
        name="flip",
        arguments=(tensor(), dim()),
        doc="Reversed along a dimension.",
        reference="x.flip(dim)",
    ),
    shape(
        name="spread",
        arguments=(tensor(), dim("x.dim() + 1"), FunctionArgument(name="ncopies", role=INTEGER)),
        call="spread(x, dim, ncopies)",
        doc="Repeated `ncopies` times along another dimension, which becomes dimension `dim`.",
        reference="x.unsqueeze(dim).repeat_interleave(ncopies, dim)",
        intrinsic="spread",
        fortran="spread(x, dim, ncopies)",
        samples=({"dim": 1, "ncopies": 2}, {"dim": 3, "ncopies": 1}, {"dim": 2, "ncopies": 0}),
    ),
    shape(
        name="cshift",
        arguments=(tensor(), FunctionArgument(name="shift", role=INTEGER), dim(is_optional=True)),
        call="shifted(x, shift, dim)",
        doc="Shifted circularly to the left by `shift` along `dim`, the first if it is left out.",
        reference="torch.roll(x, -shift, 0 if dim is None else dim)",
        intrinsic="cshift",
        fortran="cshift(x, shift{, dim})",
        samples=({"shift": 1}, {"shift": -2, "dim": 2}, {"shift": 7, "dim": 1}),
    ),
    shape(
        name="cat",
        arguments=(MANY, dim("rank_of(tensors)")),
        call="concatenated(tensors, dim)",
        doc="Tensors one after the other along a dimension.",
        reference="torch.cat(tensors, dim)",
    ),
    shape(
        name="stack",
        arguments=(MANY, dim("rank_of(tensors) + 1")),
        doc="Tensors of one shape along another dimension, which becomes dimension `dim`.",
        reference="torch.stack(tensors, dim)",
        samples=({"dim": 1}, {"dim": 3}),
    ),
    shape(
        name="reshape",
        arguments=(tensor(), EXTENTS),
        doc="The same elements in another shape, in PyTorch's order, in which the last dimension"
        " varies fastest; one extent may be -1.",
        reference="x.reshape(shape)",
        samples=({"shape": (4, 3)}, {"shape": (12,)}, {"shape": (2, -1, 3)}),
    ),
    shape(
        name="fortran_reshape",
        arguments=(tensor(), EXTENTS),
        call="fortran_reshape(x, shape)",
        doc="The same elements in another shape, in Fortran's order, in which the first dimension"
        " varies fastest, as in the intrinsic `reshape`.",
        reference="x.permute(tuple(range(x.dim())[::-1])).reshape(shape[::-1])"
        ".permute(tuple(range(len(shape))[::-1]))",
        intrinsic="reshape",
        fortran="reshape(x, shape)",
        samples=({"shape": (4, 3)}, {"shape": (12,)}, {"shape": (2, 2, 3)}),
    ),
)
