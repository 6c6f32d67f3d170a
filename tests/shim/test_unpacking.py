# SPDX-License-Identifier: MIT
"""Packages of AOTInductor are unpacked once for all processes, and removed with the last one."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import compiled
import pytest
from compiled import changed, package, respecified

import shim
from shim import ShimError

HOLD = """
import sys, time
sys.path[:0] = {paths!r}
import shim
model = shim.load(sys.argv[1])
print("loaded", flush=True)
sys.stdin.readline()
{end}
"""

FOREIGN_MARCH = "armv8-a" if platform.machine() == "x86_64" else "x86-64-v3"
PATHS = [str(compiled.TESTS / "shim"), str(compiled.TESTS.parent / "src")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of this process and of those that it starts."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setenv("TMPDIR", str(made))
    return made


def root(folder: Path) -> Path:
    return folder / f"ftorch-{os.geteuid()}"


def unpacked(folder: Path) -> list[Path]:
    """Folders of packages."""
    return [one for one in root(folder).glob("*") if one.is_dir()]


@pytest.fixture
def holders() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that loads a package and waits for a line."""
    started = []

    def start(name: str = "net", end: str = "") -> subprocess.Popen[str]:
        program = HOLD.format(paths=PATHS, end=end)
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(package(name))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "loaded\n"


def end(process: subprocess.Popen[str]) -> int:
    process.communicate("\n", timeout=60)
    return process.returncode


def test_a_folder_lives_as_long_as_its_models(folder: Path) -> None:
    first = shim.load(package("net"))
    (only,) = unpacked(folder)
    modified = next(only.glob("*.so")).stat().st_mtime_ns
    second = shim.load(package("net"))
    assert unpacked(folder) == [only]
    assert next(only.glob("*.so")).stat().st_mtime_ns == modified
    assert root(folder).stat().st_mode & 0o777 == 0o700
    other = shim.load(package("frozen"))
    assert len(unpacked(folder)) == 2
    del first, other
    assert unpacked(folder) == [only]
    del second
    assert not list(folder.iterdir())


def test_a_process_that_moves_removes_it(folder: Path, holders, monkeypatch) -> None:
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("TMPDIR", folder.name)
    process = holders("net", "import os; os.chdir('/'); os.environ['TMPDIR'] = '/tmp'; del model")
    wait_for(process)
    assert len(unpacked(folder)) == 1
    assert end(process) == 0
    assert not list(folder.iterdir())


def test_processes_share_a_folder(folder: Path, holders) -> None:
    processes = [holders() for _ in range(2)]
    for process in processes:
        wait_for(process)
    assert len(unpacked(folder)) == 1
    assert end(processes[0]) == 0
    assert len(unpacked(folder)) == 1
    assert end(processes[1]) == 0
    assert not list(folder.iterdir())


def test_many_processes_at_once(folder: Path, holders) -> None:
    processes = [holders() for _ in range(4)]
    assert [end(one) for one in processes] == [0] * 4
    assert not list(folder.iterdir())


@pytest.mark.parametrize("way", ["import os; os.abort()", "import os; os._exit(0)"])
def test_the_next_process_removes_what_a_crash_left(way: str, folder: Path, holders) -> None:
    process = holders("frozen", way)
    wait_for(process)
    end(process)
    (left,) = unpacked(folder)
    model = shim.load(package("net"))
    assert left not in unpacked(folder)
    del model
    assert not list(folder.iterdir())


def test_kill_while_it_is_used_by_another(folder: Path, holders) -> None:
    killed, other = holders(), holders()
    wait_for(killed)
    wait_for(other)
    killed.kill()
    killed.wait()
    model = shim.load(package("net"))
    assert len(unpacked(folder)) == 1
    del model
    assert len(unpacked(folder)) == 1
    assert end(other) == 0
    assert not list(folder.iterdir())


