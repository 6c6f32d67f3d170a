# SPDX-License-Identifier: MIT
"""Files of checkpoints: Python's view of them, whole or not at all, and the random generators."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import Checkpoint, example
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from shim import ShimError, anything, create, forward, load, parameters

SHIM = Path(__file__).parent


def test_python_reads_names_shapes_and_numbers(tmp_path: Path, models: Path) -> None:
    checkpoint, model = example(), load(models / "mlp_float64.pt")
    checkpoint.put("model", model)
    checkpoint.save(tmp_path / "file")
    found = load_file(tmp_path / "file")
    assert found["step"].dtype == torch.int64
    assert found["step"].item() == 7
    assert found["rates"].tolist() == [0.5, 0.25]
    assert found["flags"].tolist() == [[True, False, True]]
    assert torch.view_as_complex(found["wave"]).tolist() == [1 + 2j, 3 - 4j]
    for name, tensor in torch.jit.load(str(models / "mlp_float64.pt")).state_dict().items():
        assert found[f"model.{name}"].equal(tensor)
    assert found["generator:cpu"].equal(torch.get_rng_state())
    with safe_open(tmp_path / "file", "np") as file:
        metadata = file.metadata()
    assert metadata["note"] == "Wärme"
    assert metadata["kind:model"] == "model"
    assert metadata["kind:step"] == "tensor"
    assert metadata["kind:note"] == "text"
    assert metadata["ftorch_view_as_complex"] == '["wave"]'


def test_python_files_are_read(tmp_path: Path, models: Path) -> None:
    module = torch.nn.Sequential(
        *(torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 32)),
        *(torch.nn.Tanh(), torch.nn.Linear(32, 4)),
    ).double()
    tensors = {f"net.{name}": tensor for name, tensor in module.state_dict().items()}
    tensors |= {"rate": torch.tensor(0.5), "net/odd name": torch.arange(3)}
    save_file(tensors, tmp_path / "file", metadata={"note": "by Python"})
    checkpoint, model = Checkpoint().load(tmp_path / "file"), load(models / "mlp_float64.pt")
    checkpoint.get("net", model)
    for mine, its in zip(parameters(model, 6), module.parameters()):
        assert np.array_equal(mine.numpy(), its.detach().numpy())
    assert checkpoint.number("rate") == 0.5
    assert checkpoint.get("net/odd name").numpy().tolist() == [0, 1, 2]
    assert checkpoint.get("net.0.bias").shape() == [32]
    assert checkpoint.text("note") == "by Python"
    with pytest.raises(
        ShimError, match=r"there is no 'nets'; .* holds 'net/odd name', 'net.0.bias'"
    ):
        checkpoint.get("nets", model)
    # What is put into it goes into the next file with the rest.
    checkpoint.put("net", np.ones(2))
    checkpoint.save(tmp_path / "file")
    again = load_file(tmp_path / "file")
    assert again.keys() == {"net", "rate", "net/odd name", "generator:cpu"}


def test_a_file_that_python_wrote_again(tmp_path: Path) -> None:
    """Python may change a checkpoint, if it leaves out the checksums."""
    example().save(tmp_path / "file")
    with safe_open(tmp_path / "file", "pt") as file:
        metadata = file.metadata()
    checksums = {"ftorch_format", "ftorch_crc32", "ftorch_header_crc32"}
    kept = {name: text for name, text in metadata.items() if name not in checksums}
    save_file({**load_file(tmp_path / "file"), "step": torch.tensor(8)}, tmp_path / "file", kept)
    checkpoint = Checkpoint().load(tmp_path / "file")
    assert checkpoint.number("step") == 8
    assert checkpoint.text("note") == "Wärme"
    assert checkpoint.get("wave").numpy().tolist() == [1 + 2j, 3 - 4j]
    checkpoint.save(tmp_path / "again")
    assert Checkpoint().load(tmp_path / "again").get("wave").numpy().tolist() == [1 + 2j, 3 - 4j]
    save_file({"step": torch.tensor(8)}, tmp_path / "file", kept)
    assert checkpoint.load(tmp_path / "file").number("step") == 8
    save_file({"wave": torch.ones(2, 2)}, tmp_path / "file", kept)
    with pytest.raises(ShimError, match="'wave' stands in ftorch_view_as_complex and holds no"):
        checkpoint.load(tmp_path / "file")
    save_file({"step": torch.tensor(8)}, tmp_path / "file", metadata)
    with pytest.raises(ShimError, match="the checksum of its head is wrong"):
        checkpoint.load(tmp_path / "file")


def refuses(content: bytes, file: Path, message: str) -> None:
    """A checkpoint refuses a file, and is as it was."""
    file.write_bytes(content)
    checkpoint, state = example(), torch.get_rng_state()
    with pytest.raises(ShimError, match=message):
        checkpoint.load(file)
    assert checkpoint.number("step") == 7
    assert torch.get_rng_state().equal(state)


def small(tmp_path: Path) -> bytes:
    """A file with every kind of entry, of few bytes."""
    checkpoint = example()
    checkpoint.save(tmp_path / "whole")
    return (tmp_path / "whole").read_bytes()


def test_every_length_is_refused(tmp_path: Path) -> None:
    whole = small(tmp_path)
    for end in [*range(0, 1500), *range(1500, len(whole), 41), len(whole) - 1]:
        refuses(whole[:end], tmp_path / "file", "no safetensors file|ends within|bytes of data")


def test_a_bit_flipped_in_any_byte_is_refused(tmp_path: Path) -> None:
    whole = small(tmp_path)
    for place in [*range(1500), *range(1500, len(whole), 17)]:
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        refuses(bytes(changed), tmp_path / "file", "safetensors file|damaged|newer|dtype")


def test_newer_and_foreign_files_are_refused(tmp_path: Path, models: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "newer", {"ftorch_format": "2"})
    refuses(
        (tmp_path / "newer").read_bytes(),
        tmp_path / "file",
        "ft_io_error: .*a newer version of FTorch wrote the file, in format 2",
    )
    refuses((models / "scaling.pt").read_bytes(), tmp_path / "file", "it is no safetensors file")
    refuses(b"\0" * 100, tmp_path / "file", "it is no safetensors file")
    with pytest.raises(ShimError, match=r"ft_io_error: .*it is a directory, not a file"):
        Checkpoint().load(tmp_path)


def test_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    """By a limit of file sizes, which fails as a full disk does."""
    example().save(tmp_path / "file")
    large = Checkpoint()
    large.put("numbers", np.zeros(1 << 20))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(
            ShimError, match=r"ft_io_error: .*it cannot be written: File too large"
        ):
            large.save(tmp_path / "file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert Checkpoint().load(tmp_path / "file").number("step") == 7


def test_full_file_system_keeps_the_old_file(full_disk: Path) -> None:
    example().save(full_disk / "file")
    large = Checkpoint()
    large.put("numbers", np.zeros(1 << 20))
    with pytest.raises(ShimError, match=r"ft_io_error: .*it cannot be written: No space left"):
        large.save(full_disk / "file")
    assert [one.name for one in full_disk.iterdir()] == ["file"]
    assert Checkpoint().load(full_disk / "file").number("step") == 7


SAVER = """
import numpy as np
from checkpoints import Checkpoint
checkpoint = Checkpoint()
for step in range(1, 10**9):
    checkpoint.put("step", np.int64(step))
    checkpoint.put("numbers", np.full(1 << 16, step))
    checkpoint.save("file")
    if step == 1:
        print("saving", flush=True)
