# SPDX-License-Identifier: MIT
"""Faults for the doctor to find: programs that lie, and what each check says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# What a job or a user may have set.
_MISLEADING = (
    "CUDA_VISIBLE_DEVICES",
    "FC",
    "HIP_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "OMP_NUM_THREADS",
    "ROCR_VISIBLE_DEVICES",
    "SLURM_CPUS_PER_TASK",
    "SLURM_JOB_ID",
    "ZE_AFFINITY_MASK",
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Take away what the environment of the tests has set."""
    for name in _MISLEADING:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that puts a shell script on PATH, before all others."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def add(name, script):
        file = folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    return add


@pytest.fixture
def only_programs(tmp_path, monkeypatch):
    """A function that leaves nothing on PATH but links to the programs that it is given."""
    folder = tmp_path / "only"
    folder.mkdir()

    def leave(*programs):
        for found in programs:
            (folder / Path(found).name).symlink_to(found)
        monkeypatch.setenv("PATH", str(folder))

    return leave


@pytest.fixture(scope="session")
def examine():
    """A function that runs a check and returns its messages by state, remedies demanded."""

    def call(check, subject):
        findings = list(check(subject))
        for finding in findings:
            assert finding.remedy or finding.state.value in ("ok", "unknown"), finding
        said = {"ok": "", "warning": "", "problem": "", "unknown": ""}
        for finding in findings:
            said[finding.state.value] += finding.message + "\n"
        return said

    return call
