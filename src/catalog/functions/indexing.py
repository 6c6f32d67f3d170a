# SPDX-License-Identifier: MIT
"""Parts of tensors; indices count from 1."""

from __future__ import annotations

from functools import partial

from .function import INDICES, INTEGER, Function, FunctionArgument, dim, tensor

part = partial(Function, family="indexing")

ROWS = (
    part(
        name="select",
        arguments=(tensor(), dim(), FunctionArgument(name="index", role=INTEGER)),
        call="selected(x, dim, index)",
        doc="The section at `index` of a dimension, which the result has not.",
        reference="x.select(dim, index - 1)",
        samples=({"dim": 1, "index": 3}, {"dim": 2, "index": 1}),
    ),
    part(
        name="narrow",
        arguments=(
            tensor(),
            dim(),
            FunctionArgument(name="first", role=INTEGER),
            FunctionArgument(name="last", role=INTEGER),
        ),
        call="narrowed(x, dim, first, last)",
        doc="The section `first:last` of a dimension.",
        reference="x.narrow(dim, first - 1, last - first + 1)",
        samples=({"dim": 1, "first": 2, "last": 3}, {"dim": 2, "first": 1, "last": 0}),
    ),
    part(
        name="index_select",
        arguments=(tensor(), dim(), FunctionArgument(name="indices", role=INDICES)),
        call="index_selected(x, dim, indices)",
        doc="The sections at the indices of a dimension, in their order.",
        reference="x.index_select(dim, torch.as_tensor(indices) - 1)",
        samples=({"dim": 1, "indices": (3, 1, 3)}, {"dim": 2, "indices": (2,)}),
    ),
    part(
        name="gather",
        arguments=(tensor(), dim(), tensor("indices")),
        call="gathered(x, dim, indices)",
        doc="Along a dimension the elements that `indices`, of the shape of the result, names.",
        reference="x.gather(dim, indices - 1)",
        shapes={"indices": (2, 3)},
    ),
)
