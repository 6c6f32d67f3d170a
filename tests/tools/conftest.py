# SPDX-License-Identifier: MIT
"""Small projects with tests of every kind, and a way to run `ftorch-test` on them."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import pickle
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from typer.testing import CliRunner
from typer.testing import Result as Answer

from ftorch_tools.testing.cli import app
from ftorch_tools.testing.records.load import SCHEMAS
from ftorch_tools.testing.records.record import RunRecord, Status, TestResult
from ftorch_tools.testing.records.store import Store

# What plugins a project's pytest happens to have costs a second a start.
_WITHOUT = "-p no:hypothesispytest -p no:typeguard -p no:rerunfailures -p no:cov"
_COMMAND = [sys.executable, "-m", "ftorch_tools.testing"]
_SETTINGS = f"[tool.pytest.ini_options]\naddopts = '{_WITHOUT}'\n"


def _module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_START = _module(Path(__file__).with_name("ready.py"))
_READY = _START.Ready()
environment = _START.environment


@dataclass
class Project:
    """A project below `root`: `build/` holds its ctest tests and `tests/` its Python tests."""

    root: Path
    command: list[str] = field(default_factory=_COMMAND.copy)

    def __post_init__(self) -> None:
        self.build = self.root / "build"
        self.build.mkdir(parents=True)
        (self.root / "pyproject.toml").write_text(_SETTINGS)
        (self.build / "CTestTestfile.cmake").touch()

    def add_ctest(self, name: str, script: str, **properties: str) -> None:
        """Add a ctest test that runs a shell script."""
        values = " ".join(f"{key} [==[{value}]==]" for key, value in properties.items())
        settings = f"set_tests_properties({name} PROPERTIES {values})\n" if values else ""
        with (self.build / "CTestTestfile.cmake").open("a") as file:
            file.write(f"add_test({name} /bin/sh -c [==[{script}]==])\n{settings}")

    def add_line(self, line: str) -> None:
        """Add a line to the build folder's CTestTestfile.cmake."""
        with (self.build / "CTestTestfile.cmake").open("a") as file:
            file.write(f"{line}\n")

    def add_python(self, name: str, text: str) -> None:
        """Add a file below `tests/`."""
        (self.root / "tests").mkdir(exist_ok=True)
        (self.root / "tests" / name).write_text(text)

    def run(
        self, *arguments: str, cwd: Path | None = None, limit: float = 120, **changes: str
    ) -> Result:
        """Run `ftorch-test run` from the project's root, for at most `limit` seconds."""
        env = environment(**changes)
        folder = cwd or self.root
        if self.command == _COMMAND and _READY.suits(env):
            process = _READY.run(["run", *arguments], folder, env, limit)
        else:
            process = subprocess.run(
                [*self.command, "run", *arguments],
                cwd=folder,
                env=env,
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        return Result(process.returncode, process.stdout, process.stderr, self)

    def list(self, *arguments: str) -> Any:
        """Return what `ftorch-test list` prints as JSON."""
        return self.ask("list", *arguments)

    def ask(self, *arguments: str) -> Any:
        """Return what `ftorch-test` prints as JSON, from the project's root."""
        process = subprocess.run(
            [*self.command, *arguments],
            cwd=self.root,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return json.loads(process.stdout)


@dataclass
class Result:
    """What one call of `ftorch-test` gave."""

    code: int
    out: str
    err: str
    project: Project

    @property
    def directory(self) -> Path:
        """The run directory."""
        found = re.search(r"^report: (.*)/run\.json$", self.out + self.err, re.MULTILINE)
        assert found, self.out + self.err
        return Path(found.group(1))

    @property
    def record(self) -> dict[str, Any]:
        """The record."""
        record = json.loads((self.directory / "run.json").read_text())
        assert isinstance(record, dict)
        return record

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each test."""
        return {test["id"]: test["outcome"] for test in self.record["tests"]}

    def test(self, name: str) -> dict[str, Any]:
        """The record of one test together with that of its last attempt."""
        (found,) = [test for test in self.record["tests"] if test["id"] == name]
        return {**found["attempts"][-1], **found}

    def output(self, name: str) -> str:
        """The kept output of one test."""
        return (self.directory / self.test(name)["output"]).read_text()

    @property
    def last_line(self) -> str:
        """The last line of standard output."""
        return self.out.splitlines()[-1]


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
    _READY.close()


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


@dataclass
class Runs:
    """Records of a project's runs that nobody ran, and the commands that read them."""

    root: Path

    @property
    def store(self) -> Store:
        """Where the records are."""
        return Store(self.root)

    def add(self, *tests: TestResult, **values: Any) -> RunRecord:
        """Add a run with `tests`, newer than those before; `values` replace what it has."""
        number = len(self.store.ids())
        minutes, seconds = divmod(number, 60)
        id = f"20260102T03{minutes:02d}{seconds:02d}-{number:04x}"
        record = RunRecord(
            id=id,
            start=f"2026-01-02T03:{minutes:02d}:{seconds:02d}+00:00",
            host="host",
            pid=1,
            project=str(self.root),
            build=str(self.root / "build"),
            directory=str(self.root / "build/ftorch-test" / id),
            command=["ftorch-test", "run"],
            cores=2,
            jobs=2,
            timeout=600.0,
            status=Status.COMPLETE,
            seconds=1.0,
            exit_code=0,
            tests=list(tests),
        )
        for name, value in values.items():
            setattr(record, name, value)
        directory = Path(record.directory)
        directory.mkdir(parents=True, exist_ok=True)
        record.write(directory / "run.json")
        self.store.save(record)
        return record

    def command(self, *arguments: str) -> Answer:
        """Run `ftorch-test` in this process."""
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})

    def json(self, *arguments: str) -> Any:
        """Return what a command prints with `--json`, which fulfils its schema."""
        values = json.loads(self.command(*arguments, "--json").stdout)
        check_schema(values)
        return values


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A project without runs; it is the current folder."""
    root = tmp_path / "project"
    root.mkdir(exist_ok=True)
    monkeypatch.chdir(root)
    return Runs(root)


def check_schema(values: Any) -> None:
    """Check `values` against the schema that they name."""
    schemas = [json.loads(file.read_text()) for file in SCHEMAS.glob("*.json")]
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    (schema,) = [s for s in schemas if s["properties"]["schema"]["const"] == values["schema"]]
    jsonschema.Draft7Validator(schema, registry=registry).validate(values)


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
        lists.write_text(lists.read_text().replace("add_subdirectory(fortran)\n", ""))
        return to

    return copy
