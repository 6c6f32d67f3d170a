# SPDX-License-Identifier: MIT
"""Faults of GPUs: drivers too old, silent or half there, and masks that hide devices."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from importlib import metadata
from types import SimpleNamespace

import pytest

from ftorch_tools.testing.doctor import cuda, masks, nvidia
from ftorch_tools.testing.doctor.subject import Subject
from ftorch_tools.testing.doctor.torch_folder import TorchFolder, python_torch

# The beginning of what nvidia-smi of driver 535 prints.
BANNER = "| NVIDIA-SMI 535.183.01   Driver Version: 535.183.01   CUDA Version: 12.2     |"
ROWS = (
    "535.183.01, NVIDIA A100-SXM4-40GB, GPU-aaaa1111\\n"
    "535.183.01, NVIDIA A100-SXM4-40GB, GPU-bbbb2222"
)
TWO_GPUS = f"""case "$*" in *--query-gpu*) printf '{ROWS}\\n';; *) echo '{BANNER}';; esac"""


@pytest.fixture
def torch(tmp_path):
    """A function that makes a subject with a LibTorch as a wheel for some CUDA leaves it."""

    def make(version, built_for):
        root = tmp_path / "torch"
        root.mkdir()
        text = f"__version__ = '{version}'\ncuda: Optional[str] = {built_for!r}\nhip = None\n"
        (root / "version.py").write_text(text)
        subject = Subject()
        subject.torch = TorchFolder(root)
        return subject

    return make


@pytest.fixture
def libcuda(tmp_path, monkeypatch):
    """A function that compiles a driver library that serves some CUDA."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to make a driver library with")

    def make(version, status=0):
        folder = tmp_path / "driver"
        folder.mkdir()
        text = f"int cuDriverGetVersion(int *version) {{ *version = {version}; return {status}; }}"
        (folder / "cuda.c").write_text(text)
        library = str(folder / "libcuda.so.1")
        subprocess.run(["gcc", "-shared", "-o", library, str(folder / "cuda.c")], check=True)
        monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))

    return make


def has_driver():
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return shutil.which("nvidia-smi") is not None
    return True


@pytest.fixture
def no_driver():
    """Skip where there is a driver."""
    if has_driver():
        pytest.skip("this machine has an NVIDIA driver")


def test_version_files_say_what_the_package_says():
    torch = python_torch()
    if torch is None:
        pytest.skip("no PyTorch to compare with")
    assert torch.version == metadata.version("torch")
    assert torch.has_cuda_library == (torch.cuda is not None)


@pytest.mark.parametrize(
    ("version", "expected"), [("2.6.0+cu124", "12.4"), ("2.13.0+cu130", "13.0"), ("2.6.0", None)]
)
def test_cuda_of_a_distribution_without_python(tmp_path, version, expected):
    (tmp_path / "build-version").write_text(f"{version}\n")
    torch = TorchFolder(tmp_path)
    assert (torch.version, torch.cuda) == (version, expected)


@pytest.mark.usefixtures("no_driver")
def test_no_driver_for_cuda(torch, examine):
    said = examine(cuda.check, torch("2.13.0+cu130", "13.0"))
    assert "built for CUDA 13.0, but there is no NVIDIA driver" in said["warning"]
    assert said["problem"] == ""


@pytest.mark.usefixtures("no_driver")
def test_nothing_wrong_without_cuda_and_gpu(torch, examine):
    said = examine(cuda.check, torch("2.13.0+cpu", None))
    assert said["warning"] == said["problem"] == ""
    assert "has no CUDA, and there is no GPU" in said["ok"]


def test_driver_too_old_for_the_wheel(torch, program, libcuda, examine):
    libcuda(12020)
    program("nvidia-smi", TWO_GPUS)
    said = examine(cuda.check, torch("2.13.0+cu130", "13.0"))
    assert "built for CUDA 13.0, the driver is for CUDA up to 12.2" in said["problem"]
    assert "GPUs: 2 x NVIDIA A100-SXM4-40GB; driver 535.183.01" in said["ok"]


