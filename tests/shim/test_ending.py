# SPDX-License-Identifier: MIT
"""The end of a process by an error, whatever becomes of its message."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import shim

WORDS = b"torch_tensor_add: an error\n"


def run_child(prepare: Callable[[], None]) -> tuple[int, float]:
    """How a child ends that writes its last words, then exits with 5; after how many seconds."""
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        prepare()
        shim.LIBRARY.ft_fatal_message(WORDS, len(WORDS))
        os._exit(5)
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status), time.monotonic() - start


def test_nobody_reads_the_message() -> None:
    """A full pipe: the alarm was set before the text was written."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    exit_status, seconds = run_child(lambda: os.dup2(writer, 2) and None)
    os.close(reader)
    os.close(writer)
    assert exit_status == 1
    assert 1.5 < seconds < 10


def test_reader_of_the_message_is_gone() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    def prepare() -> None:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.dup2(writer, 2)

    exit_status, _ = run_child(prepare)
    os.close(writer)
    assert exit_status == 5


def test_message_is_written() -> None:
    reader, writer = os.pipe()
    exit_status, seconds = run_child(lambda: os.dup2(writer, 2) and None)
    os.close(writer)
    assert (exit_status, os.read(reader, 100)) == (5, WORDS)
    os.close(reader)
    assert seconds < 5
