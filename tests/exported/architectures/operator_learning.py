# SPDX-License-Identifier: MIT
"""Operators between fields: Fourier, spherical and branch-trunk networks."""

from __future__ import annotations

import math

import torch
from architecture import BATCH, COMPLEX, Architecture
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional


class Fno1d(nn.Module):
    """A Fourier neural operator on a line of any number of points, weights complex."""

    def __init__(self, width: int = 8, modes: int = 4) -> None:
        super().__init__()
        self.modes = modes
        self.lift = nn.Linear(2, width)
        self.weights = nn.ParameterList(
            torch.randn(width, width, modes, dtype=torch.complex64) / width for _ in range(2)
        )
        self.local = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(2))
        self.project = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lift(x).transpose(1, 2)
        for weight, local in zip(self.weights, self.local):
            spectrum = torch.fft.rfft(x)
            low = torch.einsum("bim,iom->bom", spectrum[..., : self.modes], weight)
            low = functional.pad(low, (0, spectrum.shape[-1] - self.modes))
            x = functional.gelu(torch.fft.irfft(low, n=x.shape[-1]) + local(x))
        return self.project(x.transpose(1, 2))


class Fno2d(nn.Module):
    """A Fourier neural operator on a plane, the corners of the spectrum written in place."""

    def __init__(self, width: int = 6, modes: int = 3) -> None:
        super().__init__()
        self.modes = modes
        self.lift = nn.Conv2d(1, width, 1)
        self.weight = nn.Parameter(
            torch.randn(2, width, width, modes, modes, dtype=torch.complex64) / width
        )
        self.local = nn.Conv2d(width, width, 1)
        self.project = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x, m = self.lift(x), self.modes
        spectrum = torch.fft.rfft2(x, norm="ortho")
        result = torch.zeros_like(spectrum)
        result[..., :m, :m] = torch.einsum(
            "bixy,ioxy->boxy", spectrum[..., :m, :m], self.weight[0]
        )
        result[..., -m:, :m] = torch.einsum(
            "bixy,ioxy->boxy", spectrum[..., -m:, :m], self.weight[1]
        )
        y = torch.fft.irfft2(result, s=x.shape[-2:], norm="ortho")
        return self.project(functional.gelu(y + self.local(x)))


def legendre(rows: int, orders: int) -> tuple[Tensor, Tensor]:
    """Return weighted associated Legendre functions at midpoints of latitude, and themselves."""
    angles = (torch.arange(rows, dtype=torch.float64) + 0.5) * math.pi / rows
    x, s = angles.cos(), angles.sin()
    table = torch.zeros(orders, orders, rows, dtype=torch.float64)
    for m in range(orders):
        table[m, m] = math.sqrt(math.factorial(2 * m + 1)) / (2.0**m * math.factorial(m)) * s**m
        if m + 1 < orders:
            table[m, m + 1] = math.sqrt(2 * m + 3) * x * table[m, m]
        for n in range(m + 2, orders):
            a = math.sqrt((4 * n * n - 1) / (n * n - m * m))
            b = math.sqrt(((n - 1) ** 2 - m * m) / (4 * (n - 1) ** 2 - 1))
            table[m, n] = a * (x * table[m, n - 1] - b * table[m, n - 2])
    return (table * s * math.pi / rows).float(), table.float()


class SphericalFno(nn.Module):
    """A neural operator in spherical harmonics: FFT along latitudes, Legendre between them."""

    def __init__(self, rows: int = 8, columns: int = 16, width: int = 4, orders: int = 5) -> None:
        super().__init__()
        self.columns, self.orders = columns, orders
        forth, back = legendre(rows, orders)
        self.register_buffer("forth", forth)
        self.register_buffer("back", back)
        self.lift = nn.Conv2d(2, width, 1)
        self.weight = nn.Parameter(torch.randn(width, width, orders, 2) / width)
        self.project = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lift(x)
        spectrum = torch.fft.rfft(x, dim=-1, norm="forward")[..., : self.orders]
        spectrum = torch.einsum("bckm,mnk->bcmn", spectrum, self.forth.to(spectrum.dtype))
        weight = torch.view_as_complex(self.weight)
        spectrum = torch.einsum("bcmn,con->bomn", spectrum, weight)
        spectrum = torch.einsum("bcmn,mnk->bckm", spectrum, self.back.to(spectrum.dtype))
        y = torch.fft.irfft(spectrum, n=self.columns, dim=-1, norm="forward")
        return self.project(functional.silu(x + y))


class DeepONet(nn.Module):
    """Branch and trunk: a function by its samples, read at any number of places."""

    def __init__(self, basis: int = 10) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(12, 20), nn.Tanh(), nn.Linear(20, basis))
        self.trunk = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, basis), nn.Tanh())
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, samples: Tensor, places: Tensor) -> Tensor:
        return self.branch(samples) @ self.trunk(places).T + self.bias


class AdaptiveFno(nn.Module):
    """Blocks of the spectrum through a complex network with thresholds, as FourCastNet has."""

    def __init__(self, width: int = 8, blocks: int = 2) -> None:
        super().__init__()
        self.blocks = blocks
        size = width // blocks
        self.weight = nn.Parameter(0.1 * torch.randn(2, blocks, size, size))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        _, rows, columns, _ = x.shape
        spectrum = torch.fft.rfft2(self.norm(x), dim=(1, 2), norm="ortho")
        parts = spectrum.unflatten(-1, (self.blocks, -1))
        real, imag = (
            torch.einsum("...bi,bio->...bo", parts.real, self.weight[0])
            - torch.einsum("...bi,bio->...bo", parts.imag, self.weight[1]),
            torch.einsum("...bi,bio->...bo", parts.imag, self.weight[0])
            + torch.einsum("...bi,bio->...bo", parts.real, self.weight[1]),
        )
        both = functional.softshrink(torch.stack([real.relu(), imag.relu()], -1), 0.01)
        spectrum = torch.view_as_complex(both).flatten(-2)
        return x + torch.fft.irfft2(spectrum, s=(rows, columns), dim=(1, 2), norm="ortho")


ROWS = [
    Architecture(
        make=Fno1d,
        inputs=lambda n: (torch.randn(n, 8 + 2 * n, 2),),
        dynamic=({0: Dim.DYNAMIC, 1: Dim.DYNAMIC},),
        inexact=COMPLEX,
    ),
    Architecture(
        make=Fno2d,
        inputs=lambda n: (torch.randn(n, 1, 8, 10),),
        dynamic=(BATCH,),
        inexact=COMPLEX,
    ),
    Architecture(
        make=SphericalFno, inputs=lambda n: (torch.randn(n, 2, 8, 16),), dynamic=(BATCH,)
    ),
    Architecture(
        make=DeepONet,
        inputs=lambda n: (torch.randn(n, 12), torch.rand(2 * n, 2)),
        dynamic=(BATCH, BATCH),
    ),
    Architecture(make=AdaptiveFno, inputs=lambda n: (torch.randn(n, 6, 8, 8),), dynamic=(BATCH,)),
]