def test_minor_versions_are_compatible(torch, program, libcuda, examine):
    libcuda(12020)
    program("nvidia-smi", TWO_GPUS)
    said = examine(cuda.check, torch("2.9.0+cu128", "12.8"))
    assert said["problem"] == said["warning"] == ""
    assert "built for CUDA 12.8, the driver is for CUDA up to 12.2" in said["ok"]


def test_gpus_unused_by_a_wheel_without_cuda(torch, program, libcuda, examine):
    libcuda(12020)
    program("nvidia-smi", TWO_GPUS)
    said = examine(cuda.check, torch("2.13.0+cpu", None))
    assert "LibTorch 2.13.0+cpu has no CUDA: FTorch cannot use the GPUs" in said["warning"]


def test_library_of_the_driver_is_missing(torch, program, examine, monkeypatch):
    monkeypatch.setattr(nvidia, "_ask_library", lambda: (None, "libcuda.so.1: cannot open"))
    program("nvidia-smi", TWO_GPUS)
    said = examine(cuda.check, torch("2.9.0+cu128", "12.8"))
    assert "nvidia-smi works, but libcuda.so.1 does not" in said["problem"]


def test_library_of_the_driver_fails(torch, program, libcuda, examine):
    libcuda(0, status=999)
    program("nvidia-smi", TWO_GPUS)
    said = examine(cuda.check, torch("2.9.0+cu128", "12.8"))
    assert "cuDriverGetVersion: error 999" in said["problem"]


def test_driver_and_library_mismatch(torch, program, examine):
    program(
        "nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18"
    )
    said = examine(cuda.check, torch("2.9.0+cu128", "12.8"))
    assert "nvidia-smi fails: Failed to initialize NVML: Driver/library" in said["problem"]


def test_nvidia_smi_that_hangs(torch, program, examine, monkeypatch, sleepers, tmp_path):
    monkeypatch.setattr(nvidia, "_SECONDS", 0.5)
    program("nvidia-smi", "sleep 7617")
    said = examine(cuda.check, torch("2.9.0+cu128", "12.8"))
    assert "nvidia-smi did not answer within 0.5 s" in said["problem"]
    assert not sleepers(SimpleNamespace(root=tmp_path), 7617)


@pytest.mark.parametrize(
    "script", ["head -c 1000 /dev/urandom", "echo a, b, c", "echo No devices were found", "true"]
)
def test_answer_that_names_no_gpu(script, torch, program, libcuda, examine):
    libcuda(12020)
    program("nvidia-smi", script)
    said = examine(cuda.check, torch("2.9.0+cu128", "12.8"))
    assert "GPUs" not in said["ok"]
    assert said["problem"].startswith("nvidia-smi fails: ")


@pytest.mark.parametrize(
    ("mask", "state", "text"),
    [
        ("0,1", "ok", "leaves 2 of 2 GPUs visible"),
        ("GPU-bbbb", "ok", "leaves 1 of 2 GPUs visible"),
        ("1,2", "problem", "names 2, which is none of the 2 GPUs here"),
        ("GPU-cccc", "problem", "names GPU-cccc"),
        ("0,0", "problem", "names 0 twice"),
        ("first", "problem", "names first"),
        ("", "warning", "hides all GPUs"),
        ("-1", "warning", "hides all GPUs"),
    ],
)
def test_masks(mask, state, text, program, monkeypatch, examine):
    program("nvidia-smi", TWO_GPUS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", mask)
    assert text in examine(masks.check, Subject())[state]


@pytest.mark.usefixtures("no_driver")
def test_mask_without_driver(monkeypatch, examine):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    said = examine(masks.check, Subject())
    assert "which nothing here lists" in said["ok"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert "no mask hides GPUs" in examine(masks.check, Subject())["ok"]
