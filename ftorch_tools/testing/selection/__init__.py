# SPDX-License-Identifier: MIT
"""Which tests are asked for, in the same words for ctest and pytest."""

from ftorch_tools.testing.selection.selection import (
    CTEST,
    PYTEST,
    PYTHON,
    Choice,
    Selection,
    reached_by,
)

__all__ = ["CTEST", "PYTEST", "PYTHON", "Choice", "Selection", "reached_by"]
