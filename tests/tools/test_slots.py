# SPDX-License-Identifier: MIT
"""Sharing of the cores between ctest and pytest."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ftorch_tools.drivers.ctest import ListedTest
from ftorch_tools.drivers.slots import Slots, free_cores, slot


@pytest.fixture
def slots() -> Iterator[Slots]:
    made = Slots()
    yield made
    made.lift()


def can_enter(folder: Path) -> bool:
    """Return whether a slot is to be had within half a second."""
    entered = threading.Event()

    def enter() -> None:
        with slot(folder):
            entered.set()

    threading.Thread(target=enter, daemon=True).start()
    return entered.wait(0.5)


def test_free_cores() -> None:
    one, wide = ListedTest(1, "a"), ListedTest(2, "b", processors=3)
    alone = ListedTest(3, "c", serial=True)
    assert free_cores(4, [], [one]) == 4
    assert free_cores(4, [one, wide], []) == 0
    assert free_cores(4, [wide], [one]) == 1
    assert free_cores(2, [wide], []) == 0
    assert free_cores(4, [], [alone]) == 0
    assert free_cores(4, [alone], []) == 0


def test_a_moment_of_idleness_is_no_offer(slots: Slots) -> None:
    slots.offer(0)
    slots.offer(2)
    slots.offer(0)
    assert not can_enter(slots.folder)
    slots.offer(2)
    slots.offer(2)
    assert can_enter(slots.folder)


def test_no_more_than_offered(slots: Slots) -> None:
    slots.offer(2)
    slots.offer(2)
    with ExitStack() as held:
        held.enter_context(slot(slots.folder))
        held.enter_context(slot(slots.folder))
        assert not can_enter(slots.folder)
    assert can_enter(slots.folder)


def test_lift_lets_all_in(slots: Slots) -> None:
    slots.offer(0)
    assert not can_enter(slots.folder)
    slots.lift()
    assert can_enter(slots.folder)


def test_owner_gone(slots: Slots) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    (slots.folder / "allowed").write_text(f"{process.pid} 0")
    assert can_enter(slots.folder)


def test_never_more_tests_than_jobs_and_none_beside_a_serial_one(project) -> None:
    log = project.root / "log"
    note = f"date +%s.%N >> {log}.$$; sleep 0.3; date +%s.%N >> {log}.$$"
    for number in range(4):
        project.add_ctest(f"t{number}", note)
    project.add_ctest("serial", note, RUN_SERIAL="TRUE")
    project.add_python(
        "test_p.py",
        "import subprocess, pytest\n"
        "@pytest.mark.parametrize('n', range(4))\n"
        f"def test_p(n): subprocess.run(['sh', '-c', {note!r}], check=True)\n",
    )
    assert project.run("-j", "2").last_line == "9 passed, 0 failed, 0 skipped"
    spans = [tuple(map(float, f.read_text().split())) for f in project.root.glob("log.*")]
    assert len(spans) == 9
    for start, _ in spans:
        assert sum(begin <= start < end for begin, end in spans) <= 2
