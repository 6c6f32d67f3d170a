# SPDX-License-Identifier: MIT
"""Fixtures of the tests of the C interface."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "shim"), str(TESTS / "models"), str(TESTS.parent / "src")]


@pytest.fixture(scope="session", autouse=True)
def collected_once() -> None:
    """Keeps the collector from what PyTorch made when it was imported, which costs it 0.3 s."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Each test leaves as many objects as it found."""
    import shim

    before = shim.live()
    yield
    if shim.live() != before:
        gc.collect()
    assert shim.live() == before


@pytest.fixture
def generator() -> np.random.Generator:
    """Random numbers; the seed is shown when a test fails."""
    seed = int(os.environ.get("FTORCH_TEST_SEED", "2024"))
    print(f"FTORCH_TEST_SEED={seed}")
    return np.random.default_rng(seed)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the TorchScript file of each test network."""
    import networks

    folder = tmp_path_factory.mktemp("models")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, make in networks.MODELS.items():
            torch.jit.script(make()).save(str(folder / f"{name}.pt"))
    return folder


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
