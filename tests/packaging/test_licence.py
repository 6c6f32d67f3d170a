# SPDX-License-Identifier: MIT
"""Whoever gets FTorch gets its licence."""

from __future__ import annotations

from .conftest import ROOT, Installation


def test_installation_carries_the_licence(installation: Installation):
    installed = installation.prefix / "share" / "licenses" / "ftorch" / "LICENSE"
    assert installed.read_bytes() == (ROOT / "LICENSE").read_bytes()
