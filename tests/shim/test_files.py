# SPDX-License-Identifier: MIT
"""Files of models: whole or untouched, read with their checksums, none but regular ones."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import socket
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import shim
from shim import ShimError, anything, call, create, forward, load

ROOT = os.geteuid() == 0


def save(model: shim.Object, file: Path | str | bytes) -> None:
    call("ft_model_save", model.handle, os.fsencode(file))


def values(file: Path) -> list[float]:
    """What the model in a file, made of `scaling`, multiplies with."""
    y = anything([1])
    forward(load(file), [create([1])], [y])
    return y.numpy().tolist()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 4 MB."""
    file = tmp_path_factory.mktemp("large") / "large.pt"
    torch.jit.script(torch.nn.Linear(1024, 1024)).save(str(file))
    return file


def test_full_disk_is_an_error(full_disk: Path, large: Path, models: Path) -> None:
    saved, small, big = full_disk / "saved.pt", load(models / "scaling.pt"), load(large)
    for _ in range(2):
        with pytest.raises(
            ShimError, match=r"saved\.pt': it cannot be written: No space"
        ) as failure:
            save(big, saved)
        assert failure.value.status == "ft_io_error"
        assert not list(full_disk.iterdir())
    save(small, saved)
    with pytest.raises(ShimError, match="No space left"):
        save(big, saved)
    assert [file.name for file in full_disk.iterdir()] == ["saved.pt"]
    assert values(saved) == [2]


