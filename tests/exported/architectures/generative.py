# SPDX-License-Identifier: MIT
"""Networks that draw or describe distributions; noise comes from PyTorch's generator."""

from __future__ import annotations

import math

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.nn import functional


class Vae(nn.Module):
    """A variational autoencoder that draws its code with noise of the generator."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 6))
        self.decoder = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 12))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
        return self.decoder(code), divergence


class MixtureDensity(nn.Module):
    """The logarithm of a mixture's density, for stochastic parameterisations."""

    def __init__(self, parts: int = 4) -> None:
        super().__init__()
        self.hidden = nn.Linear(5, 16)
        self.heads = nn.Linear(16, 3 * parts)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        logits, means, scales = self.heads(torch.tanh(self.hidden(x))).chunk(3, dim=1)
        scales = functional.softplus(scales) + 1e-3
        exponent = -0.5 * ((y - means) / scales).square() - scales.log()
        return torch.logsumexp(logits.log_softmax(1) + exponent, 1) - 0.5 * math.log(2 * math.pi)


class NormalisingFlow(nn.Module):
    """Affine couplings and their logarithmic volume, as RealNVP has."""

    def __init__(self, layers: int = 3) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(
            nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 6)) for _ in range(layers)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        volume = x.new_zeros(x.shape[0])
        for coupling in self.couplings:
            a, b = x.chunk(2, dim=1)
            scale, shift = coupling(a).chunk(2, dim=1)
            scale = torch.tanh(scale)
            x = torch.cat([b * scale.exp() + shift, a], dim=1).flip(1)
            volume = volume + scale.sum(1)
        return x, volume


class Denoiser(nn.Module):
    """A step of a diffusion model: noise by the sines of an integer time."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Linear(8, 10)
        self.first = nn.Conv1d(1, 10, 3, padding=1)
        self.norm = nn.GroupNorm(2, 10)
        self.last = nn.Conv1d(10, 1, 3, padding=1)
        self.register_buffer("betas", torch.linspace(1e-4, 0.02, 50))

    def forward(self, x: Tensor, step: Tensor) -> Tensor:
        frequencies = torch.exp(torch.arange(4, device=x.device) * -2.0)
        angles = step.unsqueeze(1) * frequencies
        embedding = self.time(torch.cat([angles.sin(), angles.cos()], dim=1)).unsqueeze(-1)
        noise = self.last(functional.silu(self.norm(self.first(x)) + embedding))
        beta = self.betas[step].view(-1, 1, 1)
        kept = (1 - self.betas).cumprod(0)[step].view(-1, 1, 1)
        return (x - beta / torch.sqrt(1 - kept) * noise) / torch.sqrt(1 - beta)


class Dropout(nn.Module):
    """Dropout in training mode, drawn from the seed: ensembles by Monte Carlo."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 8), nn.AlphaDropout(0.1)
        )
        self.channels = nn.Dropout1d(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.channels(self.layers(x).view(x.shape[0], 4, 2))


class Sampler(nn.Module):
    """Members of an ensemble by Gumbel noise, Bernoulli, normal and uniform numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.logits(x)
        soft = functional.gumbel_softmax(logits, tau=0.7)
        kept = torch.bernoulli(torch.full_like(soft, 0.8))
        return soft * kept + torch.normal(torch.zeros_like(soft), 0.1) + torch.rand(5)


ROWS = [
    Architecture(make=Vae, inputs=lambda n: (torch.randn(n, 12),), dynamic=(BATCH,)),
    Architecture(
        make=MixtureDensity,
        inputs=lambda n: (torch.randn(n, 5), torch.randn(n, 1)),
        dynamic=(BATCH, BATCH),
    ),
    Architecture(make=NormalisingFlow, inputs=lambda n: (torch.randn(n, 6),), dynamic=(BATCH,)),
    Architecture(
        make=Denoiser,
        inputs=lambda n: (torch.randn(n, 1, 12), torch.randint(50, (n,))),
        dynamic=(BATCH, BATCH),
    ),
    Architecture(
        make=Dropout, inputs=lambda n: (torch.randn(n, 6),), dynamic=(BATCH,), is_training=True
    ),
    Architecture(make=Sampler, inputs=lambda n: (torch.randn(n, 4),), dynamic=(BATCH,)),
]
