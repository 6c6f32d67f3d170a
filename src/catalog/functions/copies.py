# SPDX-License-Identifier: MIT
"""Copies: of another kind, in another order in memory, in or outside the graph."""

from __future__ import annotations

from functools import partial

from .function import DTYPE, Function, FunctionArgument, tensor

copy = partial(Function, family="copies")

ROWS = (
    copy(
        name="clone",
        arguments=(tensor(),),
        call="x.clone()",
        doc="A copy, in the graph.",
        reference="x.clone()",
    ),
    copy(
        name="detach",
        arguments=(tensor(),),
        call="x.detach()",
        doc="A copy outside the graph.",
        reference="x.detach()",
        no_gradient="it leaves the graph",
    ),
    copy(
        name="contiguous",
        arguments=(tensor(),),
        call="x.contiguous()",
        doc="A copy in PyTorch's order of elements in memory, in which the last dimension varies"
        " fastest.",
        reference="x.contiguous()",
    ),
    copy(
        name="cast",
        arguments=(tensor(), FunctionArgument(name="dtype", role=DTYPE)),
        call="cast(x, dtype)",
        doc="A copy of another dtype; numbers are rounded where they must be; an imaginary part"
        " is never dropped.",
        reference="x.to(dtype)",
        samples=({"dtype": "float32"}, {"dtype": "float64"}),
    ),
)
