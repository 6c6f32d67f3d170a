# SPDX-License-Identifier: MIT
"""Where the tests of exported programs find the C interface and the corpus."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "exported"), str(TESTS / "shim"), str(TESTS.parent / "src")]
