# SPDX-License-Identifier: MIT
"""A process that has imported `ftorch-test` and forks itself for each call.

Importing is half the time of a short run. Each call still is a process of its own, with the
arguments, folder, environment, standard streams and the end of one that was started anew.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from importlib import import_module
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
# The commands of the Python package are Python programs, which start these.
_CMAKE = [
    str(file.locate().parent)
    for file in (files("cmake") if find_spec("cmake") else None) or ()
    if file.name == "ctest" and file.parts[-2:-1] == ("bin",) and ".." not in file.parts
]
_OUTER = re.compile(
    r"PYTEST_(?!DEBUG_TEMPROOT$).*|FTORCH_.*|CTEST_.*|NO_COLOR|FORCE_COLOR|CLICOLOR.*"
)
_READ_AT_START = re.compile(r"PYTHON.*|.*COLOR.*|TERM.*|COLUMNS|LANG.*|LC_.*")
_HEAD = 8


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a terminal that knows nothing of the test run around it."""
    kept = {key: value for key, value in os.environ.items() if not _OUTER.fullmatch(key)}
    path = os.pathsep.join([*_CMAKE, kept.get("PATH", os.defpath)])
    fixed = {"PATH": path, "PYTHONPATH": str(PACKAGE_ROOT), "TERM": "xterm", "COLUMNS": "100"}
    return {**kept, **fixed, **changes}


class Ready:
    """Starts the process when it is first needed, and calls it."""

    def __init__(self) -> None:
        self._calls: socket.socket | None = None
        self._settings: dict[str, str] = {}
        self._one_at_a_time = threading.Lock()

    def suits(self, env: dict[str, str]) -> bool:
        """Tell whether a program with the environment `env` can come from the process."""
        with self._one_at_a_time:
            if self._calls is None:
                self._start(env)
        return self._settings == _settings(env)

    def run(
        self, arguments: list[str], cwd: Path, env: dict[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run `ftorch-test` with `arguments` in an `env` that suits, as `subprocess.run` does."""
        assert self._calls is not None
        call = json.dumps([arguments, str(cwd), env]).encode()
        ours, theirs = socket.socketpair()
        pipes = [os.pipe(), os.pipe()]
        with ours, ThreadPoolExecutor(2) as readers:
            with theirs, self._one_at_a_time:
                given = [theirs.fileno(), *(write for _, write in pipes)]
                socket.send_fds(self._calls, [len(call).to_bytes(_HEAD, "big")], given)
                self._calls.sendall(call)
            printed = [readers.submit(_read, read) for read, _ in pipes]
            for _, write in pipes:
                os.close(write)
            pid = _receive(ours)
            ours.settimeout(timeout)
            try:
                status = _receive(ours)
                out, err = (text.result(timeout) for text in printed)
            except (TimeoutError, FutureTimeout):
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, timeout) from None
        return subprocess.CompletedProcess(arguments, _code(status), out, err)

    def close(self) -> None:
        """End the process."""
        if self._calls is not None:
            self._calls.close()
            self._process.communicate()

    def _start(self, env: dict[str, str]) -> None:
        self._settings = _settings(env)
        self._calls, theirs = socket.socketpair()
        command = [sys.executable, __file__, str(theirs.fileno())]
        with theirs:
            # Python looks at once what its streams are: those of a call are pipes too.
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )


def _settings(env: dict[str, str]) -> dict[str, str]:
    """Return what Python and libraries read of the environment when they are loaded."""
    return {key: value for key, value in env.items() if _READ_AT_START.fullmatch(key)}


def _read(descriptor: int) -> str:
    with open(descriptor) as file:
        return file.read()


def _receive(connection: socket.socket) -> int:
    return int.from_bytes(connection.recv(_HEAD, socket.MSG_WAITALL), "big")


def _code(status: int) -> int:
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _import() -> None:
    import_module("ftorch_tools.testing.cli")
    import_module("ftorch_tools.testing.run")
    import_module("ftorch_tools.testing.validation")
    app = import_module("ftorch_tools.testing.app").make_app(["run"])
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        app(["run", "--help"])


def _serve(calls: socket.socket) -> bool:
    """Fork for each call; return True in the fork, which is to run it, and False at the end."""
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        head, streams, _, _ = socket.recv_fds(calls, _HEAD, 3)
        if not head:
            with contextlib.suppress(ChildProcessError):
                while os.wait():
                    pass
            return False
        call = calls.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
        if os.fork() == 0:
            calls.close()
            pid = os.fork()
            if pid == 0:
                _become(streams, *json.loads(call))
                return True
            with socket.socket(fileno=streams[0]) as caller, contextlib.suppress(OSError):
                caller.sendall(pid.to_bytes(_HEAD, "big"))
                caller.sendall(os.waitpid(pid, 0)[1].to_bytes(_HEAD, "big"))
            os._exit(0)
        for stream in streams:
            os.close(stream)


def _become(streams: list[int], arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Give this process what a new one would have been given."""
    os.close(streams[0])
    for descriptor, stream in enumerate(streams[1:], 1):
        os.dup2(stream, descriptor)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[0] = cwd
    sys.argv = [str(PACKAGE_ROOT / "ftorch_tools/testing/__main__.py"), *arguments]


if __name__ == "__main__":
    _import()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        called = _serve(connection)
    if called:
        runpy.run_module("ftorch_tools.testing", run_name="__main__", alter_sys=True)
