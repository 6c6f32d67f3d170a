# SPDX-License-Identifier: MIT
"""Which tests are asked for, in the same words for ctest and pytest."""

from ftorch_tools.selection.selection import PYTHON, Choice, Selection

__all__ = ["PYTHON", "Choice", "Selection"]
