# SPDX-License-Identifier: MIT
"""Networks of packages on PyPI that need little more than PyTorch, in small sizes."""

from __future__ import annotations

import enum
import importlib.machinery
import sys
import types
from importlib import import_module
from typing import Any

import torch
from architecture import BATCH, COMPLEX, Architecture
from torch import nn

PACKAGES = (
    *("e3nn", "efficientnet-pytorch", "mlp-mixer-pytorch", "neuraloperator", "nflows"),
    *("rotary-embedding-torch", "siren-pytorch", "timm", "torch-harmonics", "vit-pytorch"),
    *("x-transformers", "zuko"),
    # What they import.
    *("einops", "einx", "frozendict", "huggingface-hub", "loguru", "opt-einsum", "opt-einsum-fx"),
    *("pillow", "pyyaml", "requests", "scipy", "tensorly", "tensorly-torch", "torch-einops-utils"),
    *("tqdm", "urllib3", "idna", "certifi", "charset-normalizer"),
)
"""Installed without their dependencies, which would bring another PyTorch."""


class Interpolation(enum.Enum):
    """What timm reads of torchvision when it is imported."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


class Absent(type):
    """A class with all attributes, which are such classes."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return AbsentClass


class AbsentClass(metaclass=Absent):
    """Stands for what is imported and never used."""


def stand_in_for_torchvision() -> None:
    """Let packages import torchvision, whose wheels are for one PyTorch only."""
    names = ("transforms", "transforms.functional", "ops", "ops.misc", "models", "utils")
    names += ("models.feature_extraction", "datasets", "datasets.folder")
    for name in ("torchvision", *(f"torchvision.{name}" for name in names)):
        module = types.ModuleType(name)
        module.__path__ = []
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        module.InterpolationMode = Interpolation
        module.__getattr__ = lambda name: getattr(AbsentClass, name)
        sys.modules.setdefault(name, module)


def image(size: int, channels: int = 3) -> Any:
    """Return the procedure that makes a batch of square images."""
    return lambda n: (torch.randn(n, channels, size, size),)


def globe(n: int) -> Any:
    """Return fields on a sphere."""
    return (torch.randn(n, 2, 8, 16),)


def vectors(width: int) -> Any:
    """Return the procedure that makes vectors."""
    return lambda n: (torch.randn(n, width),)


def vit(module: str, name: str, **options: Any) -> Any:
    """Return the maker of a network of vit-pytorch for images of 32 by 32."""
    plain = {"image_size": 32, "num_classes": 5, "dim": 16, "depth": 1, "heads": 2, "mlp_dim": 24}
    return lambda: getattr(import_module(f"vit_pytorch.{module}"), name)(**{**plain, **options})


def timm(module: str, name: str, **options: Any) -> Any:
    """Return the maker of a network of timm."""
    return lambda: getattr(import_module(f"timm.models.{module}"), name)(num_classes=5, **options)


def timm_resnet() -> nn.Module:
    module = import_module("timm.models.resnet")
    return module.ResNet(module.BasicBlock, (1, 1, 1, 1), num_classes=5, channels=(8, 8, 16, 16))


def fourier(**options: Any) -> nn.Module:
    """A neural operator with Fourier layers."""
    plain = {"n_modes": (4, 4), "in_channels": 2, "out_channels": 1, "hidden_channels": 6}
    return import_module("neuralop.models").FNO(**{**plain, "n_layers": 2, **options})


class HarmonicTransform(nn.Module):
    """A field to spherical harmonics, weighed and back."""

    def __init__(self) -> None:
        super().__init__()
        package = import_module("torch_harmonics")
        self.forth = package.RealSHT(8, 16)
        self.back = package.InverseRealSHT(8, 16)
        self.weight = nn.Parameter(torch.randn(self.forth.lmax, self.forth.mmax))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.back(self.forth(x) * self.weight)


def spherical() -> nn.Module:
    module = import_module("torch_harmonics.examples.models.sfno")
    return module.SphericalFourierNeuralOperator(
        img_size=(8, 16), in_chans=2, out_chans=1, embed_dim=8, num_layers=1, grid="equiangular"
    )


def equivariant() -> nn.Module:
    o3 = import_module("e3nn.o3")
    return o3.Linear("4x0e + 2x1o", "3x0e + 2x1o")


