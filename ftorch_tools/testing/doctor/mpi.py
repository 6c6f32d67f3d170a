# SPDX-License-Identifier: MIT
"""Checks the MPI at hand: its launcher, whether that works, its compiler, the component mpi."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections.abc import Iterator

from ftorch_tools.command import CommandError, call
from ftorch_tools.testing.doctor.finding import Finding, ok, problem, unknown, warning
from ftorch_tools.testing.doctor.linked import read_linked
from ftorch_tools.testing.doctor.subject import Subject
from ftorch_tools.testing.fortran import why_unreadable

_SECONDS = 30.0
_PROCESSES = 2
_MOST_CHARACTERS = 300
_KINDS = {
    "Open MPI": r"Open MPI|OpenRTE|PRRTE",
    "Intel MPI": r"Intel\(R\) MPI",
    "MPICH": r"HYDRA|MPICH",
}
# They have MPICH's launcher.
_DERIVED = r"^(Cray MPICH|MVAPICH)"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the launcher and its compiler, and the result of a small launch."""
    launcher = shutil.which("mpirun") or shutil.which("mpiexec")
    if launcher is None:
        yield ok("no mpirun: tests with MPI will be skipped")
        yield from _component(subject, None, None)
        return
    kind, text = _kind(launcher, "--version")
    number = re.search(r"\b\d+(\.\d+)+", text)
    yield ok(f"launcher: {kind or 'MPI'} {number.group() if number else ''} ({launcher})")
    yield from _compiler(subject, launcher, kind)
    yield from _component(subject, launcher, kind)
    yield from _launch(launcher)
    if shutil.which("srun"):
        yield from _srun()


def _kind(program: str, *arguments: str) -> tuple[str | None, str]:
    answer = call(program, *arguments, timeout=_SECONDS)
    text = answer.out + answer.err
    kind = next((name for name, pattern in _KINDS.items() if re.search(pattern, text)), None)
    return kind, text


def _compiler(subject: Subject, launcher: str, kind: str | None) -> Iterator[Finding]:
    wrapper = next(filter(None, map(shutil.which, ("mpifort", "mpif90"))), None)
    if wrapper is None:
        yield ok("no mpifort: programs with MPI cannot be compiled")
        return
    # -show is understood by all, and lists the libraries that programs will be linked to.
    other, line = _kind(wrapper, "-show")
    if re.search(r"-lmpi_mpifh|-lmpi_usempi", line):
        other = "Open MPI"
    elif "-lmpifort" in line:
        other = "Intel MPI" if re.search(r"/impi/|/intel/.*mpi", line) else "MPICH"
    if kind and other and kind != other:
        yield problem(
            f"{wrapper} compiles for {other}, but {launcher} belongs to {kind}: each process "
            "would believe itself alone",
            "Load one MPI module, or put the folder of its programs first in PATH.",
        )
    else:
        yield ok(f"compiler of MPI programs: {wrapper} ({line.split(' ')[0]})")
    reason = why_unreadable([wrapper], subject.modules) if subject.modules else None
    if reason:
        yield warning(
            f"{wrapper} cannot read the modules of FTorch: {reason}",
            f"To use MPI and FTorch in one program, load an MPI for {subject.built_by}.",
        )


def _component(subject: Subject, launcher: str | None, kind: str | None) -> Iterator[Finding]:
    library, built = subject.mpi_library, subject.mpi
    if library is None:
        return
    if not built:
        yield unknown(f"{library} does not say which MPI it was built with")
    elif kind and not re.sub(_DERIVED, "MPICH", built).startswith(kind):
        yield problem(
            f"{library} was built with {built}, but {launcher} belongs to {kind}: each process "
            "would believe itself alone, or fail in MPI_Init",
            f"Load the module of {built}, or put the folder of its mpirun first in PATH; or build "
            f"FTorch with {kind} and -DFTORCH_MPI=ON.",
        )
    else:
        yield ok(f"component mpi: {library}, built with {built}")
    if library.suffix == ".a":
        return
    linked = read_linked(library)
    # What LibTorch lacks, the check of it tells.
    missing = [name for name in linked.missing if re.match("lib(p?mpi|mpich|open-)", name)]
    if missing:
        yield problem(
            f"the dynamic loader does not find {', '.join(missing)} of {library}",
            f"Load the module of {built or 'the MPI that FTorch was built with'}, or add the "
            "folder of these libraries to LD_LIBRARY_PATH.",
        )


def _launch(launcher: str) -> Iterator[Finding]:
    try:
        answer = call(
            launcher, "-n", str(_PROCESSES), "sh", "-c", "echo ftorch-probe", timeout=_SECONDS
        )
    except CommandError as error:
        yield problem(str(error), "Tell the administrators, or use another launcher (srun).")
        return
    started = answer.out.split().count("ftorch-probe")
    if answer.code == 0 and started == _PROCESSES:
        yield ok(f"it starts {_PROCESSES} processes")
        return
    lines = re.sub("-{3,}", " ", answer.err or answer.out)
    message = textwrap.shorten(lines, _MOST_CHARACTERS, placeholder=" …")
    text = (
        f"`{launcher} -n {_PROCESSES}` started {started} processes, exit code {answer.code}: "
        f"{message or 'no message'}"
    )
    if os.geteuid() == 0 and "root" in message:
        remedy = "Work as another user, or set OMPI_ALLOW_RUN_AS_ROOT and its _CONFIRM to 1."
        yield warning(text, remedy)
    elif "slots" in message:
        yield problem(text, "Ask for more tasks in the allocation.")
    else:
        yield problem(text, "Read its message; inside an allocation srun may do instead.")


def _srun() -> Iterator[Finding]:
    try:
        answer = call("srun", "--mpi=list", timeout=_SECONDS)
    except CommandError as error:
        yield unknown(str(error))
        return
    if answer.code != 0:
        yield unknown(f"srun --mpi=list: {answer.message}")
        return
    listed = " ".join((answer.out + answer.err).split())
    kinds = sorted(set(re.findall(r"\b(pmix\w*|pmi2|cray_shasta)\b", listed)))
    if kinds:
        yield ok(f"srun starts MPI programs by {', '.join(kinds)}")
    else:
        yield warning(
            f"srun lists no interface for MPI programs: {listed}",
            "Start MPI programs by mpirun inside the allocation.",
        )
