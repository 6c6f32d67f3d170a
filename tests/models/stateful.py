# SPDX-License-Identifier: MIT
"""Networks that keep tensors, change them in place, or return one memory twice."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Accumulating(nn.Module):
    """Adds the input in place to a buffer, and returns the buffer."""

    total: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(2, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        self.total += x
        return self.total


class AccumulatingAttribute(nn.Module):
    """The same with an attribute that is no buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.total = torch.zeros(2, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        self.total += x
        return self.total


class Delay(nn.Module):
    """Returns the input of the call before."""

    kept: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(2, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        y = self.kept
        self.kept = x
        return y


class DelayAttribute(nn.Module):
    """The same with an attribute, through dropout, which passes on its input in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = torch.zeros(2, dtype=torch.float64)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.kept
        self.kept = self.dropout(x)
        return y


class DelayList(nn.Module):
    """The same with a list of all inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = [torch.zeros(2, dtype=torch.float64)]

    def forward(self, x: Tensor) -> Tensor:
        self.kept.append(x.view(2))
        return self.kept[len(self.kept) - 2]


class Nested(nn.Module):
    """A delay inside two modules, called in a branch."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Identity(), nn.Sequential(Delay()))

    def forward(self, x: Tensor) -> Tensor:
        if x.numel() > 1:
            return self.layers(x)
        return x


class Recurrent(nn.Module):
    """A state that is part of the graph: h = tanh(w*h + x)."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5, -0.5], dtype=torch.float64))
        self.h = torch.zeros(2, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        self.h = torch.tanh(self.w * self.h + x)
        return self.h


class Twin(nn.Module):
    """One memory as two results, and a part of it as a third."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y = x * 2
        return y, y, y[:1]


class Doubling(nn.Module):
    """Doubles its input in place."""

    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2)
        return x + 1


class DoublingData(nn.Module):
    """Doubles the numbers of its input without a new version of it."""

    def forward(self, x: Tensor) -> Tensor:
        x.data.mul_(2)
        return x + 1


class DoublingView(nn.Module):
    """Doubles the first element of its first input in place, through a view, in a loop."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        for _ in range(2):
            first = x[:1]
            first.mul_(2)
        return x + y


class Passing(nn.Module):
    """The input, the parameter, a buffer, an attribute and an expanded tensor, as they are."""

    constant: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([3.0, 4.0], dtype=torch.float64))
        self.register_buffer("constant", torch.tensor([5.0, 6.0], dtype=torch.float64))
        self.plain = torch.tensor([7.0, 8.0], dtype=torch.float64)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, self.w, self.constant, self.plain, x.sum().expand(2)]


class Tied(nn.Module):
    """One weight in two layers, and a parameter that is registered last."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(2, 2, bias=False, dtype=torch.float64)
        self.decoder = nn.Linear(2, 2, dtype=torch.float64)
        self.decoder.weight = self.encoder.weight
        self.shared = self.encoder
        self.scale = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x)) * self.scale


MODELS: dict[str, Callable[[], nn.Module]] = {
    "accumulating": Accumulating,
    "accumulating_attribute": AccumulatingAttribute,
    "delay": Delay,
    "delay_attribute": DelayAttribute,
    "delay_list": DelayList,
    "nested_delay": Nested,
    "recurrent": Recurrent,
    "twin": Twin,
    "doubling": Doubling,
    "doubling_data": DoublingData,
    "doubling_view": DoublingView,
    "passing": Passing,
    "tied": Tied,
}
"""Constructor of each model by the name of its file."""
