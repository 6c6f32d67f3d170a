# SPDX-License-Identifier: MIT
"""Records of runs, and what is made from them."""
