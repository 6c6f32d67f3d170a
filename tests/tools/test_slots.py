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

from ftorch_tools.testing.drivers.ctest_list import ListedTest
from ftorch_tools.testing.drivers.slots import Free, Slots, free, hold_cores, hold_gpus


@pytest.fixture
def slots() -> Iterator[Slots]:
    made = Slots()
    yield made
    made.remove()


def offer(slots: Slots, cores: int) -> None:
    slots.offer(Free(cores, True))


def can_enter(folder: Path, count: int = 1, gpu: bool = False) -> bool:
    """Return whether so many cores, or GPU 0, are to be had within half a second."""
    entered = threading.Event()

    def enter() -> None:
        with hold_gpus(folder, [0]) if gpu else hold_cores(folder, count):
            entered.set()

    threading.Thread(target=enter, daemon=True).start()
    return entered.wait(0.5)


def test_free_cores() -> None:
    one, wide = ListedTest(1, "a"), ListedTest(2, "b", processors=3)
    alone = ListedTest(3, "c", serial=True)
    assert free(4, [], [one]) == Free(4, True)
    assert free(4, [one, wide], []) == Free(0, True)
    assert free(4, [wide], [one]) == Free(1, True)
    assert free(2, [wide], []) == Free(0, True)
    assert free(4, [], [alone]) == Free(0, False)
    assert free(4, [alone], []) == Free(0, False)


def test_gpus_are_free_when_ctest_wants_none() -> None:
    with_gpu = ListedTest(1, "a", gpus=True)
    assert free(4, [with_gpu], []) == Free(3, False)
    assert free(4, [], [with_gpu]) == Free(4, False)


def test_a_moment_of_idleness_is_no_offer(slots: Slots) -> None:
    offer(slots, 0)
    offer(slots, 2)
    offer(slots, 0)
    assert not can_enter(slots.folder)
    offer(slots, 2)
    offer(slots, 2)
    assert can_enter(slots.folder)


def test_no_more_than_offered(slots: Slots) -> None:
    offer(slots, 2)
    offer(slots, 2)
    with ExitStack() as held:
        held.enter_context(hold_cores(slots.folder))
        held.enter_context(hold_cores(slots.folder))
        assert not can_enter(slots.folder)
    assert can_enter(slots.folder)


def test_all_or_none(slots: Slots) -> None:
    slots.open(Free(3, True))
    with hold_cores(slots.folder, 2):
        assert not can_enter(slots.folder, 2)
        # The failed attempt holds nothing.
        assert can_enter(slots.folder, 1)
    assert can_enter(slots.folder, 3)


def test_gpus_are_exclusive(slots: Slots) -> None:
    slots.open(Free(1, True))
    with (
        hold_gpus(slots.folder, [0, 1, 2], 2) as first,
        hold_gpus(slots.folder, range(3)) as second,
    ):
        assert sorted(first + second) == [0, 1, 2]


def test_gpus_wait_for_those_of_ctest(slots: Slots) -> None:
    slots.open(Free(4, False))
    assert not can_enter(slots.folder, gpu=True)
    assert can_enter(slots.folder)
    slots.open(Free(4, True))
    assert can_enter(slots.folder, gpu=True)


def test_removal_lets_all_in(slots: Slots) -> None:
    offer(slots, 0)
    assert not can_enter(slots.folder)
    slots.remove()
    offer(slots, 1)
    assert can_enter(slots.folder)


def test_owner_gone(slots: Slots) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    (slots.folder / "allowed").write_text(f"{process.pid} 0 0")
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
