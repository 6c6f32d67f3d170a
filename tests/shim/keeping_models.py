# SPDX-License-Identifier: MIT
"""Models that keep something from pass to pass, one for each way, and fail if told to."""

import torch
from torch import Tensor, nn
from torch.nn import functional

MODELS: dict[str, type[nn.Module]] = {}


def fails(x: Tensor) -> bool:
    return bool(x[0, 0] > 100)


class Keeping(nn.Module):
    """Adds what `remember` gives; subclasses are the rows of a table."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        MODELS[cls.__name__] = cls

    def forward(self, x: Tensor) -> Tensor:
        y = x + self.remember(x)
        if fails(x):
            raise ValueError("too large")
        return y


class Counter(nn.Module):
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.count.add_(1)
        return x * self.count


class Normalised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) + self.norm.running_mean


@torch.jit.interface
class Part(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


@torch.jit.script
class Cell:
    def __init__(self, n: int):
        self.h = torch.zeros(2, 3)
        self.steps = n

    def add(self, x: Tensor) -> None:
        self.h = self.h + x.detach()
        self.steps += 1


class AnObject(Keeping):
    cell: Cell

    def __init__(self) -> None:
        super().__init__()
        self.cell = Cell(0)

    def remember(self, x: Tensor) -> Tensor:
        self.cell.add(x)
        return self.cell.h * self.cell.steps


class AnotherObject(Keeping):
    cell: Cell

    def __init__(self) -> None:
        super().__init__()
        self.cell = Cell(0)

    def remember(self, x: Tensor) -> Tensor:
        old = self.cell.h
        self.cell = Cell(2)
        self.cell.add(old + x)
        return self.cell.h * 1


class AnInteger(Keeping):
    count: int

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def remember(self, x: Tensor) -> Tensor:
        self.count += 1
        return x * self.count


class AnOptional(Keeping):
    h: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.h = None

    def remember(self, x: Tensor) -> Tensor:
        h = self.h
        if h is None:
            h = torch.zeros_like(x)
        h = h.detach() + x
        self.h = h
        return h


class ATuple(Keeping):
    h: tuple[Tensor, Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.h = (torch.zeros(2, 3), torch.zeros(2, 3))

    def remember(self, x: Tensor) -> Tensor:
        a, b = self.h
        a = a.detach() + x
        b = b.detach() + a
        self.h = (a, b)
        return b


class ADict(Keeping):
    h: dict[str, Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.h = {"a": torch.zeros(2, 3)}

    def remember(self, x: Tensor) -> Tensor:
        self.h["a"].add_(x.detach())
        self.h["b" + str(len(self.h))] = x.detach() * 1
        return self.h["a"] * len(self.h)


class AList(Keeping):
    h: list[Tensor]
    lengths: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.h = [torch.zeros(3)]
        self.lengths = [0]

    def remember(self, x: Tensor) -> Tensor:
        h = self.h
        h.append(h[-1] + 1)
        self.lengths.append(len(h))
        return h[-1] * self.lengths[-1]


class AParameter(Keeping):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))

    def remember(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.w.add_(1)
        return x * self.w.detach()


class AFrozenParameter(Keeping):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(3), requires_grad=False)

    def remember(self, x: Tensor) -> Tensor:
        self.w.mul_(2)
        return x * self.w


class AReplacedParameter(Keeping):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(3), requires_grad=False)

    def remember(self, x: Tensor) -> Tensor:
        self.w = self.w + 1
        return x * self.w


class Statistics(Keeping):
    """A normalisation whose mode is not that of the model."""

    mean: Tensor
    variance: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.is_on = True
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("variance", torch.ones(3))

    def remember(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, self.mean, self.variance, training=self.is_on) + self.mean


class StatisticsByData(Statistics):
    def remember(self, x: Tensor) -> Tensor:
        training = bool(x.sum() > -1e9)
        return functional.batch_norm(x, self.mean, self.variance, training=training) + self.mean


class NativeStatistics(Statistics):
    def remember(self, x: Tensor) -> Tensor:
        y, _, _ = torch.native_batch_norm(x, None, None, self.mean, self.variance, True, 0.1, 1e-5)
        return y + self.mean + self.variance


class ANamesake(Keeping):
    """Its counter of all passes has the name of the one that a normalisation has for training."""

    num_batches_tracked: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.norm = Normalised()
        self.register_buffer("num_batches_tracked", torch.zeros(()))

    def remember(self, x: Tensor) -> Tensor:
        self.num_batches_tracked.add_(1)
        return self.norm(x) + self.num_batches_tracked


class Forked(Keeping):
    def __init__(self) -> None:
        super().__init__()
        self.counter = Counter()
        self.norm = Normalised()

    def remember(self, x: Tensor) -> Tensor:
        task = torch.jit.fork(self.counter, x)
        y = torch.jit.wait(task)
        task = torch.jit.fork(self.norm, x)
        return y + torch.jit.wait(task)


class ByInterface(Keeping):
    part: Part
    other: Part

    def __init__(self) -> None:
        super().__init__()
        self.part = Counter()
        self.other = Normalised()

    def remember(self, x: Tensor) -> Tensor:
        return self.part.forward(x) + self.other.forward(x)


class Resized(Keeping):
    b: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("b", torch.arange(10000.0))

    def remember(self, x: Tensor) -> Tensor:
        if self.b.dim() == 1:
            self.b.resize_([2, 5000])
        else:
            self.b.resize_([10000])
        return x * self.b.dim() + self.b.reshape(-1)[9999]


class Squeezed(Keeping):
    b: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("b", torch.arange(6000.0).reshape(2, 1, 3000))

    def remember(self, x: Tensor) -> Tensor:
        if self.b.dim() == 3:
            self.b.squeeze_(1)
        else:
            self.b.unsqueeze_(1)
        return x * self.b.dim() + self.b.reshape(-1)[5999]


class Shrunk(Keeping):
    b: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("b", torch.ones(100))

    def remember(self, x: Tensor) -> Tensor:
        self.b.resize_([self.b.size(0) - 1])
        self.b.t_()
        return x + self.b.sum()


class OtherMemory(Keeping):
    b: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("b", torch.zeros(3))

    def remember(self, x: Tensor) -> Tensor:
        self.b.set_(self.b + 1)
        return x + self.b


class AView(Keeping):
    """One buffer becomes a view of another; writes meet."""

    a: Tensor
    b: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("a", torch.zeros(4))
        self.register_buffer("b", torch.ones(2))

    def remember(self, x: Tensor) -> Tensor:
        self.a.add_(1)
        self.b = self.a[1:3]
        self.b.add_(1)
        return x + self.a.sum() + 10 * self.b.sum()
