# SPDX-License-Identifier: MIT
"""C entries for derivatives."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_tensor_backward",
        arguments="tensor:handle gradient:handle retain_graph:int",
        comment="gradient: that of a result with more than one element, or null for ones.",
    ),
    Entry(
        name="ft_tensor_gradient",
        arguments="tensor:handle target:handle_out",
    ),
    Entry(
        name="ft_tensor_set_gradient",
        arguments="tensor:handle gradient:handle",
        comment="A copy becomes the gradient of a leaf.",
    ),
    Entry(
        name="ft_tensor_zero_gradient",
        arguments="tensor:handle",
    ),
)
