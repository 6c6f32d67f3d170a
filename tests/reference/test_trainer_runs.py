# SPDX-License-Identifier: MIT
"""Runs of a trainer: interrupted and killed ones go on to the bit; the progress line."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ftorch_tools.metrics.reader import Reader

STEPS = 100
SAVED = "run.safetensors"
CHECKSUMS = ("ftorch_format", "ftorch_crc32", "ftorch_header_crc32")


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run before its first step, with a known state of dropout's generator."""
    folder = tmp_path_factory.mktemp("start")
    torch.manual_seed(3)
    network = torch.nn.Sequential(
        *(torch.nn.Linear(8, 32), torch.nn.BatchNorm1d(32), torch.nn.Tanh()),
        *(torch.nn.Dropout(0.2), torch.nn.Linear(32, 4)),
    )
    torch.jit.script(network.double()).save(str(folder / "model.pt"))
    subprocess.run(command(0), cwd=folder, check=True, timeout=120)
    tensors = load_file(folder / SAVED)
    tensors["generator:cpu"] = torch.Generator().manual_seed(1).get_state()
    with safe_open(folder / SAVED, "pt") as file:
        texts = {name: text for name, text in file.metadata().items() if name not in CHECKSUMS}
    save_file(tensors, folder / SAVED, texts)
    return folder


@pytest.fixture(scope="module")
def whole(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(start, folder)
    subprocess.run(command(), cwd=folder, check=True, timeout=120)
    return folder


def command(most: int = 10**6) -> list[str]:
    """A process that goes on with the run of its folder, for at most so many steps."""
    driver = Path(os.environ["FTORCH_TEST_DRIVERS"]) / "reference_resume"
    return [str(driver), "model.pt", str(STEPS), str(most)]


def metrics(folder: Path) -> Reader:
    """What `ftorch-metrics` finds in the metrics file."""
    reader = Reader("metrics.csv")
    reader.feed((folder / "metrics.csv").read_bytes())
    reader.finish()
    assert reader.problems == []
    return reader


def assert_same(folder: Path, other: Path) -> None:
    """Asserts that two runs ended alike: best state, counters, and all metrics but the time."""
    assert (folder / "result").read_bytes() == (other / "result").read_bytes()
    ours, theirs = metrics(folder), metrics(other)
    assert ours.steps == theirs.steps
    for one, another in zip(ours.series, theirs.series):
        assert one.steps == another.steps
        assert one.name == "time" or one.values == another.values
    times = list(ours.find("time").values)
    assert times == sorted(times)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_interrupted_run(start: Path, whole: Path, tmp_path: Path) -> None:
    """Each process makes ten steps, three of them anew; early stopping counts on."""
    folder = tmp_path / "run"
    shutil.copytree(start, folder)
    processes = 0
    while not (folder / "result").exists():
        subprocess.run(command(10), cwd=folder, check=True, timeout=120)
        processes += 1
    assert processes > 2
    assert metrics(folder).superseded > 0
    assert metrics(whole).steps[-1] < STEPS, "validations stop the run"
    assert_same(folder, whole)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_killed_run(start: Path, whole: Path, tmp_path: Path) -> None:
    """SIGKILL in the midst of steps: each record that was begun is whole, and the run goes on."""
    folder = tmp_path / "run"
    shutil.copytree(start, folder)
    file = folder / "metrics.csv"
    kills = 0
    code = -1
    while code != 0:
        size = file.stat().st_size
        process = subprocess.Popen(command(), cwd=folder)
        while file.stat().st_size < size + 1000 and process.poll() is None:
            time.sleep(0.0005)
        process.kill()
        code = process.wait()
        kills += code != 0
        assert file.read_bytes().endswith(b"\n")
        assert metrics(folder).left_out == 0
    assert kills > 1
    assert_same(folder, whole)


def shown_on_terminal(folder: Path, *before: str, code: int = 0) -> str:
    """What a run prints on a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*before, *command()], cwd=folder, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:  # Linux says so when the last writer has gone.
        pass
    os.close(leader)
    assert process.wait(timeout=120) == code
    return shown.decode()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_progress_on_a_terminal(start: Path, whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(start, folder)
    shown = shown_on_terminal(folder)
    assert_same(folder, whole)
    # One line, drawn over itself, ended when the run stops.
    assert shown.count("\n") == 1
    assert shown.endswith("\n")
    lines = [line for line in shown.rstrip("\r\n").split("\r") if line]
    assert len(lines) > 1
    seen = [
        re.fullmatch(r"step (\d+)/100  loss +(\d\.\d{3}E-\d\d)  \d+\.\d steps/s *", line)
        for line in lines
    ]
    steps = [int(match[1]) for match in seen if match]
    assert len(steps) == len(lines), lines
    assert steps[0] == 1
    assert steps[-1] == metrics(folder).steps[-1]
    assert steps == sorted(steps)
    # Nothing is left of a line that was longer.
    lengths = [len(line) for line in lines]
    texts = [len(line.rstrip()) for line in lines]
    assert all(now >= before for now, before in zip(lengths[1:], texts))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_an_error_has_a_line_of_its_own(start: Path, tmp_path: Path) -> None:
    """The metrics file meets a limit of its size while the progress line stands there."""
    folder = tmp_path / "run"
    shutil.copytree(start, folder)
    shown = shown_on_terminal(folder, "prlimit", "--fsize=300", code=1)
    assert re.search(r"\rstep \d+/100 [^\n]*\n(torch_trainer%|\rtorch_trainer%)", shown), shown


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("to", ["file", "pipe"])
def test_nothing_is_printed_elsewhere(start: Path, tmp_path: Path, to: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(start, folder)
    if to == "file":
        with (tmp_path / "output").open("wb") as file:
            subprocess.run(command(), cwd=folder, stdout=file, check=True, timeout=120)
        assert (tmp_path / "output").read_bytes() == b""
    else:
        assert subprocess.check_output(command(), cwd=folder, timeout=120) == b""
