# SPDX-License-Identifier: MIT
"""Takes from pytest the options that leave out tests, as `addopts` of a project may have them."""

from __future__ import annotations

import pytest

# `-m`, `-k`, `-x`, `--lf`, `--ff`, `--nf` and `--sw`, with what pytest has without them.
_SELECTING = {
    "markexpr": "",
    "keyword": "",
    "maxfail": 0,
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "stepwise_skip": False,
}


def select_all(config: pytest.Config) -> None:
    """Let pytest run all tests: which are wanted, the selection of the run says alone."""
    for name, value in _SELECTING.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
