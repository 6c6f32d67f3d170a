# SPDX-License-Identifier: MIT
"""Drive ctest and pytest."""
