# SPDX-License-Identifier: MIT
"""Packages of AOTInductor: machine code with a specification of what goes in and comes out."""

from __future__ import annotations

import contextlib
import io
import json
import platform
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.export.errors import ExportError, first_line, import_torch
from ftorch_tools.export.inductor import adapted
from ftorch_tools.export.memory import bytes_of

SPECIFICATION = "ftorch_specification"
"""The key of the package's metadata under which the specification stands, a JSON object."""
UNUSED = "ftorch_unused.json"
"""The extra file with parameters and buffers that the code does not use, in hexadecimal digits."""

AUTO, PLAIN, FROZEN = "auto", "plain", "frozen"
# A variant with fixed weights must be this much faster to be chosen.
_WORTHWHILE = 0.9
_SECONDS, _BLOCKS = 0.03, 5

# What a program is compiled for, by what platform.machine() says: names of GCC's -march.
MARCHES: dict[str, dict[str, int | None]] = {
    "x86_64": {"x86-64-v3": 256, "x86-64-v4": 512},
    "aarch64": {"armv8-a": None},
    "arm64": {"armv8-a": None},
}


@dataclass(frozen=True)
class Compilation:
    """How a program is compiled."""

    variant: str = AUTO
    march: str | None = None
    is_training: bool = False

    @property
    def target(self) -> str:
        """The least processor that runs the package."""
        return self.march or next(iter(MARCHES[platform.machine()]))

    def options(
        self, is_frozen: bool, specification: str, in_parallel: bool = True
    ) -> dict[str, Any]:
        """Return inductor's options."""
        options = {
            "aot_inductor.metadata": {SPECIFICATION: specification},
            "cpp.march": self.target,
            "cpp.simdlen": MARCHES[platform.machine()][self.target],
            # Threads are those of the program that runs it, not of the one that compiles it, whose
            # number decides whether parts for one thread are set apart.
            "cpp.dynamic_threads": in_parallel,
            "cpp.threads": 2 if in_parallel else 1,
            # Small tensors, and those of one value, would become numbers in the code, which nobody
            # can replace.
            "always_keep_tensor_constants": True,
            "joint_graph_constant_folding": is_frozen,
            # Random numbers are those of PyTorch's own operators.
            "fallback_random": True,
        }
        if is_frozen:
            options |= {
                "freezing": True,
                "max_autotune": True,
                "max_autotune_gemm_backends": "CPP,ATEN",
                "autotune_num_choices_displayed": 0,
            }
        return options


def check_march(march: str | None) -> None:
    """Fail unless packages for `march` can be made here."""
    known = MARCHES.get(platform.machine(), {})
    if not known:
        raise UsageError(f"--format aoti: machines of type {platform.machine()} are not supported")
    if march is not None and march not in known:
        raise UsageError(f"--march {march}: expected {' or '.join(known)}")
    if march == "x86-64-v4" and not import_torch().cpu._is_avx512_supported():
        raise UsageError(f"--march {march}: the package is run to check it; this processor cannot")


def check_compiler() -> None:
    """Fail unless there is a C++ compiler for inductor."""
    import_torch()
    from torch._inductor.cpp_builder import get_cpp_compiler

    try:
        get_cpp_compiler()
    except Exception as error:
        raise InfrastructureError(
            f"--format aoti needs a C++ compiler ({first_line(error)}): install g++, or name one "
            "by the environment variable CXX"
        ) from None