class Flow(nn.Module):
    """The logarithm of the density of a flow of nflows."""

    def __init__(self) -> None:
        super().__init__()
        module = import_module("nflows.transforms.autoregressive")
        self.transform = module.MaskedAffineAutoregressiveTransform(4, 12, num_blocks=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.transform(x)


class ZukoMlp(nn.Module):
    """A masked network of zuko."""

    def __init__(self) -> None:
        super().__init__()
        adjacency = torch.ones(3, 4, dtype=torch.bool).tril()
        self.network = import_module("zuko.nn").MaskedMLP(adjacency, hidden_features=(8, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)


def siren() -> nn.Module:
    return import_module("siren_pytorch").SirenNet(
        dim_in=2, dim_hidden=16, dim_out=3, num_layers=3, w0_initial=30.0
    )


def decoder() -> nn.Module:
    package = import_module("x_transformers")
    return package.TransformerWrapper(
        num_tokens=20,
        max_seq_len=16,
        attn_layers=package.Decoder(dim=16, depth=1, heads=2, rotary_pos_emb=True),
    )


def encoder() -> nn.Module:
    package = import_module("x_transformers")
    return package.ContinuousTransformerWrapper(
        dim_in=4,
        dim_out=3,
        max_seq_len=12,
        attn_layers=package.Encoder(dim=16, depth=1, heads=2, use_rmsnorm=True, ff_glu=True),
    )


def mixer() -> nn.Module:
    return import_module("mlp_mixer_pytorch").MLPMixer(
        image_size=32, channels=3, patch_size=8, dim=16, depth=1, num_classes=5
    )


def efficientnet() -> nn.Module:
    package = import_module("efficientnet_pytorch")
    network = package.EfficientNet.from_name(
        "efficientnet-b0", width_coefficient=0.25, depth_coefficient=0.3, num_classes=5
    )
    # The other form is a Python function of autograd, which no export holds.
    network.set_swish(memory_efficient=False)
    return network


def row(
    name: str, make: Any, inputs: Any, dynamic: Any = (BATCH,), **options: Any
) -> Architecture:
    """Return a row by its name in its package."""
    return Architecture(make=make, name=name, inputs=inputs, dynamic=dynamic, **options)


def rows() -> dict[str, Architecture]:
    """Return all rows by name."""
    field, tokens = image(16, 2), lambda n: (torch.randint(20, (n, 9)),)
    found = [
        row("vit-pytorch ViT", vit("vit", "ViT", patch_size=8), image(32)),
        row("vit-pytorch SimpleViT", vit("simple_vit", "SimpleViT", patch_size=8), image(32)),
        row("vit-pytorch DeepViT", vit("deepvit", "DeepViT", patch_size=8), image(32)),
        row(
            "vit-pytorch CaiT",
            vit("cait", "CaiT", patch_size=8, cls_depth=1),
            image(32),
        ),
        row("timm VisionTransformer", timm("vision_transformer", "VisionTransformer", img_size=32,
            patch_size=8, embed_dim=16, depth=1, num_heads=2), image(32)),
        row("timm ResNet", timm_resnet, image(32)),
        row("timm ConvNeXt", timm("convnext", "ConvNeXt", depths=(1, 1, 1, 1),
            dims=(8, 8, 16, 16)), image(64)),
        row("timm SwinTransformer", timm("swin_transformer", "SwinTransformer", img_size=32,
            patch_size=2, window_size=4, embed_dim=16, depths=(2,), num_heads=(2,)), image(32)),
        row("timm MlpMixer", timm("mlp_mixer", "MlpMixer", img_size=32, patch_size=8,
            num_blocks=1, embed_dim=16), image(32)),
        row("mlp-mixer-pytorch MLPMixer", mixer, image(32)),
        row("efficientnet-pytorch b0", efficientnet, image(32), None, sizes=(2, 2)),
        row("neuraloperator FNO", fourier, field, None, inexact=COMPLEX),
        row("neuraloperator TFNO", lambda: fourier(factorization="tucker", rank=0.5), field,
            None, inexact=COMPLEX),
        row("torch-harmonics RealSHT", HarmonicTransform, globe),
        row("torch-harmonics SFNO", spherical, globe, inexact=COMPLEX),
        row("e3nn Linear", equivariant, vectors(10)),
        row("nflows affine", Flow, vectors(4)),
        row("zuko MaskedMLP", ZukoMlp, vectors(4)),
        row("siren-pytorch SirenNet", siren, vectors(2)),
        row("x-transformers Decoder", decoder, tokens),
        row("x-transformers Encoder", encoder, lambda n: (torch.randn(n, 9, 4),)),
    ]  # fmt: skip
    return {one.title: one for one in found}
