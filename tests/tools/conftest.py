# SPDX-License-Identifier: MIT
"""What the tests of `ftorch-test` share: projects, records, terminals."""

from __future__ import annotations

import fcntl
import os
import pickle
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from projects import READY, Project
from ready import environment
from recorded import Runs, check_schema


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the records of all runs of the tests, in place of the user's own."""
    folder = tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(folder)
    # When it ends, pytest clears up after earlier ones, which takes seconds if these were large.
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(tmp_path_factory.mktemp("temporary"))
    return folder / "ftorch-test"


@pytest.fixture(scope="session", autouse=True)
def ready_is_ended() -> Iterator[None]:
    """The process that has imported the tool ends with the tests."""
    yield
    READY.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def project_class() -> type[Project]:
    """The class of projects, for fixtures that live longer than a test."""
    return Project


@pytest.fixture(scope="session")
def terminal_environment() -> Callable[..., dict[str, str]]:
    """The function that makes an environment."""
    return environment


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], Any]], Any]:
    """A function that gives what another one makes in a folder, made by one worker for all."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def give(name: str, make: Callable[[Path], Any]) -> Any:
        folder, kept = base / name, base / f"{name}.made"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                folder.mkdir()
                kept.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(kept.read_bytes())

    return give


@pytest.fixture
def signals_restored() -> Iterator[None]:
    """Signals are handled as before when a test ends."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _shown(command: list[str], cwd: Path | None = None, **changes: str) -> str:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(**changes),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    process.wait()
    return shown.decode()


@pytest.fixture(scope="session")
def shown_on_terminal() -> Callable[..., str]:
    """A function that runs a command on a pseudo terminal and gives what that shows."""
    return _shown


@pytest.fixture(scope="session")
def terminal() -> Callable[..., str]:
    """The same for the run of a project."""

    def run(project: Project, **changes: str) -> str:
        return _shown([*project.command, "run"], project.root, **changes)

    return run


@pytest.fixture(scope="session")
def sleepers() -> Callable[..., list[int]]:
    """A function that finds the processes `sleep N` of a project, by their working directory."""

    def find(project: Project, seconds: int | None = None) -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                status = (folder / "status").read_text("ascii", "replace")
                name, *arguments = (folder / "cmdline").read_bytes().split(b"\0")
                place = Path(os.readlink(folder / "cwd"))
            except OSError:
                continue
            # One that was killed is seen until the kernel comes to it.
            pending = re.findall(r"^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)", status, re.MULTILINE)
            if any(int(mask, 16) >> (signal.SIGKILL - 1) & 1 for mask in pending):
                continue
            wanted = seconds is None or arguments[:1] == [b"%d" % seconds]
            if name == b"sleep" and wanted and project.root.resolve() in [place, *place.parents]:
                found.append(int(folder.name))
        return found

    return find


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A project without runs; it is the current folder."""
    root = tmp_path / "project"
    root.mkdir(exist_ok=True)
    monkeypatch.chdir(root)
    return Runs(root)


@pytest.fixture(scope="session")
def schema_check() -> Callable[[Any], None]:
    """The function that checks JSON against the schema that it names."""
    return check_schema


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build in FTORCH_BUILD_DIR, installed."""
    build = os.environ.get("FTORCH_BUILD_DIR", "")
    if not Path(build, "cmake_install.cmake").is_file():
        pytest.skip("FTORCH_BUILD_DIR names no build of FTorch to install")
    prefix = tmp_path_factory.mktemp("prefix") / "ftorch"
    install = ["cmake", "--install", build, "--prefix", str(prefix)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if not (prefix / "share/ftorch/validation/models").is_dir():
        pytest.skip(f"the build installs no validation suite with models: {done.stderr[-200:]}")
    return prefix


@pytest.fixture(scope="session")
def copy_prefix(prefix: Path) -> Callable[[Path], Path]:
    """A function that copies the installation, with a suite of the README's program alone."""

    def copy(to: Path) -> Path:
        suite = to / "share/ftorch/validation"
        left_out = shutil.ignore_patterns("models", "*.f90")
        shutil.copytree(prefix, to, symlinks=True, ignore=left_out)
        readme = prefix / "share/ftorch/validation/readme"
        shutil.copytree(readme, suite / "readme", dirs_exist_ok=True)
        lists = suite / "CMakeLists.txt"
        text = lists.read_text().replace("add_subdirectory(fortran)\n", "")
        lists.write_text(text.replace("add_subdirectory(mpi)\n", ""))
        return to

    return copy
