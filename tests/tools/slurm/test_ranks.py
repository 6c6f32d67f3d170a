# SPDX-License-Identifier: MIT
"""Examples of many ranks, started by Slurm itself on two nodes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COLUMNS = "12_gathered_columns"
ENSEMBLE = "11_data_parallel"


@pytest.fixture
def examples(cluster) -> Path:
    """Folder of the built examples, whose networks are there."""
    examples = Path(os.environ.get("FTORCH_BUILD_DIR", "")) / "examples"
    networks = (f"{COLUMNS}/radiation.pt2", f"{ENSEMBLE}/closure.pt2")
    if not all((examples / network).is_file() for network in networks):
        pytest.skip("FTORCH_BUILD_DIR names no build whose examples 11 and 12 have run")
    if "pmix" not in cluster.call("srun", "--mpi=list").split():
        pytest.skip("this Slurm has no PMIx, by which ranks find each other")
    return examples.resolve()


def on_two_nodes(cluster, folder: Path, *command: str) -> str:
    """What four ranks print."""
    done = subprocess.run(
        ["srun", "--mpi=pmix", "--nodes=2", "--ntasks=4", "--overcommit", *command],
        cwd=folder,
        # Both nodes are this machine, on which files of shared memory would have the same names.
        env={
            **{**os.environ, **cluster.environment},
            **{"OMP_NUM_THREADS": "1", "OMPI_MCA_btl": "tcp,self"},
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_columns_are_gathered_on_each_node(cluster, examples: Path) -> None:
    printed = on_two_nodes(cluster, examples / COLUMNS, "./gathered_columns")
    assert printed == (ROOT / "examples" / COLUMNS / "output.txt").read_text()


@pytest.mark.slow
def test_nodes_train_one_closure(cluster, examples: Path) -> None:
    printed = on_two_nodes(cluster, examples / ENSEMBLE, "./data_parallel", "closure.pt2")
    assert printed.count("passed: ") == 3
