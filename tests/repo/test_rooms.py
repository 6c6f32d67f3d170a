# SPDX-License-Identifier: MIT
"""Rooms of the C++ sources: arrows go one way, and bindings have the same ones."""

from __future__ import annotations

import re

import pytest

ROOMS = (
    "core",
    "files",
    "tensor",
    "autograd",
    "model",
    "training",
    "storage",
    "session",
    "loop",
    "mpi",
)


@pytest.fixture(scope="module")
def includes(root):
    """The rooms that the files of each room include."""
    found = {}
    for room in ROOMS:
        texts = [
            path.read_text()
            for path in (root / "src" / "shim" / room).rglob("*")
            if path.is_file()
        ]
        found[room] = {name for text in texts for name in re.findall(r'#include "(\w+)/', text)}
    return found


def test_every_file_has_a_room(root):
    folder = root / "src" / "shim"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == set(ROOMS)
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        "ftorch.h.fypp",
        "release.cpp.fypp",
    }


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_go_one_way(room, includes):
    assert includes[room] <= set(ROOMS[: ROOMS.index(room) + 1])


def test_the_library_over_mpi_uses_the_c_interface_alone(includes):
    """It is linked to the other library, whose C++ functions are hidden."""
    assert includes["mpi"] == {"mpi"}


def test_bindings_have_the_same_rooms(root):
    folders = {path.name for path in (root / "src" / "fortran").iterdir() if path.is_dir()}
    assert folders <= set(ROOMS)
