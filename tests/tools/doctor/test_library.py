# SPDX-License-Identifier: MIT
"""Faults of an installation: its modules, its compilers, the LibTorch and OpenMP it is given."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ftorch_tools.testing.doctor import compilers, libtorch, openmp
from ftorch_tools.testing.doctor.linked import cxx11_abi, search_path
from ftorch_tools.testing.doctor.subject import Subject, find_subject
from ftorch_tools.testing.doctor.torch_folder import TorchFolder


@pytest.fixture
def installed(prefix, tmp_path):
    """A copy of the installation, without the suite's tests, to be damaged."""
    copy = tmp_path / "ftorch"
    names = shutil.ignore_patterns("models", "fortran", "readme")
    shutil.copytree(prefix, copy, symlinks=True, ignore=names)
    return copy


@pytest.fixture
def real_torch(prefix):
    """The LibTorch that the installation is linked to, by ldd."""
    if shutil.which("ldd") is None:
        pytest.skip("no ldd here")
    answer = subprocess.run(
        ["ldd", str(next(prefix.glob("lib*/libftorch.so")))],
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(re.search(r"libc10\.so => (\S+)", answer.stdout)[1]).parents[1]


def test_nothing_wrong(prefix, real_torch, examine):
    for check in (compilers.check, libtorch.check, openmp.check):
        said = examine(check, find_subject(prefix, None))
        assert said["problem"] == said["unknown"] == "", said
    said = examine(libtorch.check, find_subject(prefix, None))["ok"]
    version = re.search(r"__version__ = '(.+)'", (real_torch / "version.py").read_text())[1]
    assert f"LibTorch {version} in {real_torch}, found by the library's own search path" in said


def test_build_folder(examine):
    build = Path(os.environ.get("FTORCH_BUILD_DIR", ""))
    if not (build / "libftorch.so").is_file():
        pytest.skip("FTORCH_BUILD_DIR names no build of FTorch")
    subject = find_subject(None, build)
    assert examine(libtorch.check, subject)["problem"] == ""
    said = examine(compilers.check, subject)
    assert said["problem"] == ""
    assert "C++ compiler: " in said["ok"]


def test_modules_of_another_version(installed, examine):
    file = installed / "include/ftorch/ftorch.mod"
    if not file.read_bytes().startswith(b"\x1f\x8b"):
        pytest.skip("the modules are not gfortran's")
    text = re.sub(rb"version '\d+'", b"version '14'", gzip.decompress(file.read_bytes()), count=1)
    file.write_bytes(gzip.compress(text))
    said = examine(compilers.check, find_subject(installed, None))["problem"]
    assert "written by gfortran, module version 14" in said
    assert "different version of GNU Fortran" in said


def test_compiler_of_another_family(installed, examine, monkeypatch):
    flang = shutil.which("flang-new-19") or shutil.which("flang")
    if flang is None:
        pytest.skip("no flang beside gfortran")
    monkeypatch.setenv("FC", flang)
    said = examine(compilers.check, find_subject(installed, None))
    assert f"{flang} cannot read {installed}/include/ftorch/ftorch.mod" in said["problem"]


def test_module_of_flang_is_known(installed, examine):
    text = "\ufeff!mod$ v1 sum:a978e531b255dde1\nmodule ftorch\nend\n"
    (installed / "include/ftorch/ftorch.mod").write_text(text)
    said = examine(compilers.check, find_subject(installed, None))["problem"]
    assert "written by flang, module format v1" in said


def test_modules_are_missing(installed, examine):
    (installed / "include/ftorch/ftorch.mod").unlink()
    said = examine(compilers.check, find_subject(installed, None))["problem"]
    assert "include/ftorch/ftorch.mod is missing" in said


def test_compiler_of_another_version(installed, examine):
    file = next(installed.rglob("FTorchConfig.cmake"))
    text = file.read_text()
    file.write_text(re.sub(r"(Fortran_COMPILER_VERSION) \S+\)", r"\1 7.5.0)", text))
    said = examine(compilers.check, find_subject(installed, None))["warning"]
    assert "7.5.0" in said
    assert "a different version" in said


def test_compiler_is_gone(installed, examine, monkeypatch):
    monkeypatch.setenv("FC", "/nonexistent/ifx")
    said = examine(compilers.check, find_subject(installed, None))["problem"]
    assert "the Fortran compiler /nonexistent/ifx is not here" in said


def test_no_compiler_at_all(only_programs, examine):
    only_programs()
    assert "no Fortran compiler on PATH" in examine(compilers.check, Subject())["warning"]


def other_torch(real_torch, root, version):
    """Make a folder that has the libraries of the real LibTorch, and says another version."""
    root.mkdir()
    (root / "lib").mkdir()
    for file in (real_torch / "lib").glob("*.so*"):
        (root / "lib" / file.name).symlink_to(file)
    (root / "version.py").write_text(f"__version__ = '{version}'\ncuda = None\n")
    return root


def test_path_leads_to_another_version(prefix, real_torch, tmp_path, examine, monkeypatch):
    other = other_torch(real_torch, tmp_path / "torch", "1.0.0")
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{other}/lib")
    said = examine(libtorch.check, find_subject(prefix, None))
    assert f"LibTorch 1.0.0 in {other} is used (LD_LIBRARY_PATH), but FTorch" in said["problem"]
    assert f"LD_LIBRARY_PATH leads to {other}/lib, before {real_torch}/lib" in said["warning"]
    assert TorchFolder(real_torch).version in said["warning"]


def test_libtorch_is_gone(prefix, real_torch, tmp_path, examine):
    subject = find_subject(prefix, None)
    # The search path of a copy is made to end elsewhere, in place.
    data = subject.library.read_bytes()
    inside = f"{real_torch}/lib".encode()
    assert inside in data
    subject.library = tmp_path / "libftorch.so"
    subject.library.write_bytes(data.replace(inside, inside[:-1] + b"X"))
    said = examine(libtorch.check, subject)["problem"]
    assert "does not find " in said
    assert "libc10.so" in said


def test_libraries_of_two_libtorch(prefix, real_torch, tmp_path, examine, monkeypatch):
    other = other_torch(real_torch, tmp_path / "torch", TorchFolder(real_torch).version)
    (other / "lib/libtorch_cpu.so").unlink()
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{other}/lib")
    said = examine(libtorch.check, find_subject(prefix, None))["problem"]
    assert "libraries of several LibTorch are mixed" in said


def compile_library(text, file, *flags):
    if shutil.which("g++") is None:
        pytest.skip("no g++ to make a library with")
    source = file.with_suffix(".cpp")
    source.write_text(text)
    command = ["g++", "-shared", "-fPIC", *flags, "-o", str(file), str(source)]
    subprocess.run(command, check=True)
    return file


def test_symbols_that_libtorch_lacks(prefix, tmp_path, examine, monkeypatch):
    (tmp_path / "lib").mkdir()
    compile_library("", tmp_path / "lib/libc10.so")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    said = examine(libtorch.check, find_subject(prefix, None))["problem"]
    assert re.search(r"\d+ symbols are missing .* the first is _Z\w*c10", said)


def test_files_that_cannot_be_loaded(prefix, real_torch, tmp_path, examine):
    library = tmp_path / "libftorch.so"
    whole = find_subject(prefix, None).library.read_bytes()
    for content in (b"", b"no library", whole[:3000]):
        library.write_bytes(content)
        said = examine(libtorch.check, Subject(prefix=prefix, library=library))["problem"]
        assert f"{library} cannot be loaded: " in said


def test_library_without_libtorch(prefix, tmp_path, examine):
    library = compile_library("int x;", tmp_path / "libftorch.so")
    said = examine(libtorch.check, Subject(prefix=prefix, library=library))["problem"]
    assert f"{library} is not linked to LibTorch" in said


@pytest.mark.parametrize("abi", [0, 1])
def test_abi_by_symbols(tmp_path, abi):
    text = "#include <string>\nnamespace c10 { void log(const std::string &text) {} }\n"
    flag = f"-D_GLIBCXX_USE_CXX11_ABI={abi}"
    assert cxx11_abi(compile_library(text, tmp_path / "libx.so", flag)) == abi


def test_files_that_are_no_libraries(tmp_path):
    (tmp_path / "libx.so").write_text("no library")
    assert cxx11_abi(tmp_path / "libx.so") is None
    assert search_path(tmp_path / "libx.so") == []
    assert search_path(tmp_path / "absent.so") == []


def test_runtime_of_cxx_too_old(prefix, tmp_path, examine, monkeypatch):
    (tmp_path / "lib").mkdir()
    script = tmp_path / "versions"
    script.write_text("GLIBCXX_3.4 { *; };\n")
    flags = ["-nostdlib", "-Wl,-soname,libstdc++.so.6", f"-Wl,--version-script={script}"]
    compile_library("int x;", tmp_path / "lib/libstdc++.so.6", *flags)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    said = examine(libtorch.check, find_subject(prefix, None))["problem"]
    assert f"{tmp_path}/lib/libstdc++.so.6 is too old: it lacks " in said
    assert "GLIBCXX_3.4" in said


def test_openmp_loaded_twice(prefix, real_torch, tmp_path, examine, monkeypatch):
    bundled = real_torch / "lib/libgomp.so.1"
    if not bundled.is_file():
        pytest.skip("this LibTorch brings no libgomp along")
    # Wheels of manylinux carry it under a name of its own.
    second = tmp_path / "libgomp-24e2ab19.so.1"
    second.write_bytes(bundled.read_bytes().replace(b"libgomp.so.1\0", b"libgomq.so.1\0"))
    monkeypatch.setenv("LD_PRELOAD", str(second))
    said = examine(openmp.check, find_subject(prefix, None))["problem"]
    assert "2 OpenMP runtimes are loaded at once" in said
    assert str(second) in said


def test_one_openmp_where_the_names_are_equal(prefix, real_torch, examine, monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{real_torch}/lib")
    said = examine(openmp.check, find_subject(prefix, None))
    assert said["problem"] == ""
    assert said["ok"].startswith("one OpenMP runtime: ")


def test_build_whose_ftorch_is_gone(tmp_path, examine):
    gone = tmp_path / "ftorch/lib/cmake/FTorch"
    cache = f"CMAKE_PROJECT_NAME:STATIC=mine\nFTorch_DIR:PATH={gone}\n"
    (tmp_path / "CMakeCache.txt").write_text(cache)
    said = examine(libtorch.check, find_subject(None, tmp_path))["problem"]
    assert f"FTorch_DIR={gone}, which is not there" in said
