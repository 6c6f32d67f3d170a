# SPDX-License-Identifier: MIT
"""What inductor does otherwise than its options say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ftorch_tools.export.errors import import_torch


@contextmanager
def adapted(march: str) -> Iterator[None]:
    """Compile for the least processor of a type, and draw random numbers as PyTorch does.

    By itself inductor takes what the processor at hand has besides, such as AMX. It draws those
    of `bernoulli` in single precision.
    """
    torch = import_torch()
    from torch._inductor import cpu_vec_isa, lowering
    from torch._inductor.decomposition import decompositions

    drawing = torch.ops.aten.bernoulli.default
    replaced = {drawing: decompositions.pop(drawing)} if drawing in decompositions else {}
    if drawing not in lowering.lowerings:
        # Said once by name: found while it compiles, inductor refuses it where CI is set.
        lowering.make_fallback(drawing, warn=False)
    candidates = cpu_vec_isa.valid_vec_isa_list
    instructions = _instructions(march)
    cpu_vec_isa.valid_vec_isa_list = lambda: [instructions]
    try:
        yield
    finally:
        cpu_vec_isa.valid_vec_isa_list = candidates
        decompositions.update(replaced)


def _instructions(march: str) -> Any:
    import_torch()
    from torch._inductor.cpu_vec_isa import VecAVX2, VecAVX512, VecISA, VecNEON

    class PlainAVX512(VecAVX512):  # type: ignore[misc]
        """AVX-512 without bfloat16, which VecAVX512 takes where it finds it."""

        def __bool__(self) -> bool:
            return bool(VecISA.__bool__(self))

        __hash__ = VecISA.__hash__

    return {"x86-64-v3": VecAVX2, "x86-64-v4": PlainAVX512, "armv8-a": VecNEON}[march]()
