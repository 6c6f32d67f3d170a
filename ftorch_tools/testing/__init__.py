# SPDX-License-Identifier: MIT
"""The command `ftorch-test`."""
