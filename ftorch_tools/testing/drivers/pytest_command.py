# SPDX-License-Identifier: MIT
"""The commands by which pytest is started, and the environment in which it runs."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ftorch_tools.testing.drivers.pytest_paths import arguments, count_tests
from ftorch_tools.text import is_text

# The environment variables that carry what the plugin needs.
OPTIONS = "FTORCH_TEST_PYTEST"
EVENTS = "FTORCH_TEST_EVENTS"
_FROM_AN_OUTER_RUN = re.compile(
    r"PYTEST_(XDIST_.*|CURRENT_TEST|VERSION)|FTORCH_TEST_(PYTEST|EVENTS)"
)
# pytest cannot write down names that are no text.
NO_CACHE = ["-p", "no:cacheprovider"]


def environment_for(options: Path, build: Path | None) -> dict[str, str]:
    """Return the environment of pytest, with the file of the plugin's `options`."""
    kept = {k: v for k, v in os.environ.items() if not _FROM_AN_OUTER_RUN.fullmatch(k)}
    kept[OPTIONS] = str(options)
    if build is not None:
        kept["FTORCH_BUILD_DIR"] = str(build)
    return kept


def commands(
    paths: list[Path], project: Path, timeout: float, jobs: int, cache: Path
) -> tuple[list[str], list[str]]:
    """Return the command that runs what is below `paths`, and the one that runs a test alone."""
    common = [sys.executable, "-m", "pytest", "-p", "ftorch_tools.testing.drivers.pytest_plugin"]
    # They are asked for, in case the environment says that no plugin is loaded by itself.
    common += ["-p", "xdist", "-p", "timeout"]
    common += ["--timeout", f"{timeout:g}", "--color", "no", "--rootdir", str(project)]
    workers = max(1, min(jobs, count_tests(paths, project, jobs)))
    if not is_text("".join(map(str, [project, *paths, *sys.path]))):
        workers = 0  # xdist cannot send such a path: each test runs alone
        common += NO_CACHE
    session = [*common, "-n", str(workers), "--max-worker-restart", "1000"]
    alone = [*common, "-n", "0", "-o", f"cache_dir={cache}"]
    return [*session, *arguments(paths, project)], alone
