# SPDX-License-Identifier: MIT
"""The tables from which enumerators, shim, bindings, wrappers, tests and documentation are derived.

One row adds a dtype, device, operator, optimizer or loss on every level.
"""

from . import devices, dtypes, losses, operators, optimizers

__all__ = ["devices", "dtypes", "losses", "operators", "optimizers"]
