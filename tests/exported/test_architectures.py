# SPDX-License-Identifier: MIT
"""Each network of the corpus in the library: run, differentiated, trained and written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import third_party
from architecture import Architecture
from architectures import rows
from comparison import Comparison

ROWS = rows()
TABLE = Path(__file__).resolve().parents[2] / "docs/reference/exported_models.json"


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_network_is_that_of_pytorch(row: Architecture, tmp_path: Path) -> None:
    outcome = Comparison(row, tmp_path).run()
    assert outcome.problems == []
    if not row.inexact:
        assert outcome.differences == dict.fromkeys(outcome.differences, 0.0)


def test_files_of_another_pytorch(tmp_path: Path) -> None:
    folder = os.environ.get("FTORCH_EXPORTED_FILES")
    if not folder:
        pytest.skip("FTORCH_EXPORTED_FILES names no folder of tests/exported/export_corpus.py")
    files = {name: Path(folder, f"{name}.pt2") for name in ROWS}
    there = [name for name, file in files.items() if file.exists()]
    assert len(there) >= 30
    problems = {
        name: Comparison(ROWS[name], tmp_path, files[name]).run().problems for name in there
    }
    assert {name: found for name, found in problems.items() if found} == {}


def test_corpus_is_broad() -> None:
    assert len({row.make for row in ROWS.values()}) >= 30
    for row in ROWS.values():
        assert row.meaning.endswith("."), row.title
        assert sum(one.numel() for one in row.module().parameters()) < 100_000, row.title


def test_page_lists_all() -> None:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert [row["name"] for row in table["corpus"]] == list(ROWS)
    assert [row["name"] for row in table["third parties"]] == list(third_party.rows())
