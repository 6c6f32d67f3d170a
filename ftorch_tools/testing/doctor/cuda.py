# SPDX-License-Identifier: MIT
"""Checks that the CUDA of LibTorch and the driver of the GPUs go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ftorch_tools.testing.doctor.finding import Finding, ok, problem, unknown, warning
from ftorch_tools.testing.doctor.nvidia import Driver
from ftorch_tools.testing.doctor.subject import Subject
from ftorch_tools.testing.doctor.torch_folder import TorchFolder


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the GPUs and the driver, and whether LibTorch can use them."""
    driver = subject.driver
    if driver.gpus:
        counted = (f"{count} x {name}" for name, count in Counter(driver.gpus).items())
        yield ok(f"GPUs: {', '.join(counted)}; driver {driver.version}, {_served(driver)}")
    torch = subject.torch
    if torch is None:
        yield unknown("no LibTorch is known")
    elif torch.cuda is None and not torch.has_cuda_library:
        yield from _without_cuda(torch, driver)
    else:
        yield from _with_cuda(torch, driver)


def _served(driver: Driver) -> str:
    if driver.cuda is None:
        return "which does not say up to which CUDA"
    return f"for CUDA up to {driver.cuda[0]}.{driver.cuda[1]}"


def _without_cuda(torch: TorchFolder, driver: Driver) -> Iterator[Finding]:
    if driver.gpus:
        yield warning(
            f"LibTorch {torch.version} has no CUDA: FTorch cannot use the GPUs here",
            "Install a LibTorch built for CUDA "
            f"{driver.cuda[0] if driver.cuda else ''} and build FTorch with it.",
        )
    else:
        yield ok(f"LibTorch {torch.version} has no CUDA, and there is no GPU")


def _with_cuda(torch: TorchFolder, driver: Driver) -> Iterator[Finding]:
    wanted = torch.cuda
    if driver.complaint:
        yield problem(
            f"nvidia-smi fails: {driver.complaint}",
            "Tell the administrators of this machine: LibTorch will not find the GPU.",
        )
        return
    if not driver.is_there:
        yield warning(
            f"LibTorch is built for CUDA {wanted}, but there is no NVIDIA driver here",
            "On a login node that may be so; compute on a node with GPUs, in a container with "
            "--nv (Apptainer) or --gpus all (Docker).",
        )
        return
    if driver.library_error:
        yield problem(
            f"nvidia-smi works, but libcuda.so.1 does not: {driver.library_error}",
            "Add the driver's library folder to LD_LIBRARY_PATH, or run the container with --nv.",
        )
    if wanted is None or driver.cuda is None:
        yield unknown("which CUDA LibTorch is built for, or which the driver serves")
    elif int(wanted.split(".")[0]) > driver.cuda[0]:
        yield problem(
            f"LibTorch is built for CUDA {wanted}, the driver is {_served(driver)}",
            "Have the driver updated, or use a LibTorch for CUDA "
            f"{driver.cuda[0]} and build FTorch with it.",
        )
    else:
        yield ok(f"LibTorch is built for CUDA {wanted}, the driver is {_served(driver)}")
