# SPDX-License-Identifier: MIT
"""The main example in a job that is told to end, requeues itself, and goes on."""

from __future__ import annotations

import filecmp
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "04_online_training"
TABLES = ("loss.csv", "closure.csv", "forecast.csv", "summary.csv")


@pytest.fixture
def command():
    """The program and its network."""
    build = Path(os.environ.get("FTORCH_BUILD_DIR", "")) / "examples" / EXAMPLE.name
    program, model = build / "online_training", build / "results" / "closure.pt2"
    if not (program.is_file() and model.is_file()):
        pytest.skip("FTORCH_BUILD_DIR names no build whose example 04 has run")
    return [str(program), str(model)]


@pytest.mark.slow
def test_requeued_job_ends_as_the_other(command, cluster, tmp_path, wait_until):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    plain, requeued = tmp_path / "plain", tmp_path / "requeued"
    plain.mkdir()
    requeued.mkdir()
    subprocess.run([*command, plain], env=environment, check=True, timeout=600)

    checkpoint = requeued / "checkpoint.safetensors"
    submit = ["sbatch", "--parsable", f"--output={tmp_path}/out", f"--chdir={tmp_path}"]
    job = subprocess.run(
        [*submit, str(EXAMPLE / "train.slurm"), *command, str(requeued)],
        env={**environment, **cluster.environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.strip()

    def state() -> str:
        return cluster.call("scontrol", "show", "job", job)

    # Once it saves of itself it is under way; then what Slurm does before the time limit.
    wait_until(checkpoint.exists, "the first checkpoint", 120.0)
    cluster.call("scancel", "--batch", "--signal=TERM", job)
    wait_until(lambda: "JobState=PENDING" in state(), "the requeue", 60.0)
    assert "interrupted after step" in (tmp_path / "out").read_text()
    # Slurm would wait two minutes; in the second of its end a job is refused by its nodes.
    cluster.call("scontrol", "update", f"jobid={job}", "starttime=now+2")
    wait_until(lambda: "JobState=COMPLETED" in state(), "the end", 300.0)
    assert "Restarts=1" in state()
    assert "goes on after step" in (tmp_path / "out").read_text()
    assert not [name for name in TABLES if not filecmp.cmp(plain / name, requeued / name, False)]
