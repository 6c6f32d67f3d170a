# SPDX-License-Identifier: MIT
"""A rank is killed at a random moment: no other waits longer than the time of its communicator."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
from pathlib import Path
from statistics import quantiles

import psutil
import pytest

from .conftest import ENVIRONMENT, MODELS

MODEL = MODELS / "mlp_float32.pt2"
RANKS = 4
RUNS = 50
TIMEOUT = 3.0
MARGIN = 10.0
"""Seconds beyond the timeout: cores may be busy with other work."""
START = 60.0
"""Seconds in which all ranks have begun."""
STAGES = ("load", "broadcast", "average", "early", "forward")


def end_all(launcher: subprocess.Popen[bytes]) -> None:
    """Ends a launcher and the ranks that it has left, which are groups of their own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        ranks = psutil.Process(launcher.pid).children(recursive=True)
        for process in [psutil.Process(launcher.pid), *ranks]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    launcher.wait()


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Until a file is there."""
    end = time.monotonic() + START
    while not path.exists():
        assert process.poll() is None, "the ranks ended before they began"
        assert time.monotonic() < end, "the ranks did not begin"
        time.sleep(0.01)


def run(program: Path, folder: Path, stage: str, victim: int, delay: int, *options: str) -> float:
    """Seconds from the death of the victim to the end of the job."""
    command: list[str | Path] = [
        *("mpirun", *options, "-n", str(RANKS), program, stage, str(victim), str(delay)),
        *(str(TIMEOUT), folder, MODEL),
    ]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=output, stderr=output)
    try:
        wait_for(folder / "begun", process)
        death = time.monotonic() + delay * 1e-6
        process.wait(timeout=delay * 1e-6 + TIMEOUT + MARGIN)
    finally:
        end_all(process)
    return time.monotonic() - death


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "stages"),
    # MPI divides communicators by calls that block: there it is for the launcher to end the job.
    [((), ("create", *STAGES)), (("--enable-recovery",), STAGES)],
    ids=["launcher_ends_the_job", "survivors_go_on"],
)
def test_nobody_waits_for_a_rank_that_was_killed(
    program: Path, tmp_path: Path, options, stages
) -> None:
    seed = int(os.environ.get("FTORCH_TEST_SEED", "17"))
    print(f"FTORCH_TEST_SEED={seed}")
    generator = random.Random(f"{seed} {options}")
    times = []
    for number in range(RUNS):
        stage = stages[number % len(stages)]
        victim, delay = generator.randrange(RANKS), generator.randrange(1, 400_000)
        folder = tmp_path / f"{number}"
        folder.mkdir()
        seconds = run(program, folder, stage, victim, delay, *options)
        times.append(seconds)
        told = {path.name: path.read_text().strip() for path in sorted(folder.glob("rank.*"))}
        print(f"{stage}, rank {victim} after {delay} µs: ended after {seconds:.2f} s", told)
        for text in told.values():
            assert float(text.split()[0]) < TIMEOUT + MARGIN
            assert "did not answer" in text
        if options:
            survivors = {f"rank.{rank}" for rank in range(RANKS)} - {f"rank.{victim}"}
            assert set(told) == survivors
    print("quartiles of seconds to the end:", [round(one, 2) for one in quantiles(times, n=4)])
    print(f"least {min(times):.2f}, most {max(times):.2f}")
