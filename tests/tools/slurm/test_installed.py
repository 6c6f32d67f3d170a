# SPDX-License-Identifier: MIT
"""An installed FTorch on a real Slurm: its suite runs in a job, the doctor knows where it is."""

from __future__ import annotations

import re
import subprocess
import sys

PROGRAM = [sys.executable, "-m", "ftorch_tools.testing"]
CHECK_SLURM = (
    "from ftorch_tools.testing.doctor.slurm import check\n"
    "from ftorch_tools.testing.doctor.subject import Subject\n"
    "for finding in check(Subject()): print(finding.state.value, finding.message)\n"
)


def run(command, cwd, environment):
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_suite_is_built_here_and_run_in_a_job(
    copy_prefix, cluster, tmp_path, terminal_environment
):
    cluster.wait_until_idle()
    prefix = copy_prefix(tmp_path / "ftorch")
    environment = terminal_environment(**cluster.environment)
    command = [*PROGRAM, "run", "--prefix", str(prefix), "--build-dir", "build", "--on", "slurm"]
    result = run(command, tmp_path, environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_doctor_inside_and_outside_of_a_job(cluster, tmp_path, terminal_environment):
    cluster.wait_until_idle()
    environment = terminal_environment(**cluster.environment)
    outside = run([sys.executable, "-c", CHECK_SLURM], tmp_path, environment)
    assert outside.stdout == "ok Slurm answers; nodes: 2 idle\n"
    command = ["srun", "--nodes=1", "--time=5", sys.executable, "-c", CHECK_SLURM]
    inside = run(command, tmp_path, environment)
    assert re.search(r"ok inside job \d+ on 1 nodes, time left [45]:\d\d", inside.stdout), inside