def test_limit_of_file_sizes_is_an_error(tmp_path: Path, large: Path, models: Path) -> None:
    small, big = load(models / "scaling.pt"), load(large)
    save(small, tmp_path / "saved.pt")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        with pytest.raises(ShimError, match="File too large") as failure:
            save(big, tmp_path / "saved.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert failure.value.status == "ft_io_error"
    assert [file.name for file in tmp_path.iterdir()] == ["saved.pt"]
    assert values(tmp_path / "saved.pt") == [2]


def test_killed_process_leaves_the_old_file_or_the_new_one(tmp_path: Path, large: Path) -> None:
    """The child writes one of two models in turn, and is killed at any time."""
    saved = tmp_path / "saved.pt"
    pair = [load(large), load(large)]
    wholes = []
    for model in pair:
        save(model, saved)
        wholes.append(saved.read_bytes())
    for _ in range(12):
        child = os.fork()
        if child == 0:
            while True:
                for model in pair:
                    save(model, saved)
        time.sleep(random.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert saved.read_bytes() in wholes
        drafts = [file for file in tmp_path.iterdir() if file != saved]
        assert all(file.name.startswith(".ftorch-") for file in drafts)
    save(pair[0], saved)
    assert torch.jit.load(str(saved))(torch.ones(1024)).shape == (1024,)


def test_symbolic_links_are_followed(tmp_path: Path, models: Path) -> None:
    model = load(models / "scaling.pt")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "old.pt").write_bytes(b"old")
    (tmp_path / "link.pt").symlink_to(Path("data") / "old.pt")
    (tmp_path / "second.pt").symlink_to("link.pt")
    (tmp_path / "new.pt").symlink_to(tmp_path / "data" / "new.pt")
    (tmp_path / "round.pt").symlink_to("round.pt")
    for link, target in (("second.pt", "old.pt"), ("new.pt", "new.pt")):
        save(model, tmp_path / link)
        assert (tmp_path / link).is_symlink()
        assert not (tmp_path / "data" / target).is_symlink()
        assert values(tmp_path / "data" / target) == values(tmp_path / link) == [2]
    for entry in (save, lambda _, file: load(file)):
        with pytest.raises(ShimError, match="Too many levels of symbolic links"):
            entry(model, tmp_path / "round.pt")
    assert sorted(file.name for file in (tmp_path / "data").iterdir()) == ["new.pt", "old.pt"]


@pytest.mark.parametrize("kind", ["directory", "named pipe", "socket", "device"])
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file_is_refused(
    kind: str, linked: bool, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: a named pipe is not waited for."""
    monkeypatch.chdir(tmp_path)
    special = Path("special")
    if kind == "directory":
        special.mkdir()
    elif kind == "named pipe":
        os.mkfifo(special)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(special))
    else:
        try:
            os.mknod(special, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("this user may not make a device")
    before = special.lstat()
    name = Path("link") if linked else special
    if linked:
        name.symlink_to(special)
    model = load(models / "scaling.pt")
    for what, entry in (("written", save), ("read", lambda _, file: load(file))):
        with pytest.raises(
            ShimError, match=f"'{name}': it cannot be {what}: it is a {kind}"
        ) as failure:
            entry(model, name)
        assert failure.value.status == "ft_io_error"
    assert special.lstat().st_mode == before.st_mode
    assert special.lstat().st_ino == before.st_ino
    assert {file.name for file in tmp_path.iterdir()} <= {"special", "link"}


@pytest.mark.parametrize(
    "name", ["m" * 247 + ".pt", "é" * 120 + ".pt", " with blanks .pt", "m" * 255]
)
def test_long_names_and_odd_names(name: str, tmp_path: Path, models: Path) -> None:
    model = load(models / "scaling.pt")
    for _ in range(2):
        save(model, tmp_path / name)
    assert values(tmp_path / name) == [2]
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["", "no/model.pt", "model.pt/", "m" * 256, "file/model.pt"])
def test_names_that_no_file_can_have(
    name: str, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("text")
    for what, entry in (("written", save), ("read", lambda _, file: load(file))):
        with pytest.raises(ShimError) as failure:
            entry(load(models / "scaling.pt"), name)
        assert failure.value.status == "ft_io_error"
        assert str(failure.value).startswith(f"ft_io_error: '{name}': it cannot be {what}: ")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_name_in_the_working_folder(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(load(models / "scaling.pt"), "saved.pt")
    assert values(tmp_path / "saved.pt") == [2]


def test_mode_of_the_file_stays(tmp_path: Path, models: Path) -> None:
    model, saved = load(models / "scaling.pt"), tmp_path / "saved.pt"
    mask = os.umask(0o027)
    try:
        save(model, saved)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o640
    saved.chmod(0o604)
    save(model, saved)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o604


@pytest.mark.skipif(ROOT, reason="root may write everything")
def test_protected_file_stays(tmp_path: Path, models: Path) -> None:
    saved = tmp_path / "saved.pt"
    saved.write_text("kept")
    saved.chmod(0o400)
    with pytest.raises(ShimError, match="Permission denied"):
        save(load(models / "scaling.pt"), saved)
    assert saved.read_text() == "kept"


def test_name_of_a_file_is_told_whole(tmp_path: Path) -> None:
    """However long: 4000 bytes with folders, characters of several bytes."""
    name = "/".join(["ä" * 120] * 16) + "/model.pt"
    with pytest.raises(ShimError) as failure:
        load(name)
    assert (
        str(failure.value)
        == f"ft_io_error: '{name}': it cannot be read: No such file or directory"
    )


def test_texts_are_cut_between_characters() -> None:
    for shift in range(4):
        shim.LIBRARY.ft_fail(1, b"x" * shift + "€".encode() * 2000)
        text = shim.text()  # decodes
        assert 3996 < len(text.encode()) <= 4000
        assert set(text[shift:]) == {"€"}


def damaged_files(whole: bytes, folder: Path, step: int) -> Iterator[tuple[int, Path]]:
    """The file with one bit flipped, for every `step`-th byte."""
    file = folder / "damaged.pt"
    for place in range(0, len(whole), step):
        file.write_bytes(
            whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        )
        yield place, file


def test_damaged_weights_are_found(tmp_path: Path, models: Path) -> None:
    whole = (models / "mlp_float32.pt").read_bytes()
    with zipfile.ZipFile(models / "mlp_float32.pt") as archive:
        weights = [one for one in archive.infolist() if "/data/" in one.filename]
        weight = max(weights, key=lambda one: one.file_size)
    start = whole.index(archive_bytes(models / "mlp_float32.pt", weight.filename))
    for place in (start, start + weight.file_size // 2, start + weight.file_size - 1):
        for bit in (0, 7):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            (tmp_path / "damaged.pt").write_bytes(damaged)
            record = weight.filename.split("/", 1)[1]
            with pytest.raises(
                ShimError, match=f"damaged: the checksum of {record} is wrong"
            ) as failure:
                load(tmp_path / "damaged.pt")
            assert failure.value.status == "ft_model_error"


def archive_bytes(file: Path, name: str) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return archive.read(name)


def test_a_flipped_bit_is_found_or_changes_nothing(tmp_path: Path, models: Path) -> None:
    whole = (models / "scaling.pt").read_bytes()
    found = 0
    for place, file in damaged_files(whole, tmp_path, step=3):
        try:
            assert values(file) == [2], place
        except ShimError:
            found += 1
    assert found > 200


@pytest.mark.parametrize("size", [0, 3, 4, 30, 1000, -1, -22, -98])
def test_archive_that_is_cut_short(size: int, tmp_path: Path, models: Path) -> None:
    whole = (models / "scaling.pt").read_bytes()
    (tmp_path / "short.pt").write_bytes(whole[:size])
    with pytest.raises(ShimError, match=r"short\.pt") as failure:
        load(tmp_path / "short.pt")
    assert failure.value.status == "ft_model_error"


def test_archives_that_others_wrote(tmp_path: Path, models: Path) -> None:
    """Packed again, with and without compression; with a comment; without checksums."""
    with zipfile.ZipFile(models / "scaling.pt") as archive:
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            packed = tmp_path / f"packed{method}.pt"
            with zipfile.ZipFile(packed, "w", method) as copy:
                for one in archive.infolist():
                    copy.writestr(one.filename, archive.read(one))
                copy.comment = b"packed again PK\x05"
            assert values(packed) == [2]
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.jit.load(str(models / "scaling.pt")).save(str(tmp_path / "unchecked.pt"))
    finally:
        torch.serialization.set_crc32_options(before)
    assert values(tmp_path / "unchecked.pt") == [2]


def test_threads_may_save_to_one_name(tmp_path: Path, models: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    model = load(models / "mlp_float32.pt")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: save(model, tmp_path / "saved.pt"), range(40)))
    assert [file.name for file in tmp_path.iterdir()] == ["saved.pt"]
    load(tmp_path / "saved.pt")


def test_loaded_model_does_not_need_its_file(tmp_path: Path, models: Path) -> None:
    shutil.copy(models / "scaling.pt", tmp_path / "scaling.pt")
    model = load(tmp_path / "scaling.pt")
    (tmp_path / "scaling.pt").unlink()
    save(model, tmp_path / "scaling.pt")
    assert values(tmp_path / "scaling.pt") == [2]
