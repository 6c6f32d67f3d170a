# SPDX-License-Identifier: MIT
"""Networks with memory, which is an input and a result."""

from __future__ import annotations

import torch
from architecture import BATCH, Architecture
from torch import Tensor, nn
from torch.export import Dim


class LstmWithState(nn.Module):
    """An LSTM that is given its state and returns the next: a step of a coupled model."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 10, num_layers=2, batch_first=True)
        self.last = nn.Linear(10, 2)

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        y, state = self.lstm(x, state)
        return self.last(y[:, -1]), state


class BidirectionalLstm(nn.Module):
    """Up and down a column, from zero states."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 8, batch_first=True, bidirectional=True)
        self.last = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.lstm(x)[0])


class Gru(nn.Module):
    """A GRU over a series, its last state through a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 12, num_layers=2, batch_first=True)
        self.last = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.gru(x)[1][-1])


class Elman(nn.Module):
    """A plain recurrent network with ReLU, for rainfall and runoff."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(3, 8, nonlinearity="relu")

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return self.rnn(x, h)


class Cells(nn.Module):
    """Cells of an LSTM and a GRU, unrolled over four steps."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTMCell(3, 6)
        self.gru = nn.GRUCell(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        h = c = g = x.new_zeros(x.shape[1], 6)
        for part in x.unbind(0):
            h, c = self.lstm(part, (h, c))
            g = self.gru(h, g)
        return g


class ConvLstm(nn.Module):
    """An LSTM whose products are convolutions, for radar and sea ice."""

    def __init__(self, hidden: int = 4) -> None:
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Conv2d(1 + hidden, 4 * hidden, 3, padding=1)
        self.peephole = nn.Parameter(0.1 * torch.randn(3, hidden, 1, 1))
        self.last = nn.Conv2d(hidden, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, _, rows, columns = x.shape
        h = x.new_zeros(batch, self.hidden, rows, columns)
        c = torch.zeros_like(h)
        for step in range(steps):
            i, f, o, g = self.gates(torch.cat([x[:, step], h], 1)).chunk(4, dim=1)
            c = torch.sigmoid(f + self.peephole[0] * c) * c + torch.sigmoid(
                i + self.peephole[1] * c
            ) * torch.tanh(g)
            h = torch.sigmoid(o + self.peephole[2] * c) * torch.tanh(c)
        return self.last(h)


ROWS = [
    Architecture(
        make=LstmWithState,
        inputs=lambda n: (
            torch.randn(n, 6, 4),
            (torch.randn(2, n, 10), torch.randn(2, n, 10)),
        ),
        dynamic=(BATCH, ({1: Dim.DYNAMIC}, {1: Dim.DYNAMIC})),
    ),
    Architecture(
        make=BidirectionalLstm, inputs=lambda n: (torch.randn(n, 7, 5),), dynamic=(BATCH,)
    ),
    Architecture(make=Gru, inputs=lambda n: (torch.randn(n, 6, 3),), dynamic=(BATCH,)),
    Architecture(
        make=Elman,
        inputs=lambda n: (torch.randn(5, n, 3), torch.randn(1, n, 8)),
        dynamic=({1: Dim.DYNAMIC}, {1: Dim.DYNAMIC}),
    ),
    Architecture(
        make=Cells, inputs=lambda n: (torch.randn(4, n, 3),), dynamic=({1: Dim.DYNAMIC},)
    ),
    Architecture(make=ConvLstm, inputs=lambda n: (torch.randn(n, 3, 1, 6, 5),), dynamic=(BATCH,)),
]
