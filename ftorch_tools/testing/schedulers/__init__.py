# SPDX-License-Identifier: MIT
"""Run the tests on a cluster: one backend per scheduler, and what they have in common."""
