# SPDX-License-Identifier: MIT
"""Files of state that are refused: damaged, foreign, newer, pickles that need Python."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from state_files import restore, same, save, state
from torch import nn

from shim import ShimError, load


class Evil:
    """Runs a program when Python reads it."""

    def __reduce__(self):
        return os.system, ("touch evil",)


class Named(nn.Module):
    """For parameters of any name."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def raw(header: object, data: bytes = b"", size: int | None = None) -> bytes:
    """A safetensors file by hand."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def entry(dtype: str = "F32", shape: object = (1,), offsets: object = (0, 4)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


FOUR = bytes(4)
HUGE = 1 << 62
REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no safetensors file"),
    "short": (b"\x08", "no safetensors file"),
    "text": (b"this is no state\n", "no safetensors file"),
    "size too large": (raw({}, size=1 << 40), "no safetensors file"),
    "head cut": (raw({}, size=20), "ends within its head"),
    "no json": (raw(b"{abc"), "its head is no JSON object"),
    "deep": (raw(b'{"a":{"b":{"c":{"d":1}}}}'), "nested too deeply"),
    "deep lists": (raw(b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}"), "'a' has no dtype"),
    "twice": (raw(b'{"a":{},"a":{}}'), "'a' stands in its head twice"),
    "not utf-8": (raw(b'{"\xff\xfe":{}}'), "its head is no JSON object"),
    "deep dtype": (
        raw(b'{"a":{"dtype":' + b"[" * 1000000 + b"]" * 1000000 + b"}}"),
        "'a' has a dtype that is no text",
    ),
    "number": (raw({"a": 1}), "'a' has no dtype"),
    "no shape": (raw({"a": {"dtype": "F32"}}), "'a' has no shape"),
    "no place": (raw({"a": {"dtype": "F32", "shape": []}}), "'a' has no data_offsets"),
    "other dtype": (
        raw({"a": entry("F8_E4M3")}, FOUR),
        "ft_dtype_mismatch: .*'a' has dtype F8_E4M3",
    ),
    "negative": (raw({"a": entry(shape=[-1])}, FOUR), "has a shape or a place that is no number"),
    "real": (raw({"a": entry(shape=[1.5])}, FOUR), "has a shape or a place that is no number"),
    "one place": (raw({"a": entry(offsets=[4])}, FOUR), "has no place of two numbers"),
    "backwards": (raw({"a": entry(offsets=[4, 0])}, FOUR), "not as long as its elements"),
    "other size": (raw({"a": entry(shape=[2])}, FOUR), "not as long as its elements"),
    "overflow": (raw({"a": entry(shape=[HUGE, HUGE])}, FOUR), "'a' is too large"),
    "bytes overflow": (raw({"a": entry(shape=[HUGE])}, FOUR), "'a' is too large"),
    "huge beside zero": (raw({"a": entry("F32", [HUGE, HUGE, 0], [0, 0])}), "'a' is too large"),
    "hole": (raw({"a": entry(offsets=[4, 8])}, bytes(8)), "where the one before it ends"),
    "overlap": (
        raw({"a": entry(), "b": entry()}, FOUR),
        "'b' does not stand where the one before it ends",
    ),
    "cut": (raw({"a": entry()}, bytes(3)), "3 bytes of data where its head tells of 4"),
    "longer": (raw({"a": entry()}, bytes(5)), "5 bytes of data where its head tells of 4"),
    "boolean": (raw({"a": entry("BOOL", [4])}, b"\0\1\2\0"), "neither 0 nor 1"),
    "metadata": (raw({"__metadata__": 1}), "__metadata__ is no object"),
    "metadata number": (raw({"__metadata__": {"a": 1}}), "'a' in its __metadata__ is no text"),
    "newer": (
        raw({"__metadata__": {"ftorch_format": "2"}}),
        "a newer version of FTorch wrote the file, in format 2; this one reads formats up to 1",
    ),
    "no format": (raw({"__metadata__": {"ftorch_crc32": ""}}), "its head has no ftorch_format"),
    "odd format": (raw({"__metadata__": {"ftorch_format": "x"}}), "its format is 'x'"),
    "no checksum": (raw({"__metadata__": {"ftorch_format": "1"}}), "its head has no checksum"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, models: Path, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    (tmp_path / "state").write_bytes(content)
    model = load(models / "scaling.pt")
    with pytest.raises(ShimError, match=message) as failure:
        restore(model, tmp_path / "state", strict=0)
    assert f"'{tmp_path}/state': " in str(failure.value)


def test_pickles_that_are_refused(models: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    model, one = load(models / "scaling.pt"), torch.ones(1)
    nested = {"model": {"a": one}, "epoch": 3}
    for content, message in (
        (nested, "'model' in the dictionary is no tensor; save the dictionary alone"),
        ({"a": one, "epoch": 3}, "'epoch' in the dictionary is no tensor"),
        ({1: one}, "a key of the dictionary is no text"),
        ([one], "the file holds no dictionary"),
        (one, "the file holds no dictionary"),
        (nn.Linear(1, 1), "needs torch.nn.modules.linear.Linear of Python"),
        ({"a": Evil()}, "needs posix.system of Python"),
        ({"a": one.to_sparse()}, "needs torch._utils._rebuild_sparse_tensor of Python"),
        ({"a": one.to(torch.uint16)}, "a tensor of the file has dtype torch.uint16, which has no"),
        ({"a": one.to(torch.float8_e4m3fn)}, "has dtype torch.float8_e4m3fn, which has no"),
    ):
        torch.save(content, "state.pt")
        with pytest.raises(ShimError, match=f"'state.pt': .*{message}"):
            restore(model, Path("state.pt"))
    assert not Path("evil").exists()
    torch.save({"a": one}, "state.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(ShimError, match=r"written by torch\.save in its old format"):
        restore(model, Path("state.pt"))
    with pytest.raises(ShimError, match="a TorchScript model, which torch_model_load reads"):
        restore(model, models / "scaling.pt")


@pytest.mark.parametrize(
    "pickle",
    [
        b"]" * 1000000 + b"a" * 999999,
        b")" + b"\x85" * 1000000,
        b"]q\0" + b"]q\1ah\1q\0" * 1000000,
        b"}q\0X\1\0\0\0ah\0s",
    ],
    ids=["lists", "tuples", "from within", "itself"],
)
def test_pickles_nested_without_end(pickle: bytes, models: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "whole.pt")
    with (
        zipfile.ZipFile(tmp_path / "whole.pt") as whole,
        zipfile.ZipFile(tmp_path / "state.pt", "w") as changed,
    ):
        for name in whole.namelist():
            is_pickle = name.endswith("data.pkl")
            changed.writestr(name, b"\x80\2" + pickle + b"." if is_pickle else whole.read(name))
    model = load(models / "scaling.pt")
    with pytest.raises(ShimError, match=r"holds no dictionary|'a' in the dictionary is no tensor"):
        restore(model, tmp_path / "state.pt")


@pytest.mark.parametrize("name", ["ftorch_format", "ftorch_x", "ftorch_x.weight", "__metadata__"])
def test_names_that_the_format_needs(name: str, tmp_path: Path) -> None:
    """A parameter whose name would take the place of what the file says of itself."""
    module, (*inner, last) = Named(), name.split(".")
    if inner:
        module.add_module(inner[0], nn.Linear(1, 1, bias=False))
    else:
        module.register_parameter(last, nn.Parameter(torch.ones(1)))
    module.register_parameter("usual", nn.Parameter(torch.ones(1)))
    torch.jit.script(module).save(str(tmp_path / "module.pt"))
    (tmp_path / "state").write_bytes(b"old")
    with pytest.raises(ShimError, match=f"'{tmp_path}/state': .*'{name}' is reserved") as failure:
        save(load(tmp_path / "module.pt"), tmp_path / "state")
    assert failure.value.status == "ft_invalid_argument"
    assert (tmp_path / "state").read_bytes() == b"old"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["module.pt", "state"]


def test_damaged_pickles(models: Path, tmp_path: Path) -> None:
    """Cut short or with a bit flipped anywhere: an error, or the same numbers."""
    model = load(models / "scaling.pt")
    before = state(model, tmp_path)
    torch.save(before, tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    file = tmp_path / "state.pt"
    for end in range(0, len(whole), 29):
        file.write_bytes(whole[:end])
        with pytest.raises(ShimError):
            restore(model, file)
    for place in range(0, len(whole), 11):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        file.write_bytes(changed)
        with contextlib.suppress(ShimError):
            restore(model, file)
        assert same(state(model, tmp_path), before)


def test_every_length_and_every_bit(models: Path, tmp_path: Path) -> None:
    """Our own files have checksums over all of their bytes."""
    model = load(models / "scaling.pt")
    save(model, tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    for end in range(len(whole)):
        (tmp_path / "state").write_bytes(whole[:end])
        with pytest.raises(ShimError, match=r"no safetensors file|ends within|bytes of data"):
            restore(model, tmp_path / "state")
    for place in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            (tmp_path / "state").write_bytes(changed)
            with pytest.raises(ShimError, match=r"safetensors file|damaged|newer|dtype"):
                restore(model, tmp_path / "state")


def test_what_a_model_has_besides_is_no_state(models: Path, tmp_path: Path) -> None:
    """A name that is not a file's, a model without parameters."""
    model = load(models / "two_inputs.pt")
    save(model, tmp_path / "state")
    assert load_file(tmp_path / "state") == {}
    restore(model, tmp_path / "state")
    with pytest.raises(ShimError, match=r"'/no/such': it cannot be (read|written): No such file"):
        restore(model, Path("/no/such"))
    with pytest.raises(ShimError, match="ft_io_error: '/no/such/file': it cannot be written"):
        save(model, Path("/no/such/file"))
