# SPDX-License-Identifier: MIT
"""The oldest Python that serves is the same everywhere: that of PyTorch."""

from __future__ import annotations

import re

import pytest

PLACES = {
    "pyproject.toml": [r'^requires-python = ">=([\d.]+)"$', r'^target-version = "py(3)(\d+)"$'],
    "cmake/FTorchFypp.cmake": [r"find_package\(Python3 ([\d.]+) "],
    "ci/bootstrap": [r"sys\.version_info < \((\d+), (\d+)\)", r"Python ([\d.]+) or newer"],
    "README.md": [r"Python ([\d.]+) or newer"],
    "CONTRIBUTING.md": [r"\*\*Python\*\*: ([\d.]+) or newer"],
    "docs/how-to/cmake.md": [r"Python ([\d.]+) with"],
    "spack/spack_repo/ftorch/packages/ftorch/package.py": [r'depends_on\("python@([\d.]+):"'],
}


@pytest.mark.parametrize("place", PLACES)
def test_oldest_python(root, place):
    text = (root / place).read_text()
    for pattern in PLACES[place]:
        found = re.findall(pattern, text, re.MULTILINE)
        assert found, pattern
        for version in found:
            assert (version if isinstance(version, str) else ".".join(version)) == "3.10"
