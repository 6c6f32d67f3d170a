# SPDX-License-Identifier: MIT
"""A real Slurm of two nodes on this machine, and fake commands of a scheduler."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
TmpFS={folder}/tmp-%n
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
SchedulerParameters=sched_interval=1,bf_interval=1
KillWait=8
MinJobAge=60
SlurmdTimeout=300
ReturnToService=2
NodeName=DEFAULT CPUs=2 Gres=gpu:fake:1
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{ports[1]}-{ports[2]}]
PartitionName=debug Nodes=n[1-2] Default=YES MaxTime=60 State=UP
PartitionName=short Nodes=n[1-2] MaxTime=1 State=UP
"""


def _free_ports() -> list[int]:
    """Return a free port and two more that follow each other."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        wanted = [first, first + 1, first + 2]
        try:
            for port in wanted:
                with socket.socket() as probe:
                    probe.bind(("", port))
        except (OSError, OverflowError):
            continue
        return wanted


def _wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


class Cluster:
    """munged, slurmctld and two slurmd, with everything they write in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: dict[str, int] = {}
        for name in ("state", "spool-n1", "spool-n2", "tmp-n1", "tmp-n2"):
            (folder / name).mkdir()
        configuration = folder / "slurm.conf"
        configuration.write_text(
            _CONFIGURATION.format(host=socket.gethostname(), folder=folder, ports=_free_ports())
        )
        (folder / "gres.conf").write_text("Name=gpu Type=fake File=/dev/null\n")
        self.environment = {"SLURM_CONF": str(configuration)}

    def start(self) -> None:
        """Start all parts and wait until both nodes are idle."""
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(64))
        key.chmod(0o600)
        arguments = [f"--key-file={key}", f"--socket={self.folder}/munge.socket"]
        arguments += [f"--pid-file={self.folder}/munged.pid", "--num-threads=1"]
        arguments += [f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/seed"]
        self._start("munged", ["munged", "--force", *arguments])
        self._start("slurmctld", ["slurmctld", "-c", "-f", self.environment["SLURM_CONF"]])
        for node in ("n1", "n2"):
            self.start_node(node)
        self.wait_until_idle()

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self._start(f"slurmd-{node}", ["slurmd", "-N", node, "-f", self.environment["SLURM_CONF"]])

    def kill_node(self, node: str) -> None:
        """End a node as a power failure does: its slurmd and all that it started, at once."""
        there = [process for process in psutil.process_iter() if self._is_on(process, node)]
        parents = [process.parent() for process in there]
        steps = {p for p in parents if p is not None and p.name().startswith("slurmstepd")}
        self.stop(f"slurmd-{node}", signal.SIGKILL)
        for process in [*steps, *there]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to one part and wait until it is gone."""
        pid = self._processes.pop(name)
        try:
            os.kill(pid, number)
            _wait_until(lambda: not _lives(pid), f"the end of {name}")
        except ProcessLookupError:
            pass

    def stop_all(self) -> None:
        """End all jobs and all parts."""
        self.call("scancel", "--signal=KILL", *self.jobs())
        # A step that finds no slurmctld to tell its end would stay for ever.
        with contextlib.suppress(AssertionError):
            _wait_until(lambda: not self.jobs(), "the end of all jobs", 5.0)
        for name in reversed(list(self._processes)):
            self.stop(name, signal.SIGKILL)

    def wait_until_idle(self) -> None:
        """Wait until no job waits or runs and both nodes are idle."""

        def is_idle() -> bool:
            states = self.call("sinfo", "-h", "-N", "-o", "%T").split()
            return not self.jobs() and set(states) == {"idle"}

        _wait_until(is_idle, "idle nodes")

    def jobs(self) -> list[str]:
        """Return the ids of the jobs that wait or run."""
        return self.call("squeue", "-h", "-o", "%i").split()

    def call(self, *command: str) -> str:
        """Run a command of Slurm and return what it prints."""
        answer = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return answer.stdout

    def _is_on(self, process: psutil.Process, node: str) -> bool:
        # Other clusters may have a node of this name.
        wanted = {"SLURMD_NODENAME": node, **self.environment}
        try:
            return wanted.items() <= process.environ().items()
        except psutil.Error:
            return False

    def _start(self, name: str, command: list[str]) -> None:
        file = self.folder / f"{name}.pid"
        file.unlink(missing_ok=True)
        subprocess.run(command, check=True, timeout=30, env={**os.environ, **self.environment})
        _wait_until(
            lambda: file.is_file() and bool(file.read_text().strip()), f"the start of {name}"
        )
        self._processes[name] = int(file.read_text())


def _lives(pid: int) -> bool:
    # A container may have nobody who takes away the dead.
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool], str], None]:
    """A function that waits until a condition holds, and fails when it does not come."""
    return _wait_until


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running Slurm of the nodes n1 and n2; each worker of xdist has one of its own."""
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no Slurm on this machine: {', '.join(missing)} not found")
    if os.geteuid() != 0:
        pytest.skip("a Slurm of its own needs root")
    # A socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    started = Cluster(folder)
    try:
        started.start()
        yield started
    finally:
        started.stop_all()
        shutil.rmtree(folder, ignore_errors=True)


class Fakes:
    """Commands of a scheduler that do what a test wants, in a folder for PATH."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "bin"
        self._folder.mkdir()
        self._calls = folder / "calls"
        self._calls.touch()

    def add(self, name: str, script: str) -> None:
        """Add a command."""
        file = self._folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self._calls}"\n{script}\n')
        file.chmod(0o755)

    @property
    def path(self) -> str:
        """The value of PATH that has them first."""
        return f"{self._folder}:{os.environ['PATH']}"

    def calls(self, name: str) -> list[str]:
        """The arguments of all calls of a command."""
        lines = [line.split(" ", 1) for line in self._calls.read_text().splitlines()]
        return [arguments for called, arguments in lines if called == name]


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    """A folder for fake commands; sacct and scancel are there."""
    made = Fakes(tmp_path)
    made.add("sacct", "exit 1")
    made.add("scancel", "exit 0")
    return made
