# SPDX-License-Identifier: MIT
"""The commands of `ftorch-test`, one in a file."""
