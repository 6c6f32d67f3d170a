# SPDX-License-Identifier: MIT
"""The commands of `ftorch-export`, one to a module."""
