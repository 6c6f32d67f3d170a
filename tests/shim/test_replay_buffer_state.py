# SPDX-License-Identifier: MIT
"""Replay buffers that go on from a checkpoint, are shared, and are used by threads."""

from __future__ import annotations

import threading
from ctypes import c_int64
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import Checkpoint
from numpy.typing import NDArray
from replay_buffers import POLICIES, ReplayBuffer, fortran
from safetensors.torch import load_file, save_file

from shim import Object, ShimError, call, handles, live


@pytest.mark.parametrize("policy", POLICIES)
def test_a_checkpoint_file_resumes_the_very_batches(tmp_path: Path, policy: str) -> None:
    x = np.random.rand(3, 60)

    def go_on(buffer: ReplayBuffer) -> list[NDArray[np.float64]]:
        batches = []
        for i in range(30, 60):
            buffer.put(fortran(x[:, i : i + 1]))
            target = fortran(np.zeros((3, 4)))
            buffer.draw(target)
            batches.append(target.array)
        return [*batches, *buffer.moments(1)]

    buffer = ReplayBuffer(20, policy, 9)
    buffer.put(fortran(x[:, :30]))
    checkpoint = Checkpoint()
    checkpoint.put("buffer", buffer)
    checkpoint.save(tmp_path / "file")
    expected = go_on(buffer)
    found = load_file(tmp_path / "file")
    assert found["buffer.fields.0"].shape == (20, 3)
    assert found["buffer.rows_put"].item() == 30
    fresh, filled = ReplayBuffer(20, policy, 1), ReplayBuffer(20, policy, 1)
    filled.put(fortran(x[:, :5]))
    for resumed in (fresh, filled):
        Checkpoint().load(tmp_path / "file").get("buffer", resumed)
        assert all(np.array_equal(a, b) for a, b in zip(go_on(resumed), expected))


def test_states_that_do_not_fit(tmp_path: Path) -> None:
    buffer = ReplayBuffer(20, seed=9)
    buffer.put(fortran(np.random.rand(3, 30)))
    checkpoint = Checkpoint()
    checkpoint.put("b", buffer)
    other = ReplayBuffer(20, seed=9)
    other.put(fortran(np.random.rand(4, 2)))
    for into, message in (
        (ReplayBuffer(21), "ring of capacity 20; the buffer is a ring of capacity 21"),
        (ReplayBuffer(20, "reservoir"), "of a ring of capacity 20; the buffer is a reservoir"),
        (other, r"'fields.0' \[20, 3\] instead of \[20, 4\]"),
    ):
        with pytest.raises(ShimError, match=message):
            checkpoint.get("b", into)
    assert other.size()[0] == 2
    checkpoint.save(tmp_path / "file")
    good = load_file(tmp_path / "file")
    changed = {
        "b.generator": (torch.zeros(3, dtype=torch.uint8), "generator"),
        "b.rows_put": (torch.tensor(5), r"'fields.0' \[20, 3\] instead of \[5, 3\]"),
        "b.means.0": (torch.zeros(2, dtype=torch.float64), r"'means.0' \[2\] instead of \[3\]"),
        "b.more": (torch.zeros(2), "unknown: 'more'"),
    }
    for name, (tensor, message) in changed.items():
        save_file(good | {name: tensor}, tmp_path / "wrong", metadata={"b.policy": "ring"})
        with pytest.raises(ShimError, match=message):
            Checkpoint().load(tmp_path / "wrong").get("b", ReplayBuffer(20))


def test_assignment_shares_and_the_last_release_ends() -> None:
    before = live()
    buffer, other = ReplayBuffer(5), Object()
    buffer.put(fortran(np.ones((2, 3))))
    call("ft_replay_buffer_copy", buffer.handle, other.target)
    call("ft_release", buffer.handle)
    target = fortran(np.zeros((2, 4)))
    call("ft_replay_buffer_draw", other.handle, handles([target]), c_int64(1), 0)
    assert (target.array == 1).all()
    del other, target, buffer
    assert live() == before


def test_threads_put_and_draw_whole_rows() -> None:
    """A row is one number in both fields; a batch with halves of two rows would differ."""
    buffer = ReplayBuffer(50)
    buffer.put(fortran(np.zeros((64, 1))), fortran(np.zeros((64, 1))))
    wrong = []

    def put(start: int) -> None:
        for i in range(300):
            row = fortran(np.full((64, 1), start + i, "f8"))
            buffer.put(row, row)

    def draw() -> None:
        x, y = fortran(np.zeros((64, 32))), fortran(np.zeros((64, 32)))
        for _ in range(300):
            buffer.draw(x, y)
            if not np.array_equal(x.array, y.array) or (x.array != x.array[:1]).any():
                wrong.append(1)

    threads = [threading.Thread(target=put, args=(i * 1000,)) for i in range(2)]
    threads += [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
