# SPDX-License-Identifier: MIT
"""Checks the environment variables that hide GPUs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from ftorch_tools.testing.doctor.finding import Finding, ok, problem, warning
from ftorch_tools.testing.doctor.nvidia import Driver
from ftorch_tools.testing.doctor.subject import Subject

_OTHERS = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what the masks leave visible."""
    mask = os.environ.get("CUDA_VISIBLE_DEVICES")
    if mask is not None:
        yield from _cuda(mask, subject.driver)
    for name in _OTHERS:
        value = os.environ.get(name)
        if value is not None:
            yield ok(f"{name}={value!r} chooses the devices")
    if mask is None and not any(name in os.environ for name in _OTHERS):
        yield ok("no mask hides GPUs")


def _cuda(mask: str, driver: Driver) -> Iterator[Finding]:
    name = f"CUDA_VISIBLE_DEVICES={mask!r}"
    entries = [entry.strip() for entry in mask.split(",") if entry.strip()]
    if not entries or entries[0] in ("-1", "NoDevFiles", "none"):
        if driver.gpus:
            yield warning(f"{name} hides all GPUs", "Unset it to use them.")
        else:
            yield ok(f"{name} hides all GPUs; there are none")
        return
    repeated = [entry for entry, count in Counter(entries).items() if count > 1]
    if repeated:
        yield problem(f"{name} names {repeated[0]} twice, which hides all", "Name each once.")
        return
    if driver.complaint or not driver.is_there:
        yield ok(f"{name} chooses the devices, which nothing here lists")
        return
    wrong = next((entry for entry in entries if not _exists(entry, driver)), None)
    if wrong is None:
        yield ok(f"{name} leaves {len(entries)} of {len(driver.gpus)} GPUs visible")
    else:
        yield problem(
            f"{name} names {wrong}, which is none of the {len(driver.gpus)} GPUs here: it hides "
            "that and all behind it",
            "Name devices that `nvidia-smi -L` lists. In a batch job leave the mask to the "
            "scheduler.",
        )


def _exists(entry: str, driver: Driver) -> bool:
    if entry.isdigit():
        return int(entry) < len(driver.gpus)
    if entry.startswith("MIG-"):
        return True  # nvidia-smi was not asked for parts of GPUs
    return any(identifier.startswith(entry) for identifier in driver.identifiers)
