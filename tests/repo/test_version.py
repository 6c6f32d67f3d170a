# SPDX-License-Identifier: MIT
"""The version stands in one place."""

from __future__ import annotations

import re


def test_version_stands_only_in_project(root, tracked):
    text = (root / "CMakeLists.txt").read_text()
    version = re.search(r"project\(FTorch VERSION (\d+\.\d+\.\d+)", text)[1]
    pattern = re.compile(rf"(?<![\d.]){re.escape(version)}(?![\d.]*\d)")
    holders = [
        str(path)
        for path in tracked
        if path.name != "CHANGELOG.md"
        and pattern.search((root / path).read_bytes().decode("utf-8", "ignore"))
    ]
    assert holders == ["CMakeLists.txt"]
