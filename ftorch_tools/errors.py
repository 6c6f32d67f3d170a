# SPDX-License-Identifier: MIT
"""Exit codes of `ftorch-test` and the errors that carry them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit status of `ftorch-test` says."""

    OK = 0
    TESTS_FAILED = 1
    USAGE = 2
    INFRASTRUCTURE = 3
    NOTHING_SELECTED = 4
    REGRESSION = 5


class UsageError(Exception):
    """The command line asks for something that cannot be done."""


class InfrastructureError(Exception):
    """ctest or pytest is missing, or broke without a report."""


class RecordError(Exception):
    """A record is damaged, or of a version that this program does not know."""
