# SPDX-License-Identifier: MIT
"""What a shared library is linked to here and now, by the dynamic loader and by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ftorch_tools.command import call

_SECONDS = 60.0


@dataclass
class Linked:
    """Libraries by the name that is asked for; what the loader misses, in its words.

    `complaint` is why it can make nothing at all of the file.
    """

    libraries: dict[str, Path] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)
    search_path: list[str] = field(default_factory=list)
    complaint: str | None = None


def read_linked(library: Path) -> Linked:
    """Ask the dynamic loader, with the environment of this process; raise `CommandError`."""
    answer = call("ldd", "-r", library, timeout=_SECONDS)
    text = answer.out + "\n" + answer.err
    linked = Linked(search_path=search_path(library))
    for name, path in re.findall(r"^\s*(\S.*?) => (/.*?)(?: \(0x\w+\))?$", text, re.MULTILINE):
        linked.libraries[name] = Path(path)
    # A library of LD_PRELOAD is named by its path alone.
    for path in re.findall(r"^\s+(/\S.*?) \(0x\w+\)$", text, re.MULTILINE):
        linked.libraries.setdefault(Path(path).name, Path(path))
    linked.missing = re.findall(r"^\s*(\S+) => not found", text, re.MULTILINE)
    linked.versions = re.findall(r"version `(.+?)' not found \(required by", text)
    found = re.findall(r"^undefined symbol: (\S+)\s*\((.+)\)$", text, re.MULTILINE)
    # Those that the library itself misses tell more than those of LibTorch.
    found.sort(key=lambda pair: Path(pair[1]).name != library.name)
    linked.symbols = [name for name, _ in found]
    if answer.code and not (linked.libraries or linked.missing or linked.versions):
        linked.complaint = answer.message
    return linked


def load_order(file: Path) -> list[Path]:
    """Return the libraries in the order in which symbols are looked up; raise `CommandError`."""
    answer = call("ldd", file, timeout=_SECONDS)
    lines = re.findall(r"^\s*(?:\S.*? => )?(/.*?) \(0x\w+\)$", answer.out, re.MULTILINE)
    return [Path(line) for line in lines]


def search_path(library: Path) -> list[str]:
    """Return the folders of RPATH or RUNPATH in `library`; none of a file that is not ELF."""
    try:
        with library.open("rb") as stream:
            section = ELFFile(stream).get_section_by_name(".dynamic")
            if not isinstance(section, DynamicSection):
                return []
            paths = [
                getattr(tag, name)
                for tag in section.iter_tags()
                for kind, name in (("DT_RPATH", "rpath"), ("DT_RUNPATH", "runpath"))
                if tag.entry.d_tag == kind
            ]
    except (OSError, ELFError):
        return []
    return [folder for path in paths for folder in path.split(":") if folder]


def cxx11_abi(library: Path) -> int | None:
    """Return the ABI of libstdc++, 0 or 1, of the functions that `library` exports; None if none.

    They are known by the strings of C++ in their arguments.
    """
    try:
        with library.open("rb") as stream:
            table = ELFFile(stream).get_section_by_name(".dynsym")
            if not isinstance(table, SymbolTableSection):
                return None
            symbols = table.iter_symbols()
            names = [item.name for item in symbols if item["st_shndx"] != "SHN_UNDEF"]
    except (OSError, ELFError):
        return None
    if any(re.match(r"_ZNK?\d.*__cxx11", name) for name in names):
        return 1
    return 0 if any(re.match(r"_ZNK?\d.*(RKSs|Ss$)", name) for name in names) else None
