# SPDX-License-Identifier: MIT
"""Tables and plot of what was measured, and of what follows from it."""

from __future__ import annotations

import datetime
import math
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import cost
import matplotlib
import numpy as np

matplotlib.use("Agg")  # no display is needed
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

NETWORK = cost.Link(2e-6, 1 / 12.5e9)
"""A network of 2 µs and 100 Gbit/s; assumed."""
RANKS = [2**i for i in range(14)]
"""To 8192, and 10⁴."""
RANKS.append(10_000)
SIZES = (10**5, 10**6, 10**7, 10**8)
ROWS = 64
ALL_ROWS = 2**16
BUCKET = 25 * 2**20


class Carrier(NamedTuple):
    """What messages cost, and how ranks add up."""

    name: str
    style: str
    link: cost.Link
    ways: Sequence[cost.Counts]


KINDS = {
    "ping-pong": "one rank to another",
    "allreduce": "`MPI_Allreduce`",
    "iallreduce": "`MPI_Iallreduce`",
    "iallreduce-in-place": "`MPI_Iallreduce`, in place",
}


def machine() -> str:
    """Where and with what it was measured."""
    compiler = subprocess.run(["gfortran", "-dumpfullversion"], capture_output=True, text=True)
    launcher = subprocess.run(["mpirun", "--version"], capture_output=True, text=True)
    return (
        f"{datetime.date.today()}, {len(os.sched_getaffinity(0))} cores ({platform.machine()}),"
        f" gfortran {compiler.stdout.strip()}, Open MPI {launcher.stdout.split()[3]}"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def size_text(size: int) -> str:
    """Bytes in the unit that fits."""
    for unit, number in (("MB", 2**20), ("kB", 2**10)):
        if size >= number:
            return f"{size // number} {unit}"
    return f"{size} B"


def power_text(number: float) -> str:
    """A count as the power of ten next to it."""
    return (
        f"10{str(round(math.log10(number))).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
    )


def message_seconds(measured: dict, kind: str, ranks: int) -> dict[int, float]:
    """Seconds by size."""
    return {
        one["bytes"]: one["seconds"]
        for one in measured["messages"]
        if one["kind"] == kind and one["ranks"] == ranks
    }


def link_here(measured: dict) -> cost.Link:
    """Between two ranks of this machine."""
    return cost.fit_link(message_seconds(measured, "ping-pong", 2))


def step_here(measured: dict) -> cost.Step:
    """A rank by itself."""
    single = [one for one in measured["training"] if one["ranks"] == 1]
    alone = [(o["parameters"], o["rows"], o["step"]) for o in single if o["how"] == "alone"]
    copied = [(o["parameters"], o["averaging"]) for o in single if o["how"] == "averaged"]
    return cost.fit_step(alone, copied)


def messages_table(measured: dict) -> str:
    ranks = sorted({one["ranks"] for one in measured["messages"]})
    columns = [
        (kind, number)
        for kind in KINDS
        for number in (ranks[:1] if kind == "ping-pong" else ranks)
    ]
    times = [message_seconds(measured, *column) for column in columns]
    head = ["µs", *(f"{KINDS[kind]}, {number} ranks" for kind, number in columns)]
    head[1] = KINDS["ping-pong"]
    rows = ((size_text(size), *(f"{1e6 * one[size]:.1f}" for one in times)) for size in times[0])
    return table(head, rows)


def fit_text(measured: dict) -> str:
    link, step = link_here(measured), step_here(measured)
    return (
        f"A message of n bytes takes {1e6 * link.latency:.2f} µs + n / "
        f"({1e-9 / link.seconds_per_byte:.1f} GB/s). A step takes {1e6 * step.fixed:.0f} µs, "
        f"{1e12 * step.each_product:.0f} ps for each parameter and row,"
        f" {1e9 * step.each_parameter:.2f} ns for each parameter, and averaging"
        f" {1e9 * step.each_copied:.2f} ns for each parameter to copy gradients to messages and"
        " back."
    )


def training_table(measured: dict) -> str:
    found = {
        (o["parameters"], o["ranks"], o["bucket"], o["how"]): o
        for o in measured["training"]
        if o["rows"] == ROWS
    }
    rows = []
    for (parameters, ranks, bucket, how), one in found.items():
        early = found.get((parameters, ranks, bucket, "early"))
        alone = found.get((parameters, ranks, BUCKET, "alone"))
        if how != "averaged" or not early or not alone:
            continue
        times = (alone["step"], one["step"], one["averaging"], early["step"])
        milliseconds = [f"{1e3 * seconds:.2f}" for seconds in times]
        counts = (one["calls"], one["bytes"] - 4 * parameters)
        rows.append((power_text(parameters), ranks, size_text(bucket), *milliseconds, *counts))
    head = ("parameters", "ranks", "bucket", "ms step alone", "averaged", "of it averaging")
    return table(
        (*head, "begun early", "messages", "bytes beyond gradients"), sorted(rows, key=str)
    )


def wire_table(measured: dict) -> str:
    rows = []
    for one in measured["wire"]:
        ranks = one["ranks"]
        least = 2 * (ranks - 1) / ranks * cost.BYTES_OF_NUMBER * one["parameters"]
        messages, sent, ratio = one["messages"], one["bytes"], one["bytes"] / least
        rows.append((ranks, f"{messages:.0f}", f"{sent:.0f}", f"{least:.0f}", f"{ratio:.3f}"))
    return table(("ranks", "messages", "bytes", "least bytes", "ratio"), rows)


def forward_table(measured: dict) -> str:
    rows = (
        (o["ranks"], o["rows"], f"{1e6 * o['gathered']:.1f}", f"{1e6 * o['own']:.1f}")
        for o in measured["forward"]
    )
    return table(("ranks", "rows of each", "µs gathered", "µs each its own"), rows)


def threads_table(measured: dict) -> str:
    rows = []
    for one in measured["threads"]:
        before, after = one["before"], one["after"]
        cells = [x for o in (before, after) for x in (o["threads"], f"{1e3 * o['seconds']:.2f}")]
        ratio = before["seconds"] / after["seconds"]
        rows.append((one["ranks"], one["rows"], *cells, f"{ratio:.1f}"))
    head = ("ranks", "samples", "threads before", "ms before", "threads after", "ms after")
    return table((*head, "before / after"), rows)


def calls_text(measured: dict) -> str:
    own, gathered = (measured["calls"][how] for how in ("own", "gathered"))
    return (
        f"On one rank `torch_mpi_forward` of one row takes {gathered:.0f} instructions,"
        f" `torch_model_forward` {own:.0f}: {gathered / own:.3f} times as many."
    )


def carriers(measured: dict) -> tuple[Carrier, ...]:
    """What messages may cost, with the style of a line."""
    return (
        Carrier("messages as measured here", "-", link_here(measured), cost.BEST_WAYS),
        Carrier("network of 2 µs, 12.5 GB/s", "--", NETWORK, cost.BEST_WAYS),
        Carrier("the same, added up by a tree", ":", NETWORK, (cost.tree,)),
    )


def weak(step: cost.Step, carrier: Carrier, ranks: int, parameters: int) -> float:
    """Efficiency with as many rows on each rank."""
    seconds = step.on_ranks(carrier.link, ranks, parameters, ROWS, BUCKET, carrier.ways)
    return step.alone(parameters, ROWS) / seconds


def strong(step: cost.Step, carrier: Carrier, ranks: int, parameters: int) -> float:
    """Speed-up with as many rows in all."""
    rows = ALL_ROWS / ranks
    seconds = step.on_ranks(carrier.link, ranks, parameters, rows, BUCKET, carrier.ways)
    return step.alone(parameters, ALL_ROWS) / seconds


def predicted_table(measured: dict) -> str:
    step = step_here(measured)
    rows = []
    for parameters in SIZES:
        for carrier in carriers(measured):
            cells = [
                f"{100 * weak(step, carrier, ranks, parameters):.0f} %" for ranks in (100, 10_000)
            ]
            cells += [f"{strong(step, carrier, ranks, parameters):.0f}" for ranks in (100, 10_000)]
            rows.append((power_text(parameters), carrier.name, *cells))
    head = ("parameters", "messages", "weak, 100 ranks", "10⁴ ranks", "strong, 100 ranks")
    return table((*head, "10⁴ ranks"), rows)


def tree_text() -> str:
    size = cost.BYTES_OF_NUMBER * 10**7
    tree, best = (
        1e3 * cost.seconds_of_sum(NETWORK, 10_000, size, ways)
        for ways in ((cost.tree,), cost.BEST_WAYS)
    )
    return (
        f"Over 10⁴ ranks of a network of 2 µs and 12.5 GB/s the sum of 10⁷ gradients takes"
        f" {tree:.0f} ms by a tree, and {best:.0f} ms divided up."
    )


def tables(measured: dict) -> dict[str, str]:
    """What the page has, by name."""
    return {
        "machine": measured["machine"],
        "messages": messages_table(measured),
        "fit": fit_text(measured),
        "training": training_table(measured),
        "wire": wire_table(measured),
        "forward": forward_table(measured),
        "threads": threads_table(measured),
        "calls": calls_text(measured),
        "tree": tree_text(),
        "predicted": predicted_table(measured),
    }


def draw_messages(axes: Axes, measured: dict) -> None:
    link = link_here(measured)
    for kind, colour in zip(KINDS, ("black", "tab:blue", "tab:orange", "tab:red")):
        times = message_seconds(measured, kind, 2)
        label = KINDS[kind].replace("`", "")
        axes.loglog(list(times), [1e6 * t for t in times.values()], "o", color=colour, label=label)
    sizes = np.logspace(0.9, 7.9)
    axes.loglog(
        sizes, 1e6 * (link.latency + sizes * link.seconds_per_byte), "k-", lw=1, label="fit"
    )
    axes.set(title="Measured: messages of two ranks", xlabel="bytes", ylabel="µs")


def draw_ranks(
    axes: Axes, value: Callable[[cost.Step, Carrier, int, int], float], measured: dict
) -> None:
    step = step_here(measured)
    for parameters, colour in zip(SIZES, plt.cm.viridis(np.linspace(0, 0.85, len(SIZES)))):
        axes.plot([], [], color=colour, label=f"{power_text(parameters)} parameters")
        for carrier in carriers(measured):
            values = [value(step, carrier, ranks, parameters) for ranks in RANKS]
            axes.semilogx(RANKS, values, carrier.style, color=colour)
    for carrier in carriers(measured):
        axes.plot([], [], carrier.style, color="black", label=carrier.name)
    axes.set(xlabel="ranks")


def draw_buckets(axes: Axes, measured: dict) -> None:
    step = step_here(measured)
    buckets = np.logspace(4, 9, 60)
    for parameters, colour in zip(SIZES[1:], ("tab:blue", "tab:green", "tab:red")):
        for ranks, style in ((64, "-"), (1024, "--"), (10_000, ":")):
            alone = step.alone(parameters, ROWS)
            times = [
                step.on_ranks(NETWORK, ranks, parameters, ROWS, bucket) / alone
                for bucket in buckets
            ]
            label = f"{power_text(parameters)} parameters" if style == "-" else None
            axes.semilogx(buckets, times, style, color=colour, label=label)
    for ranks, style in ((64, "-"), (1024, "--"), (10_000, ":")):
        axes.plot([], [], style, color="black", label=f"{ranks} ranks")
    axes.axvline(BUCKET, color="gray", lw=0.8)
    axes.set(title="Predicted: size of a bucket (network)", xlabel="bytes of a bucket")
    axes.set_ylabel("step / step alone")


def draw(measured: dict, picture: Path) -> None:
    """Four panels."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 8.5), layout="constrained")
    draw_messages(axes[0, 0], measured)
    draw_buckets(axes[0, 1], measured)
    draw_ranks(axes[1, 0], weak, measured)
    axes[1, 0].set(title=f"Predicted: weak scaling, {ROWS} rows a rank", ylabel="efficiency")
    axes[1, 0].set_ylim(0, 1.05)
    draw_ranks(axes[1, 1], strong, measured)
    axes[1, 1].loglog(RANKS, RANKS, color="lightgray", lw=1)
    axes[1, 1].set(title=f"Predicted: strong scaling, {ALL_ROWS} rows in all", ylabel="speed-up")
    for panel in axes.flat:
        panel.legend(frameon=False, fontsize="small")
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=100)
    plt.close(figure)
