# SPDX-License-Identifier: MIT
"""Products of matrices as sums, which a compiler turns into loops of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ftorch_tools.export.errors import import_torch

LIBRARY, LOOPS = "library", "loops"


def decompositions(products: str) -> dict[Any, Callable[..., Any]]:
    """Return what replaces operators while a program is traced.

    A call of a matrix library takes longer than the product of a small network for few samples.
    """
    if products == LIBRARY:
        return {}
    aten = import_torch().ops.aten
    return {aten.mm.default: _mm, aten.addmm.default: _addmm, aten.bmm.default: _bmm}


def _mm(a: Any, b: Any) -> Any:
    return (a.unsqueeze(2) * b.unsqueeze(0)).sum(1)


def _addmm(bias: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    product = _mm(a, b)
    return (bias if beta == 1 else beta * bias) + (product if alpha == 1 else alpha * product)


def _bmm(a: Any, b: Any) -> Any:
    return (a.unsqueeze(3) * b.unsqueeze(1)).sum(2)
