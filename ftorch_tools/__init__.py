# SPDX-License-Identifier: MIT
"""Command-line tools of FTorch: a package for each, and here what they share."""
