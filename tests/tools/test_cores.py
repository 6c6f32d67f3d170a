# SPDX-License-Identifier: MIT
"""The cores that a process may use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ftorch_tools.testing import cores


def fake_root(root: Path, membership: str, files: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(membership)
    for name, text in files.items():
        file = root / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "300000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/job/step\n", {"job/cpu.max": "400000 100000", "cpu.max": "max 100000"}, 4),
        ("0::/job/step\n", {"job/cpu.max": "400000 100000", "job/step/cpu.max": "2 1"}, 2),
        ("0::/only/on/the/host\n", {"cpu.max": "500000 100000\n"}, 5),
        ("0::/\n", {"cpu.max": "9000000 100000\n"}, 8),
        (
            "4:cpu,cpuacct:/job\n1:name=systemd:/\n",
            {
                "cpu,cpuacct/job/cpu.cfs_quota_us": "200000\n",
                "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            },
            2,
        ),
        (
            "4:cpu,cpuacct:/job\n",
            {
                "cpu,cpuacct/job/cpu.cfs_quota_us": "-1\n",
                "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
    ],
)
def test_quota_lowers_affinity(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int
) -> None:
    assert cores.usable_cores(fake_root(tmp_path, membership, files)) == expected


def test_no_cgroup_at_all(tmp_path: Path) -> None:
    assert cores.usable_cores(tmp_path) == 8


def test_real_affinity() -> None:
    one = min(os.sched_getaffinity(0))
    program = f"import os; os.sched_setaffinity(0, {{{one}}})\n"
    program += "from ftorch_tools.testing.cores import usable_cores; print(usable_cores())"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert answer.stdout.strip() == "1"
