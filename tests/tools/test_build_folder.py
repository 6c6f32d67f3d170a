# SPDX-License-Identifier: MIT
"""Which build folder is taken."""

from __future__ import annotations

import shutil

import pytest

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.project import find_build


@pytest.mark.parametrize("named", [True, False])
def test_copy_of_a_build_is_refused(project, monkeypatch, named):
    build = project.build
    (build / "CMakeCache.txt").write_text(f"CMAKE_CACHEFILE_DIR:INTERNAL={build}\n")
    link = project.root / "link"
    link.symlink_to(build)
    assert find_build(build) == find_build(link) == build.resolve()
    copy = project.root / "other/build"
    shutil.copytree(build, copy)
    monkeypatch.chdir(copy.parent)
    with pytest.raises(UsageError, match=f"{copy} is a copy of {build}"):
        find_build(copy if named else None)
    # Its tests cannot start, and are recorded so.
    shutil.rmtree(build)
    assert find_build(copy if named else None) == copy.resolve()
