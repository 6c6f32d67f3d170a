# SPDX-License-Identifier: MIT
"""What ci/spack says where there is no Spack."""

from __future__ import annotations

import os
import subprocess


def run(root, **environment):
    """Runs ci/spack with the commands of the system alone."""
    settings = {"PATH": os.defpath, **environment}
    command = [root / "ci" / "spack"]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


def test_without_spack(root):
    result = run(root)
    assert result.returncode == 0
    assert "skipped, because there is no Spack" in result.stdout


def test_wrong_root(root, tmp_path):
    result = run(root, SPACK_ROOT=str(tmp_path))
    assert result.returncode == 3
    assert f"SPACK_ROOT is '{tmp_path}', which has no bin/spack" in result.stderr
