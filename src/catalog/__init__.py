# SPDX-License-Identifier: MIT
"""The tables that enumerators, shim, bindings, wrappers, tests and documentation derive from.

One row adds a dtype, device, function, optimizer, scheduler or loss on every level.
"""

from . import (
    argument_kinds,
    cases,
    devices,
    dtypes,
    entries,
    functions,
    kinds,
    losses,
    optimizers,
    schedulers,
    statuses,
)

__all__ = [
    "argument_kinds",
    "cases",
    "devices",
    "dtypes",
    "entries",
    "functions",
    "kinds",
    "losses",
    "optimizers",
    "schedulers",
    "statuses",
]
