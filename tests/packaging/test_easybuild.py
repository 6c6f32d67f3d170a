# SPDX-License-Identifier: MIT
"""The easyconfig: EasyBuild builds, tests and installs the source package and loads its module."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Installation, cached, run


@pytest.fixture
def eb(tmp_path: Path) -> Path:
    """EasyBuild, in an environment of its own."""
    run(sys.executable, "-m", "venv", tmp_path / "easybuild")
    pip = [str(tmp_path / "easybuild" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    requirements = Path(__file__).with_name("requirements.txt")
    process = subprocess.run([*pip, "-r", str(requirements)], capture_output=True, text=True)
    if process.returncode != 0:
        pytest.skip(f"EasyBuild cannot be installed here: {process.stderr.strip()[-300:]}")
    return tmp_path / "easybuild" / "bin" / "eb"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_builds_and_loads(package: Path, module_init: Path, eb: Path, needs, tmp_path: Path):
    needs("pkg-config")
    (easyconfig,) = package.glob("FTorch-*.eb")
    lmod = "lmod" in module_init.parts
    options = [
        f"--prefix={tmp_path}",
        f"--sourcepath={package}",
        f"--modules-tool={'Lmod' if lmod else 'EnvironmentModules'}",
        f"--module-syntax={'Lua' if lmod else 'Tcl'}",
        "--parallel=2",
        "--disable-mpi-tests",
    ]
    if os.geteuid() == 0:
        options.append("--allow-use-as-root-and-accept-consequences")
    compiler = cached("CMAKE_Fortran_COMPILER")
    # EasyBuild runs with its own Python; the build takes the one with PyTorch from PATH.
    env = {"FC": compiler, "EB_PYTHON": str(eb.with_name("python"))}
    load = f"module use {tmp_path}/modules/all && module load FTorch"
    script = f'. {module_init}; set -e; {eb} "$@"; {load}; echo "root: $EBROOTFTORCH"'
    printed = run("bash", "-c", script, "bash", easyconfig, *options, env=env)
    print(printed)
    assert "COMPLETED: Installation ended successfully" in printed
    (log,) = (tmp_path / "software").rglob("easybuild-FTorch*.log*")
    prefix = Path(re.search(r"^root: (.+)$", printed, re.MULTILINE)[1])
    assert prefix.is_relative_to(tmp_path / "software")
    assert "100% tests passed" in run(
        "sh", "-c", f"zcat -f {log}; bzcat {log} 2>/dev/null || true"
    )
    assert Installation(prefix, compiler).readme.is_dir()
