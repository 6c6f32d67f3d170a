# SPDX-License-Identifier: MIT
"""Device types; the codes are those of `c10::DeviceType`, HIP excepted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """One device type with its spelling in each language."""

    name: str
    """Name in PyTorch, as in `torch.device("cuda")`."""
    constant: str
    """Public enumerator in Fortran."""
    code: int
    """Value of the enumerator."""
    aten: str
    """C++ enumerator."""
    doc: str = ""
    """One sentence for the reference."""
    alias: bool = False
    """True when another row has the same code."""


DEVICES = (
    Device("cpu", "torch_kCPU", 0, "at::DeviceType::CPU", "Host memory."),
    Device("cuda", "torch_kCUDA", 1, "at::DeviceType::CUDA", "NVIDIA GPU."),
    Device(
        "hip",
        "torch_kHIP",
        1,
        "at::DeviceType::CUDA",
        "AMD GPU; ROCm builds of LibTorch call it CUDA.",
        alias=True,
    ),
    Device("xpu", "torch_kXPU", 12, "at::DeviceType::XPU", "Intel GPU."),
    Device("mps", "torch_kMPS", 13, "at::DeviceType::MPS", "Apple GPU."),
    Device(
        "privateuseone",
        "torch_kPrivateUse1",
        20,
        "at::DeviceType::PrivateUse1",
        "Device of another vendor, whose extension of LibTorch the program links.",
    ),
)
