# SPDX-License-Identifier: MIT
"""Cuts the captured output of a Python test before pytest reads it into memory."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Generator
from contextlib import suppress

import pytest

from ftorch_tools.testing.drivers.runner import OUTPUT_LIMIT, cut_notice

# Of one stream in one phase: all of them together are to stay below the limit.
LIMIT = OUTPUT_LIMIT // 4
_KEPT = LIMIT // 2


class CaptureLimit:
    """Leaves beginning and end of what a phase of a test printed."""

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """Cut after the fixtures."""
        yield
        _cut()

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Cut after the test."""
        yield
        _cut()

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """Cut after the end of the fixtures."""
        yield
        _cut()


def _cut() -> None:
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        # While pytest captures, both are its temporary files.
        with suppress(Exception):  # a test may have closed it
            stream.flush()
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        if not stat.S_ISREG(status.st_mode) or status.st_size <= LIMIT:
            continue
        beginning = os.pread(descriptor, _KEPT, 0)
        end = os.pread(descriptor, _KEPT, status.st_size - _KEPT)
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        notice = cut_notice(status.st_size - 2 * _KEPT).encode("ascii")
        for piece in (beginning, notice, end):
            os.write(descriptor, piece)
