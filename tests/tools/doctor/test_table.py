# SPDX-License-Identifier: MIT
"""The table of checks in the reference."""

from __future__ import annotations

import re
from pathlib import Path

from ftorch_tools.testing.commands.doctor import CHECKS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "ftorch-test.md"


def test_table_has_each_check_in_order() -> None:
    table = PAGE.read_text(encoding="utf-8").split("| check | looks at |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == list(CHECKS)
