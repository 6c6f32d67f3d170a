# SPDX-License-Identifier: MIT
"""The tables that enumerators, shim, bindings, wrappers, tests and documentation derive from.

One row adds a dtype, device, operator, optimizer or loss on every level.
"""

from . import devices, dtypes, losses, operators, optimizers

__all__ = ["devices", "dtypes", "losses", "operators", "optimizers"]
