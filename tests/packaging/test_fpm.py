# SPDX-License-Identifier: MIT
"""A program of the Fortran package manager that depends on FTorch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import ROOT, Installation, run


@pytest.mark.parametrize("place", ["installed", "sources"])
def test_readme_program(installation: Installation, needs, tmp_path: Path, place: str):
    needs("fpm")
    needs("pkg-config")
    # fpm takes a path to be relative, whatever it starts with.
    folder = installation.prefix / "share" / "ftorch" if place == "installed" else ROOT
    path = os.path.relpath(folder, tmp_path)
    (tmp_path / "fpm.toml").write_text(
        f'name = "user"\n\n[dependencies]\nftorch.path = "{path}"\n'
    )
    (tmp_path / "app").mkdir()
    shutil.copy(installation.readme / "readme.f90", tmp_path / "app" / "main.f90")
    search = {"PKG_CONFIG_PATH": str(installation.pkg_config)}
    flags = {
        "FPM_FC": installation.compiler,
        "FPM_FFLAGS": run("pkg-config", "--cflags", "ftorch", env=search).strip(),
        "FPM_LDFLAGS": run("pkg-config", "--static", "--libs", "ftorch", env=search).strip(),
    }
    run("fpm", "install", "--prefix", tmp_path / "prefix", cwd=tmp_path, env=flags)
    installation.check(tmp_path / "prefix" / "bin" / "user")


def test_modules_are_installed(installation: Installation):
    text = (installation.prefix / "share" / "ftorch" / "fpm.toml").read_text()
    modules = text.split("external-modules = [")[1].split("]")[0].replace('"', "").split(",")
    names = {name.strip() for name in modules if name.strip()}
    installed = {path.stem for path in installation.prefix.rglob("*.mod")}
    assert "ftorch" in names
    assert names <= installed
