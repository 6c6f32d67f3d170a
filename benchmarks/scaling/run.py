# SPDX-License-Identifier: MIT
"""Measures what ranks of MPI cost each other; predicts how training scales.

`python benchmarks/scaling/run.py build/benchmarks` writes `scaling/measurements.json` and
`scaling/table.md` there; with `--page docs/reference/scaling.md` that page, and its plot in
`docs/images`. It needs mpirun, valgrind, NumPy and matplotlib, and an otherwise quiet machine.
With `--only PART` or `--again` the rest, or all, is as it was measured before.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
import page
from measure import instructions_per_call

HERE = Path(__file__).resolve().parent
LAYERS = 8
WIDTHS = (112, 354, 1118)
"""Of square layers: 10⁵, 10⁶ and 10⁷ parameters."""
ROWS = 64
RANKS = (1, 2, 4)
BUCKETS = (2**18, 2**20, 2**22, 25 * 2**20)
LARGEST_MESSAGE = 2**23
ROOT_MAY = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


class Program:
    """The built program, on ranks of MPI."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "scaling" / "scaling"
        self.network = folder / "network.pt"

    def run(
        self,
        ranks: int,
        *arguments: object,
        threads: int | None = 1,
        options: tuple[str, ...] = (),
    ) -> list[list[str]]:
        """The words of each line that it prints; `threads` None: as many as it takes by itself."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_"))}
        limit = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
        command = [
            *("mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", *options),
            *(str(self.path), *map(str, arguments)),
        ]
        done = subprocess.run(
            command, env={**kept, **ROOT_MAY, **limit}, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return [line.split() for line in done.stdout.splitlines()]


def steps_for(width: int) -> int:
    """So many that a measurement takes seconds."""
    return max(15, min(100, 20_000_000 // (LAYERS * width**2)))


def messages(program: Program) -> Iterator[dict[str, object]]:
    """Of all kinds, on several ranks."""
    for ranks in RANKS[1:]:
        for _, kind, size, seconds in program.run(ranks, "messages", LARGEST_MESSAGE):
            yield {"ranks": ranks, "kind": kind, "bytes": int(size), "seconds": float(seconds)}


def training_cases() -> Iterator[tuple[int, int, int, int, str]]:
    """Ranks, width, rows, bytes of a bucket, and how gradients travel."""
    for width in WIDTHS:
        for rows in (ROWS // 4, ROWS, 4 * ROWS):
            yield 1, width, rows, BUCKETS[-1], "alone"
        yield 1, width, ROWS, BUCKETS[-1], "averaged"
        for ranks in RANKS[1:]:
            yield ranks, width, ROWS, BUCKETS[-1], "alone"
            for bucket in BUCKETS if ranks == 2 else BUCKETS[-1:]:
                if bucket < 2 * LAYERS * width**2 * 4 or bucket == BUCKETS[-1]:
                    yield ranks, width, ROWS, bucket, "averaged"
                    yield ranks, width, ROWS, bucket, "early"


def training(program: Program) -> Iterator[dict[str, object]]:
    """Steps of training."""
    for ranks, width, rows, bucket, how in training_cases():
        (line,) = program.run(ranks, "training", width, rows, steps_for(width), bucket, how)
        _, parameters, _, _, _, gradients, averaging, all_, calls, bytes_ = line
        yield {
            **{"ranks": ranks, "rows": rows, "bucket": bucket, "how": how},
            **{"parameters": int(parameters), "gradients": float(gradients)},
            **{"averaging": float(averaging), "step": float(all_)},
            **{"calls": int(calls), "bytes": int(bytes_)},
        }


def sent_by_busiest(program: Program, folder: Path, ranks: int, steps: int) -> list[int]:
    """Bytes and messages of the rank that sends most, as Open MPI counts them."""
    prefix = folder / f"wire.{ranks}.{steps}"
    settings = {"enable": 1, "enable_output": 3, "filename": prefix}
    options = [w for k, v in settings.items() for w in ("--mca", f"pml_monitoring_{k}", str(v))]
    program.run(
        *(ranks, "training", WIDTHS[1], 1, steps, BUCKETS[2], "averaged"), options=tuple(options)
    )
    totals = []
    for file in folder.glob(f"{prefix.name}.*.prof"):
        found = re.findall(r"^[EI]\t\d+\t\d+\t(\d+) bytes\t(\d+) msgs", file.read_text(), re.M)
        totals.append([sum(int(one[i]) for one in found) for i in (0, 1)])
        file.unlink()
    return max(totals)


def wire(program: Program) -> Iterator[dict[str, object]]:
    """What leaves the busiest rank in one step."""
    for ranks in RANKS[1:]:
        short, long = (sent_by_busiest(program, program.path.parent, ranks, n) for n in (10, 20))
        bytes_, count = ((many - few) / 10 for few, many in zip(short, long))
        parameters = LAYERS * WIDTHS[1] ** 2
        yield {"ranks": ranks, "parameters": parameters, "bytes": bytes_, "messages": count}


def forward(program: Program) -> Iterator[dict[str, object]]:
    """Passes with the rows of all, and of each by itself."""
    for ranks in RANKS:
        for rows in (1, 16, 256, 4096):
            ((_, _, gathered, own),) = program.run(ranks, "forward", program.network, rows, 1500)
            yield {"ranks": ranks, "rows": rows, "gathered": float(gathered), "own": float(own)}


def threads(program: Program) -> Iterator[dict[str, object]]:
    """One rank for each core, before and after `torch_bind_threads`."""
    ranks = len(os.sched_getaffinity(0))
    for rows in (2048, 16384):
        ((_, _, many, slow, few, fast),) = program.run(
            ranks, "threads", program.network, rows, 100, threads=None
        )
        before = {"threads": int(many), "seconds": float(slow)}
        after = {"threads": int(few), "seconds": float(fast)}
        yield {"ranks": ranks, "rows": rows, "before": before, "after": after}


def calls(program: Program) -> dict[str, float]:
    """Instructions of a forward pass on one rank."""
    return {
        how: instructions_per_call(program.path, "calls", program.network, how)
        for how in ("own", "gathered")
    }


PARTS = {
    "calls": calls,
    "messages": lambda program: list(messages(program)),
    "training": lambda program: list(training(program)),
    "wire": lambda program: list(wire(program)),
    "forward": lambda program: list(forward(program)),
    "threads": lambda program: list(threads(program)),
    "machine": lambda _: page.machine(),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the built benchmarks")
    parser.add_argument("--page", type=Path, help="the page that is written")
    parser.add_argument("--only", choices=PARTS, help="what is measured anew")
    parser.add_argument("--again", action="store_true", help="nothing is measured")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    file = folder / "scaling" / "measurements.json"
    if not Program(folder).path.exists():
        print("the benchmark scaling is left out: FTorch was built without FTORCH_MPI=ON")
        return
    measured = json.loads(file.read_text()) if file.exists() else {}
    for part in () if arguments.again else [arguments.only] if arguments.only else PARTS:
        measured[part] = PARTS[part](Program(folder))
        file.write_text(json.dumps(measured, indent=1))
    if missing := sorted(set(PARTS) - set(measured)):
        print("not measured yet:", *missing)
        return
    tables = page.tables(measured)
    (folder / "scaling" / "table.md").write_text("\n\n".join(tables.values()) + "\n")
    picture = folder / "scaling" / "scaling.png"
    if arguments.page:
        picture = arguments.page.resolve().parents[1] / "images" / "scaling.png"
        arguments.page.write_text((HERE / "page.md").read_text().format(**tables))
    page.draw(measured, picture)
    print("\n\n".join(tables.values()))


if __name__ == "__main__":
    main()