"""


def kill_while_saving(folder: Path, wait: float) -> None:
    """Saves again and again in a process, which is killed."""
    path = {"PYTHONPATH": str(SHIM), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SAVER]
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **path}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"saving\n"
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)


def check_killed(folder: Path) -> int:
    """What is there loads, and is of one step; returns the number of drafts that were left."""
    checkpoint = Checkpoint().load(folder / "file")
    step = checkpoint.number("step")
    assert (checkpoint.get("numbers").numpy() == step).all()
    drafts = list(folder.glob(".ftorch-*.part"))
    for draft in drafts:
        draft.unlink()
    return len(drafts)


def test_killed_while_saving(tmp_path: Path) -> None:
    for _ in range(3):
        kill_while_saving(tmp_path, random.uniform(0, 0.02))
        check_killed(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_200_times_while_saving(tmp_path: Path) -> None:
    drafts = 0
    for _ in range(200):
        kill_while_saving(tmp_path, random.uniform(0, 0.02))
        drafts += check_killed(tmp_path)
    assert drafts > 20, "most kills were not within a save"


def test_generators_go_along(tmp_path: Path) -> None:
    """Those of the last put; set when a file is loaded, not when something is got."""
    torch.manual_seed(5)
    checkpoint = example()
    expected = torch.rand(4)
    checkpoint.save(tmp_path / "file")
    torch.manual_seed(6)
    checkpoint.number("step")
    other = torch.rand(4)
    read = Checkpoint().load(tmp_path / "file")
    assert torch.rand(4).equal(expected)
    torch.manual_seed(6)
    read.number("step")
    assert torch.rand(4).equal(other)


def test_generator_that_cannot_be_set(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    save_file({"generator:cpu": torch.zeros(3, dtype=torch.uint8)}, tmp_path / "file")
    with pytest.raises(ShimError, match=r"'.*': the state of the random generator of cpu: "):
        Checkpoint().load(tmp_path / "file")
    assert torch.get_rng_state().equal(state)


RESERVED = ["__metadata__", "ftorch_format", "ftorch_crc32", "ftorch_view_as_complex", "ftorch_"]


@pytest.mark.parametrize("value", [3.5, "text"], ids=["number", "text"])
@pytest.mark.parametrize("name", [*RESERVED, "ftorch_header_crc32"])
def test_names_that_the_file_needs(name: str, value: float | str) -> None:
    empty, checkpoint = Checkpoint(), example()
    for one in (empty, checkpoint):
        with pytest.raises(ShimError, match=f"'{name}' is reserved") as failure:
            one.put(name, value)
        assert failure.value.status == "ft_invalid_argument"
    assert empty.handle.value in (None, 0)
    with pytest.raises(ShimError, match=f"there is no '{name}'"):
        checkpoint.number(name)


def test_names_like_those_that_the_file_needs(tmp_path: Path) -> None:
    checkpoint = Checkpoint()
    for name in ("metadata", "_metadata_", "ftorch", "Ftorch_x", "a_ftorch_x", "format"):
        checkpoint.put(name, 2.5)
        checkpoint.put(name + "-text", name)
    checkpoint.save(tmp_path / "file")
    read = Checkpoint().load(tmp_path / "file")
    for name in ("metadata", "_metadata_", "ftorch", "Ftorch_x", "a_ftorch_x", "format"):
        assert read.number(name) == 2.5
        assert read.text(name + "-text") == name


def test_names_of_others_that_the_file_needs(tmp_path: Path) -> None:
    """They are read, but cannot be kept."""
    save_file({"ftorch_x": torch.ones(1), "y": torch.ones(1)}, tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    checkpoint = Checkpoint().load(tmp_path / "file")
    assert checkpoint.number("ftorch_x") == 1
    with pytest.raises(ShimError, match="'ftorch_x' is reserved"):
        checkpoint.save(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == whole


def seconds(action: Callable[[], object]) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


def test_time_grows_with_the_number_of_entries(tmp_path: Path) -> None:
    """100,000 entries, a fifth of them pairs, took minutes in quadratic time."""
    count = 100_000
    tensors = {f"x{i}": torch.zeros(2, dtype=torch.float64) for i in range(count)}
    pairs = json.dumps([f"x{i}" for i in range(0, count, 5)])
    save_file(tensors, tmp_path / "file", {"ftorch_view_as_complex": pairs})
    checkpoint = Checkpoint()
    assert seconds(lambda: checkpoint.load(tmp_path / "file")) < 20
    assert seconds(lambda: [checkpoint.put(f"x{i}", np.int64(i)) for i in range(3000)]) < 10
    assert seconds(lambda: [checkpoint.get(f"x{i}") for i in range(count - 3000, count)]) < 10


def test_parts_without_a_whole(tmp_path: Path) -> None:
    tensors = {"x.y": torch.ones(1), "x.z": torch.ones(1), "n": torch.ones(1)}
    for metadata in ({"x.note": "a"}, {"x.note": "a", "kind:x": "tensor"}):
        save_file(tensors, tmp_path / "file", metadata)
        checkpoint = Checkpoint().load(tmp_path / "file")
        with pytest.raises(
            ShimError,
            match=r"'x' is no tensor; the .* holds 'x.y', 'x.z', 'x.note' \(text\) under",
        ):
            checkpoint.get("x")
    save_file(tensors, tmp_path / "file", {"t": "a", "kind:x": "text", "kind:q": "tensor"})
    checkpoint = Checkpoint().load(tmp_path / "file")
    with pytest.raises(
        ShimError, match=r"'x' is no text; the checkpoint holds 'x.y', 'x.z' under"
    ):
        checkpoint.text("x")
    with pytest.raises(ShimError, match=r"'q' is no tensor; the checkpoint holds nothing under"):
        checkpoint.get("q")
    with pytest.raises(ShimError, match=r"there is no 't'; .*'n', 't' \(text\)"):
        checkpoint.get("t")


def test_a_large_array_is_kept_once(tmp_path: Path) -> None:
    checkpoint = Checkpoint()
    checkpoint.put("numbers", np.zeros(1 << 23))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    checkpoint.save(tmp_path / "file")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 << 10


def test_a_model_with_buffers_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(1)
    torch.jit.script(torch.nn.BatchNorm1d(3)).save(str(tmp_path / "norm.pt"))
    model = load(tmp_path / "norm.pt", train=1)
    x, y = create([4, 3]), anything([4, 3])
    forward(model, [x], [y])
    checkpoint = Checkpoint()
    checkpoint.put("model", model)
    forward(model, [x], [y])
    checkpoint.save(tmp_path / "file")
    found = load_file(tmp_path / "file")
    assert found["model.num_batches_tracked"].item() == 1
    fresh = load(tmp_path / "norm.pt")
    Checkpoint().load(tmp_path / "file").get("model", fresh)
    checkpoint.put("model", fresh)
    checkpoint.save(tmp_path / "again")
    again = load_file(tmp_path / "again")
    assert all(again[name].equal(found[name]) for name in found if name.startswith("model."))
