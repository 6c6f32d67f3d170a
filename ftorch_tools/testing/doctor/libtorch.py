# SPDX-License-Identifier: MIT
"""Checks which LibTorch the library is linked to, and whether it is the right one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ftorch_tools.testing.doctor.finding import Finding, ok, problem, unknown, warning
from ftorch_tools.testing.doctor.linked import Linked, cxx11_abi
from ftorch_tools.testing.doctor.subject import Subject
from ftorch_tools.testing.doctor.torch_folder import TorchFolder, torches_in_sight


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what the dynamic loader finds, the version, the ABI and other LibTorch in sight."""
    if subject.library is None:
        if subject.prefix or subject.build:
            yield _no_library(subject)
        yield from _in_sight(subject.torch)
        return
    if not subject.is_shared:
        yield unknown(f"{subject.library} is static: its programs choose their LibTorch")
        yield from _in_sight(subject.torch)
        return
    linked = subject.linked
    yield from _unresolved(linked)
    place = linked.libraries.get("libc10.so")
    if place is None:
        if not (linked.missing or linked.versions):
            yield _not_linked(subject.library, linked)
        yield from _in_sight(subject.torch)
        return
    torch = TorchFolder(place.parents[1])
    yield from _version(subject, torch, place)
    yield from _one_place(linked, place)
    yield from _abi(place)
    yield from _in_sight(torch)


def _no_library(subject: Subject) -> Finding:
    if subject.lost is not None:
        return problem(
            f"{subject.build} was configured with FTorch_DIR={subject.lost}, which is not there",
            "Install FTorch there, or configure the build again with -DFTorch_DIR=, the folder of "
            "another FTorchConfig.cmake.",
        )
    where = subject.prefix or subject.build
    return problem(f"no library of FTorch in {where}", "Build FTorch, and install it.")


def _not_linked(library: Path, linked: Linked) -> Finding:
    return problem(
        f"{library} cannot be loaded: {linked.complaint}"
        if linked.complaint
        else f"{library} is not linked to LibTorch",
        "It is damaged, or another library of that name: build FTorch, and install it, again.",
    )


def _unresolved(linked: Linked) -> Iterator[Finding]:
    if linked.missing:
        yield problem(
            f"the dynamic loader does not find {', '.join(linked.missing)}",
            "Load the modules that FTorch was built with, or add the folder of these libraries "
            f"to LD_LIBRARY_PATH; FTorch looks in {':'.join(linked.search_path) or 'no folder'}.",
        )
    if linked.versions:
        runtime = linked.libraries.get("libstdc++.so.6", "the system's libraries")
        yield problem(
            f"{runtime} is too old: it lacks {', '.join(dict.fromkeys(linked.versions))}",
            "Load the module of the compiler that built FTorch, or put its library folder first "
            "in LD_LIBRARY_PATH.",
        )
    if linked.symbols and not linked.missing:
        yield problem(
            f"{len(linked.symbols)} symbols are missing from the libraries that are found, "
            f"the first is {linked.symbols[0]}",
            "The LibTorch in use differs from the one FTorch was built with, in its version or "
            "in the ABI of C++: use that one, or build FTorch again.",
        )


def _version(subject: Subject, torch: TorchFolder, place: Path) -> Iterator[Finding]:
    found = torch.version
    source = _source(subject.linked, place)
    if found is None:
        yield unknown(f"{torch.root} does not say which version of LibTorch it is")
        return
    wanted = subject.libtorch
    if wanted and wanted.split("+")[0] != found.split("+")[0]:
        yield problem(
            f"LibTorch {found} in {torch.root} is used ({source}), but FTorch was built with "
            f"{wanted}",
            "Unset LD_LIBRARY_PATH, or let it begin with the folder of LibTorch "
            f"{wanted.split('+')[0]}; or build FTorch again with this one.",
        )
    else:
        yield ok(f"LibTorch {found} in {torch.root}, found by {source}")


def _source(linked: Linked, place: Path) -> str:
    if str(place.parent) in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        return "LD_LIBRARY_PATH"
    if str(place.parent) in linked.search_path:
        return "the library's own search path"
    return "the system's search path"


def _one_place(linked: Linked, place: Path) -> Iterator[Finding]:
    names = ("libc10.so", "libtorch_cpu.so", "libtorch.so", "libtorch_cuda.so")
    found = [linked.libraries[name] for name in names if name in linked.libraries]
    folders = {os.path.realpath(file.parent) for file in found}
    if len(folders) > 1:
        yield problem(
            f"libraries of several LibTorch are mixed: {', '.join(sorted(folders))}",
            "Leave one of these folders in LD_LIBRARY_PATH, or none.",
        )
    if _source(linked, place) == "LD_LIBRARY_PATH":
        own = [folder for folder in linked.search_path if (Path(folder) / place.name).exists()]
        if own and not os.path.samefile(own[0], place.parent):
            yield warning(
                f"LD_LIBRARY_PATH leads to {place.parent}, before {own[0]} that FTorch was linked "
                "with",
                "Remove that folder from LD_LIBRARY_PATH.",
            )


def _abi(place: Path) -> Iterator[Finding]:
    abi = cxx11_abi(place)
    if abi is None:
        yield unknown(f"{place} shows no strings of C++ by which to know its ABI")
    else:
        yield ok(f"C++ ABI {abi} (_GLIBCXX_USE_CXX11_ABI) by the symbols of {place.name}")


def _in_sight(used: TorchFolder | None) -> Iterator[Finding]:
    known = {os.path.realpath(used.root)} if used else set()
    for how, torch in torches_in_sight():
        place = os.path.realpath(torch.root)
        if place in known:
            continue
        known.add(place)
        text = (
            f"another LibTorch, {torch.version or 'of unknown version'}, in {torch.root} ({how})"
        )
        if used is None or torch.version == used.version:
            yield ok(text)
        else:
            yield warning(text, "Unload it, unless programs without FTorch need it.")
