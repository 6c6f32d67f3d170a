# SPDX-License-Identifier: MIT
"""What messages, sums over ranks and training steps cost: models of a few numbers, and their fits.

Times are in seconds, sizes in bytes. A message takes `latency + size * seconds_per_byte`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BYTES_OF_NUMBER = 4
AGREEMENT_BYTES = 48
"""What ranks tell each other before gradients travel."""
BACKWARD_SHARE = 2 / 3
"""Of the time of loss and gradients: two products of matrices for each one of the forward pass."""


@dataclass(frozen=True)
class Link:
    """What carries a message from one rank to another."""

    latency: float
    seconds_per_byte: float


def least_squares(rows: Sequence[Sequence[float]], times: Sequence[float]) -> list[float]:
    """Factors of the columns, none below zero; each row counts by its relative error."""
    design = np.asarray(rows, float) / np.asarray(times, float)[:, None]
    used = list(range(design.shape[1]))
    while True:
        found, *_ = np.linalg.lstsq(design[:, used], np.ones(len(times)), rcond=None)
        if (found >= 0).all():
            break
        used.remove(used[int(np.argmin(found))])
    factors = [0.0] * design.shape[1]
    for place, factor in zip(used, found):
        factors[place] = float(factor)
    return factors


def fit_link(times: dict[int, float]) -> Link:
    """From seconds of a message by its size."""
    return Link(*least_squares([(1.0, size) for size in times], list(times.values())))


def rounds(ranks: int) -> int:
    """Times that a group of ranks is halved until one is left."""
    return math.ceil(math.log2(ranks))


Counts = Callable[[int, float], tuple[float, float]]
"""Messages one after the other, and bytes, on the rank that has most."""


def recursive_doubling(ranks: int, size: float) -> tuple[float, float]:
    """In each round partners exchange all they have."""
    return rounds(ranks), rounds(ranks) * size


def ring(ranks: int, size: float) -> tuple[float, float]:
    """Pieces go around twice."""
    return 2 * (ranks - 1), 2 * (ranks - 1) / ranks * size


def halving(ranks: int, size: float) -> tuple[float, float]:
    """Halves of halves are added up, then collected (Rabenseifner)."""
    return 2 * rounds(ranks), 2 * (ranks - 1) / ranks * size


def tree(ranks: int, size: float) -> tuple[float, float]:
    """All to one, and back."""
    return 2 * rounds(ranks), 2 * rounds(ranks) * size


BEST_WAYS = (recursive_doubling, ring, halving)


def seconds_of_sum(
    link: Link,
    ranks: int,
    size: float,
    ways: Sequence[Counts] = BEST_WAYS,
) -> float:
    """The best way to add up over all ranks."""
    if ranks == 1:
        return 0.0
    costs = (way(ranks, size) for way in ways)
    return min(
        messages * link.latency + bytes_ * link.seconds_per_byte for messages, bytes_ in costs
    )


@dataclass(frozen=True)
class Step:
    """What a training step costs on a rank by itself."""

    fixed: float
    """Of its calls."""
    each_product: float
    """For each parameter and row: loss and gradients."""
    each_parameter: float
    """For each parameter: the optimizer, gradients set to zero."""
    each_copied: float
    """For each parameter: gradients to messages and back."""

    def alone(self, parameters: float, rows: float) -> float:
        """Seconds without other ranks."""
        return self.fixed + parameters * (self.each_parameter + rows * self.each_product)

    def on_ranks(
        self, link: Link, ranks: int, parameters: float, rows: float, bucket: float,
        ways: Sequence[Counts] = BEST_WAYS,
    ) -> float:  # fmt: skip
        """Seconds where the message of a bucket begins as soon as its gradients are there."""
        if ranks == 1:
            return self.alone(parameters, rows)
        size = BYTES_OF_NUMBER * parameters
        buckets = max(1, math.ceil(size / bucket))
        message = seconds_of_sum(link, ranks, size / buckets, ways)
        gradients = parameters * rows * self.each_product
        begun = gradients * (1 - BACKWARD_SHARE)
        end = 0.0
        for number in range(1, buckets + 1):
            end = max(end, begun + gradients * BACKWARD_SHARE * number / buckets) + message
        agreement = seconds_of_sum(link, ranks, AGREEMENT_BYTES)
        rest = self.fixed + parameters * (self.each_parameter + self.each_copied)
        return agreement + end + rest


def fit_step(
    alone: Sequence[tuple[int, int, float]], averaging: Sequence[tuple[int, float]]
) -> Step:
    """From (parameters, rows, seconds) of steps, and (parameters, seconds) of averaging."""
    steps = [(1.0, parameters * rows, parameters) for parameters, rows, _ in alone]
    fixed, each_product, each_parameter = least_squares(steps, [one[-1] for one in alone])
    copies = [(1.0, parameters) for parameters, _ in averaging]
    _, each_copied = least_squares(copies, [one[-1] for one in averaging])
    return Step(fixed, each_product, each_parameter, each_copied)
