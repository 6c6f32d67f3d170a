# SPDX-License-Identifier: MIT
"""C entries for what a training loop tells of itself."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_metrics_open",
        arguments="filename:text columns:text append:int out:handle_out",
        comment="columns: names, each ended by a line end. append: 0 for an empty file.",
    ),
    Entry(
        name="ft_metrics_copy",
        arguments="file:handle out:handle_out",
    ),
    Entry(
        name="ft_metrics_write",
        arguments="file:handle step:int64 values:doubles size:int64 is_present:int32s",
        comment="One record in one write; a value that is not present is an empty field.",
    ),
)
