# SPDX-License-Identifier: MIT
"""`ftorch-test run --prefix`: the suite of a real installation, and all that stops it."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ftorch_tools.testing.installed import find_installed
from ftorch_tools.testing.records.load import load
from ftorch_tools.testing.validation import Suite

PROGRAM = [sys.executable, "-m", "ftorch_tools.testing", "run"]


@pytest.fixture
def small(copy_prefix, tmp_path):
    """A small copy of the prefix, to be damaged."""
    return copy_prefix(tmp_path / "copy of ftorch")


@pytest.fixture(scope="module")
def call(terminal_environment):
    """A function that runs the suite of a prefix from a folder that is no source tree."""

    def call(cwd, prefix, *arguments, before=(), **changes):
        changes.setdefault("XDG_CACHE_HOME", str(cwd / "cache"))
        return subprocess.run(
            [*before, *PROGRAM, "--prefix", str(prefix), *arguments],
            cwd=cwd,
            env=terminal_environment(**{"FC": "", **changes}),
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )

    return call


@pytest.fixture
def run(call, tmp_path):
    """The same, with a cache folder that no other test has."""
    return lambda prefix, *arguments, **changes: call(tmp_path, prefix, *arguments, **changes)


class First:
    """A first run without network, in a work tree of something else, near another FTorch."""

    def __init__(self, copy_prefix, another, root, call):
        self.root, self.call, self.prefix = root, call, copy_prefix(root / "copy of ftorch")
        git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@localhost"]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Another one"], check=True)
        before = tree(self.prefix)
        alone = ["unshare", "--net", "--map-root-user"]
        possible = subprocess.run([*alone, "true"], capture_output=True, check=False)
        self.has_network = possible.returncode != 0
        alone = [] if self.has_network else alone
        self.result = self.again(before=alone, CMAKE_PREFIX_PATH=str(another))
        self.unchanged = tree(self.prefix) == before
        self.build = root / "here"

    def again(self, **changes):
        return self.call(self.root, self.prefix, "--build-dir", "here", **changes)


@pytest.fixture(scope="module")
def first(prefix, copy_prefix, call, tmp_path_factory):
    """That first run."""
    return First(copy_prefix, prefix, tmp_path_factory.mktemp("first"), call)


def tree(folder):
    return {str(f): (f.lstat().st_size, f.lstat().st_mtime_ns) for f in folder.rglob("*")}


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_whole_suite(prefix, run, tmp_path):
    before = tree(prefix)
    result = run(prefix, "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    passed = int(re.search(r"^(\d+) passed, 0 failed", result.stderr, re.MULTILINE)[1])
    assert passed > 200
    assert tree(prefix) == before


def test_passes_without_network_and_leaves_the_prefix_alone(first):
    result = first.result
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"
    assert first.unchanged
    if first.has_network:
        pytest.skip("passed with network: unshare cannot take it away from this user")


def test_record_says_what_is_tested(first):
    record = load(first.build / "ftorch-test/latest/run.json")
    package = first.prefix / "lib/cmake/FTorch"
    libtorch = re.search(
        r"_LIBTORCH_VERSION (\S+)\)", (package / "FTorchConfig.cmake").read_text()
    )
    assert record.libtorch.split("+")[0] == libtorch[1]
    assert record.prefix == str(first.prefix)
    versions = (package / "FTorchConfigVersion.cmake").read_text()
    assert f'set(PACKAGE_VERSION "{record.ftorch}")' in versions
    compiler = record.compilers["Fortran"]
    recorded = first.prefix / "share/ftorch/validation/cmake/compiler.cmake"
    assert f'"{compiler.path}"' in recorded.read_text()
    answer = subprocess.run([compiler.path, "--version"], capture_output=True, check=True)
    assert compiler.version in answer.stdout.decode()
    assert record.commit is None


def test_prefix_is_tested_whatever_cmake_would_find(first):
    cache = (first.build / "CMakeCache.txt").read_text()
    assert re.search(r"^FTorch_DIR:\w+=(.*)$", cache, re.M)[1].startswith(f"{first.prefix}/")


def test_built_once_until_something_changes(first, prefix):
    log = first.build / "build.log"
    time_of_build = log.stat().st_mtime_ns
    same = first.again(CMAKE_PREFIX_PATH=str(prefix))
    assert same.returncode == 0
    assert "building" not in same.stdout
    assert log.stat().st_mtime_ns == time_of_build
    edit(first.prefix / "share/ftorch/validation/readme/readme.txt", "\n", "\nand more\n")
    changed = first.again(CMAKE_PREFIX_PATH=str(prefix))
    assert changed.returncode == 1
    assert "building" in changed.stdout
    assert len(list((first.build / "ftorch-test").glob("2*"))) == 3
    rerun = re.search(r"^rerun: (.*)$", changed.stdout, re.M)[1]
    assert f"--prefix '{first.prefix}' --build-dir={first.build} --failed=" in rerun


VARIABLES = (
    "CMAKE_BUILD_TYPE",
    "CMAKE_TOOLCHAIN_FILE",
    "CMAKE_Fortran_COMPILER_LAUNCHER",
    "CMAKE_INCLUDE_PATH",
    "CMAKE_MODULE_PATH",
    "FFLAGS",
    "LDFLAGS",
    "LibTorch_ROOT",
    "Torch_DIR",
)


def test_variables_that_a_build_depends_on(first, tmp_path, monkeypatch):
    monkeypatch.setenv("CMAKE_PREFIX_PATH", str(tmp_path))
    folder = tmp_path / "build"
    shutil.copytree(first.build, folder, ignore=shutil.ignore_patterns("ftorch-test"))
    suite = Suite(find_installed(first.prefix), folder)
    suite._write_stamp(suite._inputs)
    monkeypatch.setenv("FTORCH_TEST_MARKS", "of no account")
    assert Suite(find_installed(first.prefix), folder).is_fresh
    for name in VARIABLES:
        with monkeypatch.context() as changed:
            changed.setenv(name, "changed")
            assert not Suite(find_installed(first.prefix), folder).is_fresh, name


def test_two_runs_at_once_build_once(small, tmp_path, terminal_environment):
    environment = terminal_environment(XDG_CACHE_HOME=str(tmp_path / "cache"))
    command = [*PROGRAM, "--prefix", str(small)]
    pair = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in pair]
    assert [process.returncode for process in pair] == [0, 0], outputs
    assert sorted("building" in output for output in outputs) == [False, True]


def test_folder_with_other_files_is_left_alone(small, run, tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    result = run(small, "--build-dir", ".")
    assert result.returncode == 2
    assert "holds other files" in result.stderr
    assert (tmp_path / "thesis.txt").read_text() == "all of it"


def test_interrupt_ends_the_build(small, tmp_path, terminal_environment, sleepers):
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/cmake"
    fake.write_text("#!/bin/sh\nsleep 7613\n")
    fake.chmod(0o755)
    environment = terminal_environment(
        PATH=f"{tmp_path}/bin:{terminal_environment()['PATH']}", XDG_CACHE_HOME=str(tmp_path)
    )
    process = subprocess.Popen(
        [*PROGRAM, "--prefix", str(small)], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not sleepers(SimpleNamespace(root=tmp_path), 7613) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert b"Traceback" not in error
    assert not sleepers(SimpleNamespace(root=tmp_path), 7613)


def test_2_no_ftorch(run, tmp_path):
    result = run(tmp_path)
    assert result.returncode == 2
    assert "no FTorch is installed in" in result.stderr


def test_2_suite_not_installed(small, run):
    shutil.rmtree(small / "share/ftorch/validation")
    result = run(small)
    assert result.returncode == 2
    assert "-DFTORCH_INSTALL_VALIDATION=ON" in result.stderr


@pytest.mark.parametrize("arguments", [["build", "--prefix", "."], ["--build-dir", "x"]])
def test_2_contradictions(arguments, tmp_path, terminal_environment):
    result = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=tmp_path,
        env=terminal_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "--prefix" in result.stderr


def test_3_no_cmake(small, run):
    result = run(small, PATH="/nonexistent")
    assert result.returncode == 3
    assert "cmake not found: load a module" in result.stderr


def test_3_recorded_compiler_is_gone(small, run):
    compiler = small / "share/ftorch/validation/cmake/compiler.cmake"
    text = re.sub(r'COMPILER "[^"]+"', 'COMPILER "/spack/gone/gfortran"', compiler.read_text())
    compiler.write_text(text)
    result = run(small)
    assert result.returncode == 3
    assert "/spack/gone/gfortran is not here" in result.stderr
    assert "FC" in result.stderr


def test_3_compiler_wrapper_that_refuses(small, run, tmp_path):
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(
        "#!/bin/sh\necho 'error: must be run from its package manager' >&2; exit 1\n"
    )
    wrapper.chmod(0o755)
    result = run(small, FC=str(wrapper))
    assert result.returncode == 3
    assert "must be run from its package manager" in result.stderr


def test_3_modules_of_another_version(small, run):
    file = small / "include/ftorch/ftorch.mod"
    data = file.read_bytes()
    if not data.startswith(b"\x1f\x8b"):
        pytest.skip("the build's modules are not gfortran's")
    text = re.sub(rb"version '\d+'", b"version '99'", gzip.decompress(data), count=1)
    file.write_bytes(gzip.compress(text))
    result = run(small)
    assert result.returncode == 3
    assert "gfortran, module version 99" in result.stderr
    assert "Load the module of that compiler" in result.stderr


def test_3_modules_of_another_compiler(small, run):
    flang = shutil.which("flang-new-19") or shutil.which("flang")
    if flang is None:
        pytest.skip("no flang to compare with gfortran")
    result = run(small, FC=flang)
    assert result.returncode == 3
    assert "Cannot read module file for module 'ftorch'" in result.stderr


def test_3_build_failure_names_the_log(small, run):
    program = small / "share/ftorch/validation/readme/readme.f90"
    program.write_text(program.read_text() + "\nnonsense at the end\n")
    result = run(small)
    assert result.returncode == 3
    log = re.search(r"^The whole log: (.*)$", result.stderr, re.M)[1]
    with open(log) as stream:
        assert "readme.f90" in stream.read()
    stamp = json.loads((Path(log).parent / "ftorch-validation.json").read_text())
    assert stamp["inputs"] is None


def test_3_nowhere_to_build(small, run):
    result = run(small, XDG_CACHE_HOME="/proc/none")
    assert result.returncode == 3
    assert "Name another folder with --build-dir" in result.stderr
