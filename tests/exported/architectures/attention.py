# SPDX-License-Identifier: MIT
"""Attention: over levels, patches, windows and time."""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional


class TransformerEncoder(nn.Module):
    """PyTorch's encoder over the levels of a column, with a mask of those below ground."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.first = nn.Linear(3, 16)
        self.last = nn.Linear(16, 2)

    def forward(self, x: Tensor, below_ground: Tensor) -> Tensor:
        return self.last(self.encoder(self.first(x), src_key_padding_mask=below_ground))


class RotaryDecoder(nn.Module):
    """Causal attention with rotary embedding, RMS norm and SwiGLU, over any length."""

    def __init__(self, width: int = 16, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.first = nn.Linear(3, width)
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, 48)
        self.back = nn.Linear(24, width)
        frequencies = 10000.0 ** (-torch.arange(0, width // heads, 2) / (width // heads))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def rotate(self, x: Tensor) -> Tensor:
        angles = torch.outer(torch.arange(x.shape[-2], device=x.device), self.frequencies)
        a, b = x.chunk(2, dim=-1)
        return torch.cat(
            [a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.qkv(self.norms[0](x)).chunk(3, dim=-1)
        )
        y = functional.scaled_dot_product_attention(
            self.rotate(q), self.rotate(k), v, is_causal=True
        )
        x = x + self.out(y.transpose(1, 2).flatten(-2))
        a, b = self.gate(self.norms[1](x)).chunk(2, dim=-1)
        return x + self.back(functional.silu(a) * b)


class VisionTransformer(nn.Module):
    """Patches with learned places and a class token, for fields of a forecast."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.patches = nn.Conv2d(2, width, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, 17, width))
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.mlp = nn.Sequential(nn.Linear(width, 32), nn.GELU(), nn.Linear(32, width))
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.places
        y = self.norms[0](x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return self.head((x + self.mlp(self.norms[1](x)))[:, 0])


class WindowAttention(nn.Module):
    """Shifted windows with a bias for relative places, as Swin and global forecasts have."""

    def __init__(self, width: int = 8, window: int = 4) -> None:
        super().__init__()
        self.window = window
        self.qkv = nn.Linear(width, 3 * width)
        self.bias = nn.Parameter(0.02 * torch.randn((2 * window - 1) ** 2, 2))
        places = torch.stack(torch.meshgrid(2 * [torch.arange(window)], indexing="ij")).flatten(1)
        relative = places[:, :, None] - places[:, None, :] + window - 1
        self.register_buffer("index", relative[0] * (2 * window - 1) + relative[1])

    def forward(self, x: Tensor) -> Tensor:
        batch, rows, columns, width = x.shape
        w = self.window
        x = torch.roll(x, (-w // 2, -w // 2), (1, 2))
        y = x.view(batch, rows // w, w, columns // w, w, width).permute(0, 1, 3, 2, 4, 5)
        q, k, v = self.qkv(y.reshape(-1, w * w, width)).view(-1, w * w, 3, 2, width // 2).unbind(2)
        scores = torch.einsum("nihc,njhc->nhij", q, k) / (width // 2) ** 0.5
        scores = (scores + self.bias[self.index].permute(2, 0, 1)).softmax(-1)
        y = torch.einsum("nhij,njhc->nihc", scores, v).reshape(
            batch, rows // w, columns // w, w, w, width
        )
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, width)
        return torch.roll(y, (w // 2, w // 2), (1, 2))


class MlpMixer(nn.Module):
    """Layers across patches, then across channels."""

    def __init__(self, patches: int = 9, width: int = 12) -> None:
        super().__init__()
        self.across = nn.Sequential(nn.Linear(patches, 18), nn.GELU(), nn.Linear(18, patches))
        self.within = nn.Sequential(nn.Linear(width, 24), nn.GELU(), nn.Linear(24, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.across(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.within(self.norm(x))


class CrossAttention(nn.Module):
    """Latent queries over observations of any number, with a mask, as Perceivers have."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(4, width))
        self.keys = nn.Linear(5, width)
        self.values = nn.Linear(5, width)
        self.last = nn.Linear(width, 2)

    def forward(self, observations: Tensor, is_missing: Tensor) -> Tensor:
        scores = self.latents @ self.keys(observations).mT / self.latents.shape[-1] ** 0.5
        scores = scores.masked_fill(is_missing[:, None, :], float("-inf"))
        return self.last(scores.softmax(-1) @ self.values(observations))


class SeriesTransformer(nn.Module):
    """PyTorch's encoder and decoder with a causal mask, for series of any length."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = nn.Transformer(8, 2, 1, 1, 16, dropout=0.0, batch_first=True)

    def forward(self, past: Tensor, future: Tensor) -> Tensor:
        steps = future.shape[1]
        mask = torch.ones(steps, steps, dtype=torch.bool, device=past.device).triu(1)
        return self.transformer(past, future, tgt_mask=mask, tgt_is_causal=False)


FUSED = "without gradients, eager PyTorch computes attention by a fused kernel"
SERIES = {0: Dim.DYNAMIC, 1: Dim.DYNAMIC}

ROWS = [
    Architecture(
        make=TransformerEncoder,
        inputs=lambda n: (torch.randn(n, 9, 3), torch.arange(9).expand(n, 9) > 6),
        dynamic=(BATCH, BATCH),
        inexact=FUSED,
    ),
    Architecture(
        make=RotaryDecoder, inputs=lambda n: (torch.randn(n, 4 + n, 3),), dynamic=(SERIES,)
    ),
    Architecture(
        make=VisionTransformer,
        inputs=lambda n: (torch.randn(n, 2, 16, 16),),
        dynamic=(BATCH,),
        inexact=FUSED,
    ),
    Architecture(
        make=WindowAttention, inputs=lambda n: (torch.randn(n, 8, 8, 8),), dynamic=(BATCH,)
    ),
    Architecture(make=MlpMixer, inputs=lambda n: (torch.randn(n, 9, 12),), dynamic=(BATCH,)),
    Architecture(
        make=CrossAttention,
        inputs=lambda n: (torch.randn(n, 6 + n, 5), torch.rand(n, 6 + n) > 0.8),
        dynamic=(SERIES, SERIES),
    ),
    Architecture(
        make=SeriesTransformer,
        inputs=lambda n: (torch.randn(n, 6, 8), torch.randn(n, 4, 8)),
        dynamic=(BATCH, BATCH),
        inexact=FUSED,
    ),
]
