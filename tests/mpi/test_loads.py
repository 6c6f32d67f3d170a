# SPDX-License-Identifier: MIT
"""A file of one rank: its pieces, the temporary folders, and what rank 0 tells of threads."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import ENVIRONMENT

RANKS = 2
NUMBERS = 5_000_003
"""In the parameter: 20 MB, which travel in two pieces."""
BLOCKS = 17 * 1024
"""Of 1024 bytes, that a file may have: more than one piece, less than two."""
OWN_STREAMS = 'exec "$@" 2> "errors.${OMPI_COMM_WORLD_RANK:-$PMI_RANK}"'


@dataclass
class Told:
    """What a rank prints."""

    code: int
    entries: int
    sum: float
    message: str


@pytest.fixture(scope="module")
def large_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TorchScript with one parameter of the numbers 0, 1, 2, …"""
    torch = pytest.importorskip("torch")

    class Large(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.arange(NUMBERS, dtype=torch.float32))

        def forward(self, x):
            return x * self.weight[0]

    path = tmp_path_factory.mktemp("model") / "large.pt"
    torch.jit.script(Large()).save(path)
    return path


def load(program: Path, place: Path, file: Path, temporary: Path, before: str = "") -> list[Told]:
    """Loads on all ranks; each runs `before` in its shell."""
    script = f"{before}\n{OWN_STREAMS}"
    rank = "env", f"TMPDIR={temporary}", "bash", "-c", script, "bash", str(program), str(file)
    command = ["mpirun", "-n", str(RANKS), *rank]
    done = subprocess.run(
        command, cwd=place, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = {}
    for line in done.stdout.splitlines():
        number, code, entries, total, *message = line.split(maxsplit=4)
        told[int(number)] = Told(int(code), int(entries), float(total), "".join(message))
    assert sorted(told) == list(range(RANKS))
    return [told[number] for number in sorted(told)]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def test_a_file_travels_in_pieces(
    program: Path, large_model: Path, temporary: Path, tmp_path: Path
) -> None:
    for told in load(program, tmp_path, large_model, temporary):
        assert told.code == 0, told.message
        # Their sum as real32 numbers, which hold integers up to 2**24.
        assert told.sum == NUMBERS * (NUMBERS - 1) / 2
        assert told.entries == 0, "the folder is removed before the program goes on"
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("fault", ["damaged", "missing", "folder"])
def test_nothing_is_left_of_a_file_that_fails(
    program: Path, temporary: Path, tmp_path: Path, fault: str
) -> None:
    file = tmp_path / "model.pt"
    if fault == "damaged":
        file.write_bytes(b"no model" * 100)
    elif fault == "folder":
        file.mkdir()
    for told in load(program, tmp_path, file, temporary):
        assert told.code != 0
        assert "rank 0: " in told.message
        assert str(file) in told.message
        assert told.entries == 0
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_where_the_folder_is_full(
    program: Path, large_model: Path, temporary: Path, tmp_path: Path
) -> None:
    full = f"trap '' XFSZ; ulimit -f {BLOCKS}"
    for told in load(program, tmp_path, large_model, temporary, full):
        assert "rank 0: cannot write to the temporary folder: File too large" in told.message
        assert told.entries == 0
    assert list(temporary.iterdir()) == []


def test_the_folder_is_that_of_tmpdir(program: Path, large_model: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for told in load(program, tmp_path, large_model, missing):
        assert f"rank 0: cannot make a folder '{missing}/ftorch-mpi-" in told.message
        assert "see TMPDIR: No such file or directory" in told.message


def test_rank_0_tells_of_threads_once(program: Path, temporary: Path, tmp_path: Path) -> None:
    load(program, tmp_path, tmp_path / "none", temporary)
    first, *others = ((tmp_path / f"errors.{rank}").read_text() for rank in range(RANKS))
    (line,) = (line for line in first.splitlines() if line.startswith("ftorch: "))
    cores = len(os.sched_getaffinity(0))
    pattern = (
        rf"ftorch: {RANKS} ranks, {RANKS} on the node of rank 0, which has (\d+) cores to run on; "
        rf"threads of the library: (\d+) a rank; {RANKS} ranks share an owner"
    )
    found = re.fullmatch(pattern, line)
    assert found, line
    assert int(found[1]) == cores
    # A control group may allow fewer.
    assert 1 <= int(found[2]) <= max(1, cores // RANKS)
    assert not any("ftorch: " in text for text in others)
