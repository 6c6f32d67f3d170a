# SPDX-License-Identifier: MIT
"""Checks of an FTorch and of the machine around it: a module for each kind."""