def test_kill_while_unpacking(folder: Path, holders, tmp_path: Path) -> None:
    library = os.path.getsize(package("net"))
    for delay in (0.0, 0.002, 0.005, 0.01, 0.02):
        process = holders()
        deadline = time.monotonic() + 60
        while not unpacked(folder) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert shim.load(package("net"))
        assert not list(folder.iterdir())
    # As if it had been killed in the middle of a file.
    model = shim.load(package("net"))
    (only,) = unpacked(folder)
    del model
    only.mkdir(parents=True)
    only.parent.chmod(0o700)
    (only / "draft").write_bytes(b"x" * (library // 2))
    (only / "in_use").touch()
    assert shim.load(package("net"))
    assert not list(folder.iterdir())


def test_files_that_a_cleaner_has_removed_come_again(folder: Path) -> None:
    model = shim.load(package("net"))
    for file in unpacked(folder)[0].iterdir():
        file.unlink()
    again = shim.load(package("net"))
    assert list(unpacked(folder)[0].glob("*.so"))
    del model, again
    assert not list(folder.iterdir())


def test_a_full_disk(full_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(full_disk))
    with pytest.raises(ShimError, match="No space left") as failure:
        shim.load(package("net"))
    assert failure.value.status == "ft_io_error"
    assert "TMPDIR" in str(failure.value)
    assert not list(full_disk.iterdir())


def test_a_limit_of_file_sizes(folder: Path) -> None:
    # Python itself ignores the signal.
    program = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
    program += HOLD.format(paths=PATHS, end="")
    command = ["bash", "-c", 'ulimit -f 10; exec "$@"', "-", sys.executable, "-c", program]
    done = subprocess.run(
        [*command, str(package("net"))], capture_output=True, text=True, input="\n"
    )
    assert "ft_io_error" in done.stderr
    assert "File too large" in done.stderr
    assert not list(folder.iterdir())


def test_a_disk_that_is_read_only(full_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
    monkeypatch.setenv("TMPDIR", str(full_disk))
    with pytest.raises(ShimError, match="Read-only file system") as failure:
        shim.load(package("net"))
    assert failure.value.status == "ft_io_error"
    assert "TMPDIR" in str(failure.value)


def test_a_disk_that_runs_no_code(full_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["mount", "-o", "remount,size=9m,noexec", str(full_disk)], check=True)
    monkeypatch.setenv("TMPDIR", str(full_disk))
    # In a process of its own: the loader of the system leaves the file mapped.
    program = HOLD.format(paths=PATHS, end="")
    command = [sys.executable, "-c", program, str(package("net"))]
    done = subprocess.run(command, capture_output=True, text=True, input="\n")
    assert "ft_io_error" in done.stderr
    assert "TMPDIR may name a folder on a disk that runs programs" in done.stderr
    assert not list(full_disk.iterdir())


def test_no_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(folder / "missing"))
    with pytest.raises(ShimError, match="missing"):
        shim.load(package("net"))


def test_a_folder_of_somebody_else(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root(folder).symlink_to(elsewhere)
    with pytest.raises(ShimError, match="this user alone"):
        shim.load(package("net"))
    root(folder).unlink()
    root(folder).mkdir()
    root(folder).chmod(0o777)
    with pytest.raises(ShimError, match="this user alone"):
        shim.load(package("net"))
    assert not list(elsewhere.iterdir())


def refused(file: Path, folder: Path, *parts: str, status: str = "ft_model_error") -> None:
    """Fails unless the package is refused before anything is unpacked."""
    with pytest.raises(ShimError) as failure:
        shim.load(file)
    assert failure.value.status == status
    for part in parts:
        assert part in str(failure.value)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("key", "value", "parts"),
    [
        ("machine", "riscv64", ["riscv64", "ftorch-export"]),
        ("torch", "2.12.1", ["2.12.1", "LibTorch 2.13"]),
        ("torch", "2.130.0", ["2.130.0"]),
        ("march", "x86-64-v9", ["x86-64-v9"]),
        ("march", FOREIGN_MARCH, [FOREIGN_MARCH, "does not know"]),
        ("version", 2, ["version 2"]),
    ],
)
def test_another_machine_or_libtorch(key, value, parts, folder: Path, tmp_path: Path) -> None:
    file = respecified(package("net"), tmp_path / "m.pt2", lambda all: all.update({key: value}))
    refused(file, folder, *parts)


def flags() -> set[str]:
    """What Linux says of an x86-64 processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return set(next((one for one in lines if one.startswith("flags")), "").split())


def claiming(instructions: str, file: Path) -> Path:
    """A package that says which sets of instructions its code has."""

    def edit(name: str, content: bytes) -> bytes:
        if not name.endswith(".wrapper_metadata.json"):
            return content
        return json.dumps({**json.loads(content), "AOTI_CPU_ISA": instructions}).encode()

    return changed(package("net"), file, edit)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="instructions of x86-64")
@pytest.mark.parametrize(
    "names",
    ["AVX2", "AVX512", "AVX512_VNNI", "AMX_TILE", "AVX512 AVX512_VNNI AMX_TILE"],
)
def test_instructions_that_the_processor_lacks(names: str, folder: Path, tmp_path: Path) -> None:
    known = {"AVX512": "avx512f"}
    lacking = [one for one in names.split() if known.get(one, one.lower()) not in flags()]
    file = claiming(names, tmp_path / "m.pt2")
    if lacking:
        refused(
            file, folder, f"processors of type {lacking[0]}", f"has no {lacking[0]}", "--march"
        )
    else:
        shim.load(file)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="instructions of x86-64")
@pytest.mark.parametrize("instructions", ["ASIMD", "AVX2 AVX1024"])
def test_unknown_instructions(instructions: str, folder: Path, tmp_path: Path) -> None:
    file = claiming(instructions, tmp_path / "m.pt2")
    refused(file, folder, f"'{instructions.split()[-1]}', which this FTorch does not know")


def test_code_for_another_machine(folder: Path, tmp_path: Path) -> None:
    def turn(name: str, content: bytes) -> bytes:
        # The machine of a head of ELF.
        return content[:18] + b"\xb7\x00" + content[20:] if name.endswith(".so") else content

    refused(changed(package("net"), tmp_path / "m.pt2", turn), folder, "another type of machine")

    def replace(name: str, content: bytes) -> bytes:
        return b"MZ" + content if name.endswith(".so") else content

    refused(changed(package("net"), tmp_path / "n.pt2", replace), folder, "no library for Linux")


def test_a_package_without_specification(folder: Path, tmp_path: Path) -> None:
    def strip(name: str, content: bytes) -> bytes:
        if not name.endswith("_metadata.json"):
            return content
        metadata = json.loads(content)
        metadata.pop(compiled.aoti.SPECIFICATION, None)
        return json.dumps(metadata).encode()

    file = changed(package("net"), tmp_path / "m.pt2", strip)
    refused(file, folder, "--format aoti", "specify")


def test_damaged_packages(folder: Path, tmp_path: Path) -> None:
    whole = package("net").read_bytes()
    (tmp_path / "cut.pt2").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.pt2", folder, "damaged")
    place = whole.index(b"\x7fELF") + 5000
    (tmp_path / "bit.pt2").write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
    refused(tmp_path / "bit.pt2", folder, "checksum")
    drop = [".so", ".wrapper_metadata.json"]
    for ending in drop:
        file = changed(
            package("net"),
            tmp_path / "less.pt2",
            lambda name, content, ending=ending: None if name.endswith(ending) else content,
        )
        refused(file, folder, "package has no")


def test_a_specification_of_other_code(folder: Path, tmp_path: Path) -> None:
    file = respecified(
        package("net"),
        tmp_path / "m.pt2",
        lambda all: all["program"]["graph_module"]["signature"]["output_specs"].clear(),
    )
    with pytest.raises(ShimError, match="its code has 1 outputs, its specification 0"):
        shim.load(file)
    assert not list(folder.iterdir())
