# SPDX-License-Identifier: MIT
"""Two ranks under valgrind: no memory of others is read or written by way of our libraries."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import BUILD, ENVIRONMENT, MODELS

RANKS = 2
CASES = [
    *(("average", case) for case in ("early", "small_buckets", "lbfgs")),
    *(("gathered", case) for case in ("ragged", "two_of_each", "failures", "two_under_way")),
    ("broadcast", "--all"),
    ("messages", "--all"),
]
"""Of the programs test_<noun>; a case that limits memory has none for valgrind."""
OURS = ("libftorch.", "libftorch_mpi.")
ASIDE = {"Leak_PossiblyLost", "Leak_StillReachable", "Leak_IndirectlyLost"}
"""Pools of libraries that live as long as the process."""
OF_OPEN_MPI = Path("/usr/share/openmpi/openmpi-valgrind.supp")


def frames(error: ElementTree.Element) -> list[tuple[str, str]]:
    """Library and function of each call, the innermost first."""
    found = error.findall("stack/frame")
    return [(Path(one.findtext("obj", "?")).name, one.findtext("fn", "?")) for one in found]


def is_ours(kind: str, calls: list[tuple[str, str]]) -> bool:
    """Whether a call of ours led there; of numbers that were never set, whether it used them."""
    libraries = [obj for obj, _ in calls]
    looked_at = libraries[:1] if kind.startswith("Uninit") else libraries
    return any(one.startswith(OURS) for one in looked_at)


def errors(report: Path) -> Iterator[str]:
    """Errors of ours with the calls that led there."""
    for error in ElementTree.parse(report).getroot().findall("error"):
        kind, calls = error.findtext("kind", "?"), frames(error)
        if kind in ASIDE or not is_ours(kind, calls):
            continue
        text = error.findtext("what") or error.findtext("xwhat/text")
        yield "\n  ".join([f"{kind}: {text}", *map(": ".join, calls)])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("noun", "case"), CASES, ids=lambda one: one.lstrip("-"))
def test_ranks(tmp_path: Path, noun: str, case: str) -> None:
    program = BUILD / "tests" / "mpi" / f"test_{noun}"
    if not program.exists():
        pytest.skip("FTORCH_BUILD_DIR names no build with tests of the component mpi")
    if not (shutil.which("valgrind") and shutil.which("mpirun")):
        pytest.skip("valgrind or mpirun is missing")
    valgrind = ["valgrind", "--quiet", "--xml=yes", "--xml-file=rank.%p.xml"]
    valgrind += ["--error-limit=no", "--leak-check=full", "--num-callers=60"]
    known = [f"--suppressions={OF_OPEN_MPI}"] if OF_OPEN_MPI.exists() else []
    done = subprocess.run(
        ["mpirun", "-n", str(RANKS), *valgrind, *known, program, case],
        cwd=tmp_path,
        env={**ENVIRONMENT, "FTORCH_TEST_MODELS": str(MODELS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    reports = sorted(tmp_path.glob("rank.*.xml"))
    assert len(reports) >= RANKS
    found = [text for report in reports for text in errors(report)]
    assert not found, "\n".join(found)
