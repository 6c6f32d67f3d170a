# SPDX-License-Identifier: MIT
"""Device types; the codes are those of `c10::DeviceType`, HIP excepted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
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
    Device(
        name="cpu", constant="torch_kCPU", code=0, aten="at::DeviceType::CPU", doc="Host memory."
    ),
    Device(
        name="cuda", constant="torch_kCUDA", code=1, aten="at::DeviceType::CUDA", doc="NVIDIA GPU."
    ),
    Device(
        name="hip",
        constant="torch_kHIP",
        code=1,
        aten="at::DeviceType::CUDA",
        doc="AMD GPU; ROCm builds of LibTorch call it CUDA.",
        alias=True,
    ),
    Device(
        name="xpu", constant="torch_kXPU", code=12, aten="at::DeviceType::XPU", doc="Intel GPU."
    ),
    Device(
        name="mps", constant="torch_kMPS", code=13, aten="at::DeviceType::MPS", doc="Apple GPU."
    ),
    Device(
        name="privateuseone",
        constant="torch_kPrivateUse1",
        code=20,
        aten="at::DeviceType::PrivateUse1",
        doc="Device of another vendor, whose extension of LibTorch the program links.",
    ),
)
