# SPDX-License-Identifier: MIT
"""Takes from pytest the options that leave out tests or run none, as `addopts` may have them."""

from __future__ import annotations

from typing import Any

import pytest

# `-m`, `-k`, `-x`, `--lf`, `--ff`, `--nf` and `--sw`, with what pytest has without them.
_SELECTING: dict[str, Any] = {
    "markexpr": "",
    "keyword": "",
    "maxfail": 0,
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "stepwise_skip": False,
}
# With these pytest shows something in place of running tests, runs a part of each, or stops in it.
_SHOWING: dict[str, tuple[str, Any]] = {
    "collectonly": ("--collect-only", False),
    "setuponly": ("--setup-only", False),
    "setupplan": ("--setup-plan", False),
    "showfixtures": ("--fixtures", False),
    "show_fixtures_per_test": ("--fixtures-per-test", False),
    "markers": ("--markers", False),
    "cacheshow": ("--cache-show", None),
    "version": ("--version", 0),
    "help": ("--help", False),
    "usepdb": ("--pdb", False),
    "trace": ("--trace", False),
    "looponfail": ("--looponfail", False),
}


def select_all(config: pytest.Config) -> None:
    """Let pytest take all tests: which are wanted, the selection of the run says alone."""
    for name, value in _SELECTING.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)


def run_all(config: pytest.Config) -> list[str]:
    """Let pytest run all tests, once and whole; return the options taken back, to be told."""
    select_all(config)
    found = []
    for name, (option, value) in _SHOWING.items():
        if getattr(config.option, name, value) not in (value, None, 0, False):
            setattr(config.option, name, value)
            found.append(option)
    if getattr(config.option, "dist", None) == "each":
        config.option.dist = "load"
        found.append("--dist=each")
    return found
