# SPDX-License-Identifier: MIT
"""Every entry of the header gives a status, whatever it is handed, and a text that says why."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import threading
import time
from ctypes import byref, c_int64, c_void_p
from pathlib import Path
from typing import Any

import pytest

import shim
from catalog.entries import ENTRIES, ROLES, Role
from shim import ShimError, call, create, options


def is_handle(name: str, role: Role) -> bool:
    """True for handles that an entry reads."""
    return "ft_handle" in role.c and name != "out"


STATUS_ENTRIES = {entry.name: entry for entry in ENTRIES if entry.returns == "int"}
PROCEDURES = [ROLES[name] for name in ("array", "callback", "channel", "function")]
# Entries that look a handle up; descriptors and procedures are not to be made up.
HANDLE_ENTRIES = sorted(
    name
    for name, entry in STATUS_ENTRIES.items()
    if name not in {"ft_release", "ft_retire", "ft_tensor_meant", "ft_fail_operator"}
    and any(is_handle(argument, role) for argument, role in entry.parameters)
    and not any(role in PROCEDURES for _, role in entry.parameters)
)
HARMLESS = {
    "ft_release",
    "ft_retire",
    "ft_no_grad_begin",
    "ft_no_grad_end",
    "ft_scope_begin",
    "ft_scope_end",
    "ft_fail",
    "ft_fail_operator",
    "ft_fail_procedure",
    "ft_gradients_watch",
    "ft_device_synchronize",
    "ft_manual_seed",
    "ft_set_num_threads",
    "ft_version",
    "ft_libtorch_version",
}


def stale() -> c_void_p:
    """A handle of a tensor that was released."""
    return c_void_p(create([2]).handle.value)


def argument(role: Role, handle: c_void_p, memory: Any) -> Any:
    """What fits the role: `handle`, `memory` or zero."""
    if role is ROLES["handle"]:
        return handle
    if "*" in role.c:
        return memory
    return c_int64(1) if role is ROLES["int64"] else 0


@pytest.mark.parametrize("entry", sorted(set(STATUS_ENTRIES) - HARMLESS))
def test_null_arguments(entry: str) -> None:
    with pytest.raises(ShimError) as failure:
        call(
            entry,
            *(argument(role, c_void_p(), None) for _, role in STATUS_ENTRIES[entry].parameters),
        )
    assert failure.value.status in ("ft_invalid_argument", "ft_device_unavailable")
    assert shim.text()


@pytest.mark.parametrize("entry", HANDLE_ENTRIES)
@pytest.mark.parametrize("what", ["stale", "garbage", "of another kind"])
def test_wrong_handles(entry: str, what: str, models: Path) -> None:
    tensor, model = create([2]), shim.load(models / "scaling.pt")
    other = tensor if re.match("ft_(model|optim)_(?!create)", entry) else model
    garbage = c_void_p(0xDEADBEEF12345671)
    handle = {"stale": stale(), "garbage": garbage, "of another kind": other.handle}[what]
    memory = (c_void_p * 64)(*[handle.value] * 64)
    with pytest.raises(ShimError) as failure:
        call(
            entry,
            *(argument(role, handle, memory) for _, role in STATUS_ENTRIES[entry].parameters),
        )
    assert failure.value.status == "ft_invalid_argument"


def test_text_says_why_a_handle_gives_nothing() -> None:
    released = stale()
    for handle, part in [
        (c_void_p(), "holds nothing"),
        (released, "was released"),
        (c_void_p(7 << 32), "no handle"),
    ]:
        with pytest.raises(ShimError, match=part):
            call("ft_tensor_zero", byref(handle))
    one = create([2])
    with pytest.raises(ShimError, match="is a tensor, not a model"):
        call("ft_model_train", one.handle, 1)


def test_out_is_left_alone_on_failure() -> None:
    target = c_void_p(0)
    place = options("float32", device=99)
    with pytest.raises(ShimError):
        call("ft_tensor_create", 0, 0, None, c_int64(0), byref(place), byref(target))
    assert target.value is None


def test_out_of_memory() -> None:
    with pytest.raises(ShimError, match="allocate") as failure:
        create([1 << 44])
    assert failure.value.status == "ft_out_of_memory"


def test_messages_of_libtorch_carry_no_backtrace() -> None:
    with pytest.raises(ShimError, match="could not infer output dtype") as failure:
        shim.unary(shim.MEAN, create([2], "int64"))
    assert "Exception raised from" not in str(failure.value)
    assert "\n" not in str(failure.value)


def test_failure_of_the_caller() -> None:
    assert shim.LIBRARY.ft_fail(6, b"a reason") == 6
    assert shim.text() == "a reason"
    shim.LIBRARY.ft_fail(1, b"x" * 10000)
    assert shim.text() == "x" * 4000


def test_texts_are_per_thread() -> None:
    shim.LIBRARY.ft_fail(1, b"here")
    seen = []

    def there() -> None:
        seen.append(shim.text())
        shim.LIBRARY.ft_fail(1, b"there")

    thread = threading.Thread(target=there)
    thread.start()
    thread.join()
    assert seen == [""]
    assert shim.text() == "here"


def test_last_words_end_a_process_that_hangs() -> None:
    program = (
        "import ctypes, shim, time\n"
        "shim.LIBRARY.ft_fatal_message(b'farewell', ctypes.c_int64(8))\n"
        "time.sleep(60)\n"
    )
    begin = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(Path(shim.__file__).parent)}
    command = [sys.executable, "-c", program]
    process = subprocess.run(command, capture_output=True, env=environment, timeout=60)
    assert process.stderr == b"farewell"
    assert process.returncode == 1
    assert time.monotonic() - begin < 40


def test_devices_that_are_not_there() -> None:
    for code, name in [(1, "cuda"), (12, "xpu"), (13, "mps")]:
        place = options("float32", device=code, index=250)
        with pytest.raises(
            ShimError, match=f"{name} device 250 was asked for; .* offers: cpu"
        ) as failure:
            call("ft_tensor_create", 0, 0, None, c_int64(0), byref(place), byref(c_void_p()))
        assert failure.value.status == "ft_device_unavailable"


@pytest.mark.parametrize(
    ("dtype", "device", "index", "part"),
    [
        (99, 0, -1, "dtype 99"),
        (-1, 0, -1, "dtype -1"),
        (6, 3, -1, "device type 3"),
        (6, 0, -2, "-2"),
    ],
)
def test_codes_that_are_none(dtype: int, device: int, index: int, part: str) -> None:
    place = options(dtype, device=device, index=index)
    with pytest.raises(ShimError, match=part) as failure:
        call("ft_tensor_create", 0, 0, None, c_int64(0), byref(place), byref(c_void_p()))
    assert failure.value.status == "ft_invalid_argument"


def test_host_has_one_device() -> None:
    place = options("float32", index=1)
    with pytest.raises(ShimError, match="cpu device 1") as failure:
        call("ft_tensor_create", 0, 0, None, c_int64(0), byref(place), byref(c_void_p()))
    assert failure.value.status == "ft_device_unavailable"
    kind, index = ctypes.c_int32(-7), ctypes.c_int32(-7)
    one = create([2])
    call("ft_tensor_device", one.handle, byref(kind), byref(index))
    assert (kind.value, index.value) == (0, -1)
