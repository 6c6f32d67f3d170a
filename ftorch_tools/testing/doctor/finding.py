# SPDX-License-Identifier: MIT
"""What a check finds, and how all checks are run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from ftorch_tools.testing.doctor.subject import Subject

# A file system that does not answer holds up even a check without commands.
_CHECK_SECONDS = 120.0


class State(str, Enum):
    """What a finding means."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that was found; `remedy` says what to do about it."""

    state: State
    message: str
    remedy: str | None = None


Check = Callable[[Subject], Iterator[Finding]]


def ok(message: str) -> Finding:
    """Return a finding with nothing wrong."""
    return Finding(State.OK, message)


def warning(message: str, remedy: str) -> Finding:
    """Return a finding that harms only some users."""
    return Finding(State.WARNING, message, remedy)


def problem(message: str, remedy: str) -> Finding:
    """Return a finding with which FTorch or its tests cannot work."""
    return Finding(State.PROBLEM, message, remedy)


def unknown(message: str) -> Finding:
    """Return the finding of a check that cannot tell."""
    return Finding(State.UNKNOWN, f"cannot tell: {message}")


def run_checks(
    checks: Mapping[str, Check], subject: Subject, seconds: float = _CHECK_SECONDS
) -> dict[str, list[Finding]]:
    """Run all checks at once; one that breaks, or takes longer than `seconds`, cannot tell."""
    found: dict[str, list[Finding]] = {name: [] for name in checks}
    threads = {
        name: threading.Thread(target=_run, args=(check, subject, found[name]), daemon=True)
        for name, check in checks.items()
    }
    for thread in threads.values():
        thread.start()
    deadline = time.monotonic() + seconds
    for name, thread in threads.items():
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            found[name] = [*found[name], unknown(f"no answer within {seconds:g} s")]
    return found


def _run(check: Check, subject: Subject, findings: list[Finding]) -> None:
    try:
        for finding in check(subject):
            findings.append(finding)
    except Exception as error:
        findings.append(unknown(str(error) or type(error).__name__))
