# SPDX-License-Identifier: MIT
"""Graphs: unstructured meshes, icosahedral grids, molecules."""

from __future__ import annotations

from typing import Any

import torch
from architecture import Architecture
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional


class MessagePassing(nn.Module):
    """Messages along edges, summed at nodes by index_add, as mesh models of the weather have."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.message = nn.Sequential(
            nn.Linear(2 * 4 + 2, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.update = nn.Sequential(nn.Linear(4 + width, width), nn.SiLU(), nn.Linear(width, 4))

    def forward(self, nodes: Tensor, edges: Tensor, ends: Tensor) -> Tensor:
        sender, receiver = ends[0], ends[1]
        messages = self.message(torch.cat([nodes[sender], nodes[receiver], edges], dim=1))
        total = torch.zeros(nodes.shape[0], messages.shape[1], device=nodes.device)
        total = total.index_add(0, receiver, messages)
        return nodes + self.update(torch.cat([nodes, total], dim=1))


class ReducingGraph(nn.Module):
    """Mean, largest and product of messages by scatter_reduce."""

    def __init__(self) -> None:
        super().__init__()
        self.message = nn.Linear(4, 6)
        self.update = nn.Linear(18, 4)

    def forward(self, nodes: Tensor, edges: Tensor, ends: Tensor) -> Tensor:
        messages = torch.tanh(self.message(nodes[ends[0]])) * edges.sum(1, keepdim=True).cos()
        index = ends[1].unsqueeze(1).expand_as(messages)
        start = torch.ones(nodes.shape[0], 6)
        parts = [
            start.scatter_reduce(0, index, messages, reduce=kind, include_self=True)
            for kind in ("mean", "amax", "prod")
        ]
        return self.update(torch.cat(parts, dim=1))


class GraphAttention(nn.Module):
    """A softmax over the edges into each node, by scatter_add and scatter_reduce."""

    def __init__(self) -> None:
        super().__init__()
        self.values = nn.Linear(4, 6, bias=False)
        self.scores = nn.Linear(14, 1)

    def forward(self, nodes: Tensor, edges: Tensor, ends: Tensor) -> Tensor:
        values = self.values(nodes)
        both = torch.cat([values[ends[0]], values[ends[1]], edges], dim=1)
        scores = functional.leaky_relu(self.scores(both).squeeze(1), 0.2)
        largest = torch.full((nodes.shape[0],), float("-inf")).scatter_reduce(
            0, ends[1], scores.detach(), reduce="amax"
        )
        weights = (scores - largest[ends[1]]).exp()
        total = torch.zeros(nodes.shape[0]).scatter_add(0, ends[1], weights)
        weights = (weights / (total[ends[1]] + 1e-12)).unsqueeze(1)
        return torch.zeros_like(values).index_add(0, ends[1], weights * values[ends[0]])


class SparseConvolution(nn.Module):
    """Chebyshev polynomials of a graph's Laplacian, for spheres without poles."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.3 * torch.randn(3, 4, 5))

    def forward(self, nodes: Tensor, laplacian: Tensor) -> Tensor:
        first, second = nodes, laplacian @ nodes
        result = first @ self.weight[0] + second @ self.weight[1]
        return result + (2 * laplacian @ second - first) @ self.weight[2]


def graph(n: int) -> tuple[Any, ...]:
    """Return nodes, edges and their ends."""
    nodes, edges = 4 + n, 6 * n
    return torch.randn(nodes, 4), torch.randn(edges, 2), torch.randint(nodes, (2, edges))


def laplacian(n: int) -> tuple[Any, ...]:
    """Return nodes and a symmetric matrix."""
    matrix = torch.rand(4 + n, 4 + n)
    return torch.randn(4 + n, 4), (matrix + matrix.T) / (8 + 2 * n)


GRAPH = ({0: Dim.DYNAMIC}, {0: Dim.DYNAMIC}, {1: Dim.DYNAMIC})

ROWS = [
    Architecture(make=MessagePassing, inputs=graph, dynamic=GRAPH),
    Architecture(make=ReducingGraph, inputs=graph, dynamic=GRAPH),
    Architecture(make=GraphAttention, inputs=graph, dynamic=GRAPH),
    Architecture(
        make=SparseConvolution,
        inputs=laplacian,
        dynamic=({0: Dim.DYNAMIC}, {0: Dim.DYNAMIC, 1: Dim.DYNAMIC}),
    ),
]
