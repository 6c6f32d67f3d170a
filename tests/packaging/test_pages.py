# SPDX-License-Identifier: MIT
"""What a newcomer types: the lines of README and tutorial, as they stand, in a fresh folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import ROOT, Installation

PROGRAMS = ROOT / "docs" / "programs"
sys.path.insert(0, str(PROGRAMS))

from check_program import compare  # noqa: E402


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """Each code block of a page: the line of text before it, its language, and what it holds."""
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(r"([^\n]*)\n+```(\S*?(?: ?\S+)?)\n(.*?)```", re.S)
    yield from pattern.findall(text)


class Shell:
    """A newcomer's shell: what one block sets, the next one sees."""

    def __init__(self, folder: Path, home: Path, **variables: str) -> None:
        kept = {key: os.environ[key] for key in ("PATH", "TMPDIR", "LANG") if key in os.environ}
        pip = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
        self.environment = {**kept, **pip, "HOME": str(home), "OMP_NUM_THREADS": "1", **variables}
        self.folder = folder

    def run(self, lines: str) -> str:
        """What the lines print; the first that fails ends the test."""
        script = f"set -e\n{lines}\n{{ set +x; env -0; }} >.environment 2>/dev/null\n"
        process = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, (
            f"{lines}\n{process.stdout[-3000:]}{process.stderr[-3000:]}"
        )
        saved = (self.folder / ".environment").read_text().split("\0")
        self.environment = dict(one.split("=", 1) for one in saved if "=" in one)
        return process.stdout


def test_tutorial(install: Callable[[Path], Installation], tmp_path: Path) -> None:
    installed = install(tmp_path / "home" / "ftorch")
    folder = tmp_path / "tutorial"
    folder.mkdir()
    shell = Shell(folder, tmp_path / "home", FC=installed.compiler)
    printed, compared = "", 0
    for before, language, body in blocks(ROOT / "docs" / "tutorial" / "first.md"):
        named = re.search(r"`([\w.]+)`[^`]*:$", before)
        if included := re.fullmatch(r"{literalinclude} \.\./programs/(\S+)", language):
            source = PROGRAMS / included[1]
            if source.suffix != ".txt":
                assert named, f"no file name above {source.name}"
                assert named[1] == source.name
                shutil.copy(source, folder)
                continue
            assert compare(printed, source.read_text()) == [], source.name
            compared += 1
        elif language == "cmake":
            with (folder / "CMakeLists.txt").open("a") as lists:
                lists.write(body)
        elif language == "sh":
            output = shell.run(body)
            last = body.strip().splitlines()[-1]
            printed = output if len(body.splitlines()) == 1 else shell_output(output, last)
    assert compared == 4


def shell_output(output: str, last: str) -> str:
    """The part of an output that the last command printed, after what CMake says."""
    lines = output.splitlines()
    built = max((i for i, line in enumerate(lines) if line.startswith(("[", "ninja"))), default=-1)
    assert " build/" in last or built == len(lines) - 1, last
    return "\n".join(lines[built + 1 :]) + "\n"


def test_tutorial_is_about_these_programs() -> None:
    """The CMakeLists.txt of the page builds what the page shows."""
    text = (ROOT / "docs" / "tutorial" / "first.md").read_text()
    assert set(re.findall(r"add_executable\((\w+) ", text)) == {"run_network", "train_network"}


@pytest.mark.slow
def test_readme(tmp_path: Path) -> None:
    """Without .venv, git or anything built; the program is that of the README."""
    home = tmp_path / "home"
    sources, app = home / "sources", home / "app"
    app.mkdir(parents=True)
    ignored = shutil.ignore_patterns(".venv", ".git", "build*", "_build", "dist", "__pycache__")
    shutil.copytree(ROOT, sources, ignore=ignored)
    without_venv = [one for one in os.environ["PATH"].split(":") if "/.venv/" not in one]
    shell = Shell(sources, home, PATH=":".join(without_venv))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## Use it in a program") :]
    (tmp_path / "section.md").write_text(section[: section.index("The [documentation]")])
    shutil.copy(PROGRAMS / "readme.f90", app / "app.f90")
    expected = (PROGRAMS / "readme.txt").read_text()
    checked = 0
    for before, language, body in blocks(tmp_path / "section.md"):
        if language == "cmake":
            assert "CMakeLists.txt" in before
            (app / "CMakeLists.txt").write_text(body)
            shell.folder = app
            shell.run(f"python {PROGRAMS / 'network.py'}")
            continue
        if "pkg-config" in body and not shutil.which("pkg-config"):
            continue
        if (home / "ftorch" / "lib64").is_dir():
            body = body.replace("/lib/", "/lib64/")
        shell.run(body)
        if shell.folder == app:
            program = "./app" if (app / "app").exists() else "build/app"
            assert compare(shell.run(program), expected) == []
            checked += 1
    assert checked == 2
    assert (home / "ftorch" / "bin" / "ftorch-config").exists()