def dense(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments whose strides can be those of other sizes as well: without gaps."""
    torch = import_torch()
    from torch.utils import _pytree

    def one(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        order = sorted(range(value.dim()), key=lambda i: (value.stride(i), value.size(i)))
        return value if value.permute(order[::-1]).is_contiguous() else value.contiguous()

    made: tuple[Any, ...] = _pytree.tree_map(one, arguments)
    return made


def write_package(
    program: Any,
    file: Path,
    compilation: Compilation,
    extra: Mapping[str, str],
    train_step: Mapping[str, Any] | None = None,
) -> str:
    """Compile a program of torch.export into `file`; return which variant was chosen, and why."""
    if compilation.variant != AUTO:
        is_frozen = compilation.variant == FROZEN
        _compile(program, file, compilation, is_frozen, extra, train_step)
        return ""
    _compile(program, file, compilation, False, extra)
    if compilation.is_training:
        return ""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".frozen-") as folder:
        other = Path(folder) / file.name
        _compile(program, other, compilation, True, extra)
        inputs = tensors_of(program.example_inputs)
        plain, frozen = (_seconds(loader(one).run, inputs) for one in (file, other))
        is_better = frozen < _WORTHWHILE * plain
        if is_better:
            other.replace(file)
    times = f"frozen {frozen * 1e6:.1f} µs a call, plain {plain * 1e6:.1f} µs, one thread"
    if not is_better:
        return f"variant plain, whose weights can be replaced ({times})"
    return (
        f"variant frozen, whose weights are fixed ({times}); --variant plain keeps them "
        "replaceable"
    )


def add_specification(program: Any, package: Path, file: Path) -> None:
    """Copy a package with what `program`, from which it was compiled, takes and returns.

    Its weights count as fixed: whether the code uses them nobody knows.
    """
    with zipfile.ZipFile(package) as before, zipfile.ZipFile(file, "w") as after:
        for record in before.infolist():
            content = before.read(record)
            if record.filename.endswith(".wrapper.cpp"):
                _check_weights(program, content.decode())
            if record.filename.endswith(".wrapper_metadata.json"):
                metadata = json.loads(content)
                is_wide = "AVX512" in metadata.get("AOTI_CPU_ISA", "")
                march = "x86-64-v4" if is_wide else next(iter(MARCHES[platform.machine()]))
                text = specification(program, Compilation(FROZEN, march), FROZEN)
                content = json.dumps({**metadata, SPECIFICATION: text}).encode()
            after.writestr(record.filename, content)
    if not is_package(file):
        raise ExportError("it is no package of AOTInductor for Linux")


def _check_weights(program: Any, source: str) -> None:
    """Fail where the source of a package has other weights than its program."""
    known = {**program.state_dict, **program.constants}
    facts = r"constants_info_\[{}\]\.{} = {};".format
    for number, sizes in re.findall(facts(r"(\d+)", "shape", r"\{([\d, ]*)\}"), source):
        named = re.search(facts(number, "original_fqn", '"([^"]*)"'), source)
        name = named[1] if named else ""
        shape = [int(one) for one in sizes.split(",") if one.strip()]
        # Those that begin so were computed from weights.
        is_made = name == "" or name.startswith("_")
        if name not in known and not is_made:
            raise ExportError(f"it has a weight {name!r}, and the program has none: it is another")
        if name in known and list(known[name].shape) != shape:
            raise ExportError(
                f"its weight {name!r} has shape {shape}, that of the program"
                f" {list(known[name].shape)}: it is another"
            )


def is_package(file: Path) -> bool:
    """Return whether a file is a package of AOTInductor that says what it is compiled for."""
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith(".wrapper_metadata.json") for name in archive.namelist())


def specification(
    program: Any,
    compilation: Compilation,
    variant: str,
    train_step: Mapping[str, Any] | None = None,
) -> str:
    """Return what a package says of its program, machine and LibTorch."""
    torch = import_torch()
    return json.dumps(
        {
            "version": 1,
            "torch": torch.__version__.partition("+")[0],
            "machine": platform.machine(),
            "march": compilation.target,
            "variant": variant,
            "needs_elements": _needs_elements(program),
            "training": compilation.is_training,
            "aliases": _aliases(program),
            "train_step": train_step,
            "program": _signature(program),
        }
    )


def _compile(
    program: Any,
    file: Path,
    compilation: Compilation,
    is_frozen: bool,
    extra: Mapping[str, str],
    train_step: Mapping[str, Any] | None = None,
) -> None:
    torch = import_torch()
    from torch.export.pt2_archive._package import package_pt2

    variant, target = FROZEN if is_frozen else PLAIN, compilation.target
    text = specification(program, compilation, variant, train_step)
    arguments, named = program.example_inputs
    for in_parallel in (True, False):
        options = compilation.options(is_frozen, text, in_parallel)
        options["aot_inductor.package"] = True
        module = program.module(check_guards=False)
        # Autotuning writes its tables there.
        with contextlib.redirect_stderr(io.StringIO()), torch.no_grad(), adapted(target):
            files = torch._inductor.aot_compile(module, arguments, named, options=options)
        if not _checks_indices(files):
            break
    package_pt2(str(file), aoti_files={"model": files}, extra_files=dict(extra))
    unused = {} if is_frozen else _unused(program, loader(file).get_constant_fqns())
    if unused:
        added = {**extra, UNUSED: json.dumps(unused)}
        package_pt2(str(file), aoti_files={"model": files}, extra_files=added)


def _checks_indices(files: list[Any]) -> bool:
    """Return whether the code can fail, which would end the process in a parallel region."""
    sources = [Path(one) for one in files if isinstance(one, str) and one.endswith(".cpp")]
    return any("TORCH_CHECK(" in one.read_text() for one in sources)


def _needs_elements(program: Any) -> bool:
    """Return whether oneDNN, which divides by the number of rows, may compute a layer."""
    names = {str(getattr(node.target, "overloadpacket", "")) for node in program.graph.nodes}
    return bool(names & {"aten.lstm", "aten.mkldnn_rnn_layer"})


def _aliases(program: Any) -> dict[str, str]:
    """Return the first name of each tensor that has several, by its other names."""
    first: dict[tuple[Any, ...], str] = {}
    aliases = {}
    for name, tensor in program.state_dict.items():
        key = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() > 0 and first.setdefault(key, name) != name:
            aliases[name] = first[key]
    return aliases


def _unused(program: Any, used: Collection[str]) -> dict[str, str]:
    """Return the bytes of parameters and buffers that are no constants of the code."""
    aliases = _aliases(program)
    firsts = {aliases.get(name, name) for name in used}
    found = {}
    for name, tensor in program.state_dict.items():
        if name in aliases or name in firsts:
            continue
        # The bytes in the order of memory, with the strides that the specification has.
        flat = tensor.detach().as_strided((tensor.numel(),), (1,), tensor.storage_offset())
        found[name] = bytes_of(flat).hex()
    return found


def _signature(program: Any) -> dict[str, Any]:
    """Return the program as torch.export writes it, without what it computes."""
    torch = import_torch()
    with tempfile.TemporaryFile() as file:
        torch.export.save(program.run_decompositions({}), file)
        with zipfile.ZipFile(file) as archive:
            (name,) = (one for one in archive.namelist() if one.endswith("/models/model.json"))
            found: dict[str, Any] = json.loads(archive.read(name))
    graph = found["graph_module"]["graph"]
    graph["nodes"] = []
    _drop_tokens(found["graph_module"]["signature"], graph)
    named = set(_names([graph["inputs"], graph["outputs"]]))
    for key in ("tensor_values", "sym_int_values"):
        graph[key] = {name: one for name, one in graph[key].items() if name in named}
    return found


def _drop_tokens(signature: dict[str, Any], graph: dict[str, Any]) -> None:
    """Leave out what orders operators with effects, which no caller gives or gets."""
    for side in ("input", "output"):
        specs, values = signature[f"{side}_specs"], graph[f"{side}s"]
        kept = [i for i, one in enumerate(specs) if "token" not in one]
        signature[f"{side}_specs"] = [specs[i] for i in kept]
        graph[f"{side}s"] = [values[i] for i in kept]


def _names(tree: Any) -> Iterator[str]:
    if isinstance(tree, list):
        for one in tree:
            yield from _names(one)
    elif isinstance(tree, dict):
        for name in ("name", "as_name"):
            if isinstance(tree.get(name), str):
                yield tree[name]
        for one in tree.values():
            yield from _names(one)


def tensors_of(tree: Any) -> list[Any]:
    """Return the tensors of nested arguments, in their order."""
    torch = import_torch()
    from torch.utils import _pytree

    return [one for one in _pytree.tree_leaves(tree) if isinstance(one, torch.Tensor)]


def loader(file: Path) -> Any:
    """Return LibTorch's loader of a package."""
    torch = import_torch()
    return torch._inductor.aoti_load_package(str(file)).loader


def _seconds(run: Callable[[list[Any]], Any], inputs: list[Any]) -> float:
    """Return the time of a call on one thread, the least of several blocks."""
    torch = import_torch()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            calls, taken = 1, _block(run, inputs, 1)
            while taken < _SECONDS:
                calls *= 2
                taken = _block(run, inputs, calls)
            return min(_block(run, inputs, calls) for _ in range(_BLOCKS)) / calls
    finally:
        torch.set_num_threads(before)


def _block(run: Callable[[list[Any]], Any], inputs: list[Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run(inputs)
    return time.perf_counter() - start
