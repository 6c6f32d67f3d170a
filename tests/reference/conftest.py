# SPDX-License-Identifier: MIT
"""Random inputs for the Fortran drivers, and what they answer, for the comparison with PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
sys.path.append(str(Path(__file__).parent))

DTYPES = {"float32": np.float32, "float64": np.float64}
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


@dataclass
class Stream:
    """Numbers that a driver wrote, read one array after the other."""

    content: bytes
    position: int = 0

    def take(self, dtype: str, *shape: int) -> torch.Tensor:
        """The next array; drivers write in Fortran's order of elements."""
        kind = np.dtype(dtype)
        end = self.position + kind.itemsize * int(np.prod(shape))
        assert end <= len(self.content), "the driver wrote too little"
        values = np.frombuffer(self.content[self.position : end], kind).reshape(shape, order="F")
        self.position = end
        return torch.from_numpy(values.copy(order="C"))

    def finished(self) -> bool:
        """True when everything was read."""
        return self.position == len(self.content)


def seed() -> int:
    """Seed of all random inputs."""
    return int(os.environ.get("FTORCH_TEST_SEED", "2024"))


def pytest_report_header() -> str:
    """Says how to repeat the run."""
    return f"FTORCH_TEST_SEED={seed()}"


@pytest.fixture(scope="module")
def generator() -> np.random.Generator:
    """Source of random inputs; the seed stands in the report of a failure."""
    print(f"FTORCH_TEST_SEED={seed()}")
    return np.random.default_rng(seed())


@pytest.fixture(scope="module")
def run_driver(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Stream]:
    """Runs a driver on arrays and returns what it writes."""

    def run(name: str, *arrays: np.ndarray) -> Stream:
        driver = Path(os.environ["FTORCH_TEST_DRIVERS"]) / name
        if not driver.exists():
            pytest.fail(f"{driver} is not built; FTORCH_BUILD_DIR names the build folder")
        folder = tmp_path_factory.mktemp(name)
        (folder / "input").write_bytes(b"".join(array.tobytes(order="F") for array in arrays))
        command = [str(driver), str(folder / "input"), str(folder / "output")]
        subprocess.run(command, check=True, timeout=120)
        return Stream((folder / "output").read_bytes())

    return run


@pytest.fixture
def stream_of() -> type[Stream]:
    """Makes a stream of what a program wrote."""
    return Stream


@pytest.fixture
def agree() -> Callable[[str, torch.Tensor, torch.Tensor, str], None]:
    """Asserts equality to 1e-6 (float32) or 1e-12 (float64) of the largest number expected."""

    def compare(dtype: str, got: torch.Tensor, expected: torch.Tensor, what: str) -> None:
        expected = expected.detach()
        assert got.shape == expected.shape, what
        assert got.dtype == expected.dtype, what
        if not expected.is_floating_point() and not expected.is_complex():
            assert torch.equal(got, expected), f"{what}, seed {seed()}"
            return
        if expected.numel() == 0:
            return
        difference = float((got - expected).abs().max())
        scale = float(expected.abs().max())
        message = f"{what}: {difference} of {scale}, seed {seed()}"
        assert difference <= TOLERANCE[dtype] * scale, message

    return compare
