# SPDX-License-Identifier: MIT
"""C entries for optimizers and losses."""

from __future__ import annotations

from .entry import Entry

ENTRIES = (
    Entry(
        name="ft_optim_create",
        arguments="row:int parameters:handles parameters_size:int64 hyperparameters:doubles "
        "hyperparameters_size:int64 out:handle_out",
        comment="Optimizers by their row in the catalog's table; hyperparameters in the order "
        "of its row, logicals as 0 and 1.",
    ),
    Entry(
        name="ft_optim_copy",
        arguments="optim:handle out:handle_out",
    ),
    Entry(
        name="ft_optim_step",
        arguments="optim:handle",
    ),
    Entry(
        name="ft_optim_zero_gradient",
        arguments="optim:handle",
    ),
    Entry(
        name="ft_loss",
        arguments="row:int input:handle target:handle values:doubles values_size:int64"
        " reduction:int loss:handle_out",
        comment="Losses by their row in the catalog's table; values in the order of its arguments,"
        " logicals as 0 and 1.",
    ),
)
