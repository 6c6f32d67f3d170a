# SPDX-License-Identifier: MIT
"""Convolutions: fields on regular grids, in one, two and three dimensions."""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional


class ResidualNet(nn.Module):
    """Residual blocks with batch norm, periodic in both directions."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, channels, 3, padding=1, padding_mode="circular")
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1, padding_mode="circular", bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels, 3, padding=1, padding_mode="circular"),
            )
            for _ in range(2)
        )
        self.last = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = functional.relu(x + block(x))
        return self.last(x)


class UNet(nn.Module):
    """Two levels down and up with skips; `dimensions` are 1, 2 or 3."""

    def __init__(self, dimensions: int, channels: int = 6) -> None:
        super().__init__()
        convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dimensions - 1]
        transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[dimensions - 1]
        self.pool = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[dimensions - 1](2)
        self.down = nn.ModuleList(
            [
                convolution(1, channels, 3, padding=1),
                convolution(channels, 2 * channels, 3, padding=1),
            ]
        )
        self.middle = convolution(2 * channels, 2 * channels, 3, padding=1)
        self.up = nn.ModuleList(
            [
                transposed(2 * channels, 2 * channels, 2, stride=2),
                transposed(channels, channels, 2, stride=2),
            ]
        )
        self.join = nn.ModuleList(
            [convolution(4 * channels, channels, 3, padding=1), convolution(2 * channels, 1, 1)]
        )

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for layer in self.down:
            x = functional.relu(layer(x))
            skips.append(x)
            x = self.pool(x)
        x = functional.relu(self.middle(x))
        for layer, join in zip(self.up, self.join):
            x = join(torch.cat([layer(x), skips.pop()], dim=1))
        return x


class UNet2d(UNet):
    """A U-Net over a horizontal field, for downscaling and nowcasting."""

    def __init__(self) -> None:
        super().__init__(2)


class UNet3d(UNet):
    """A U-Net over a volume, for plasma and flow."""

    def __init__(self) -> None:
        super().__init__(3, channels=4)


class SeparableNet(nn.Module):
    """Depthwise convolutions with squeeze and excitation, as mobile networks have."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, channels, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)
        self.squeeze = nn.Conv2d(channels, 2, 1)
        self.excite = nn.Conv2d(2, channels, 1)
        self.last = nn.Linear(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.hardswish(self.first(x))
        y = self.pointwise(self.depthwise(x))
        weights = functional.adaptive_avg_pool2d(y, 1)
        y = y * functional.hardsigmoid(self.excite(functional.relu(self.squeeze(weights))))
        return self.last((x + y).mean((2, 3)))


class TemporalNet(nn.Module):
    """Dilated causal convolutions over a time series of any length."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(3 if i == 0 else channels, channels, 3, dilation=2**i) for i in range(3)
        )
        self.last = nn.Conv1d(channels, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            y = torch.tanh(layer(functional.pad(x, (2 * 2**i, 0))))
            x = y if i == 0 else x + y
        return self.last(x)


class SuperResolution(nn.Module):
    """A residual on top of bicubic interpolation, by pixel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 12, 3, padding=1, padding_mode="replicate")
        self.last = nn.Conv2d(12, 9, 3, padding=1, padding_mode="reflect")
        self.shuffle = nn.PixelShuffle(3)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.shuffle(self.last(functional.leaky_relu(self.first(x), 0.1)))
        return residual + functional.interpolate(x, scale_factor=3.0, mode="bicubic")


class BatchNormTraining(nn.Module):
    """Batch norm in training mode: each pass changes the running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


FIELD = ({0: Dim.DYNAMIC},)

ROWS = [
    Architecture(make=ResidualNet, inputs=lambda n: (torch.randn(n, 2, 8, 8),), dynamic=FIELD),
    Architecture(make=UNet2d, inputs=lambda n: (torch.randn(n, 1, 16, 12),), dynamic=FIELD),
    Architecture(make=UNet3d, inputs=lambda n: (torch.randn(n, 1, 8, 8, 4),), dynamic=FIELD),
    Architecture(make=SeparableNet, inputs=lambda n: (torch.randn(n, 3, 12, 12),), dynamic=FIELD),
    Architecture(
        make=TemporalNet,
        inputs=lambda n: (torch.randn(n, 3, 4 + 2 * n),),
        dynamic=({0: Dim.DYNAMIC, 2: Dim.DYNAMIC},),
    ),
    Architecture(make=SuperResolution, inputs=lambda n: (torch.randn(n, 1, 6, 7),), dynamic=FIELD),
    Architecture(
        make=BatchNormTraining,
        inputs=lambda n: (torch.randn(n, 2, 6, 6),),
        dynamic=(BATCH,),
        is_training=True,
    ),
]
