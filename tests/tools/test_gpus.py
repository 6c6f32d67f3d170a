# SPDX-License-Identifier: MIT
"""GPUs: those within the inherited mask, shared out between tests."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest

from ftorch_tools.testing.gpus import Gpus, device_names, nvidia_smi_warnings, usable_gpus

A, B, C = (f"GPU-{letter * 8}-0000-0000-0000-000000000000" for letter in "abc")
PARTS = [f"MIG-{digit * 8}-1111-1111-1111-111111111111" for digit in "12"]
THREE = "".join(f"GPU {n}: NVIDIA H100 80GB HBM3 (UUID: {u})\n" for n, u in enumerate([A, B, C]))
DIVIDED = f"GPU 0: NVIDIA H100 (UUID: {A})\n" + "".join(
    f"  MIG 1g.10gb     Device  {n}: (UUID: {uuid})\n" for n, uuid in enumerate(PARTS)
)


def with_nvidia_smi(folder: Path, text: str, status: int = 0) -> str:
    """Make an `nvidia-smi` that answers `text`, and return the PATH on which it is."""
    folder.mkdir(exist_ok=True)
    script = folder / "nvidia-smi"
    script.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && cat <<'END'\n{text}END\nexit {status}\n")
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("answer", "mask", "expected"),
    [
        (THREE, None, ("0", "1", "2")),
        (THREE, "1", ("1",)),
        (THREE, "2,0", ("2", "0")),
        (THREE, " 2 , 0 ", ("2", "0")),
        (THREE, "", ()),
        (THREE, "-1", ()),
        (THREE, "NoDevFiles", ()),
        (THREE, "0,-1,1", ("0",)),
        (THREE, "0,7,1", ("0",)),
        (THREE, "1,1", ("1",)),
        (THREE, f"{C},{A}", (C, A)),
        (THREE, "GPU-bbbb", ("GPU-bbbb",)),
        (THREE, "GPU-dddd,0", ()),
        (DIVIDED, None, tuple(PARTS)),
        (DIVIDED, PARTS[1], (PARTS[1],)),
        ("", None, ()),
        ("No devices were found\n", "0", ()),
    ],
)
def test_nvidia(tmp_path, monkeypatch, answer, mask, expected):
    monkeypatch.setenv("PATH", with_nvidia_smi(tmp_path / "bin", answer))
    environment = {} if mask is None else {"CUDA_VISIBLE_DEVICES": mask}
    found = usable_gpus({**environment, "PATH": os.environ["PATH"]}, tmp_path)
    assert found.masks == expected


def test_nvidia_by_the_kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", with_nvidia_smi(tmp_path / "bin", "", status=9))
    for bus in ("0000:3b:00.0", "0000:d8:00.0"):
        (tmp_path / "proc/driver/nvidia/gpus" / bus).mkdir(parents=True)
    path = {"PATH": os.environ["PATH"]}
    assert usable_gpus(path, tmp_path) == Gpus("CUDA_VISIBLE_DEVICES", ("0", "1"))
    masked = {**path, "CUDA_VISIBLE_DEVICES": "1"}
    assert usable_gpus(masked, tmp_path).masks == ("1",)


@pytest.mark.parametrize(
    ("environment", "variable", "expected"),
    [
        ({}, "ROCR_VISIBLE_DEVICES", ("0", "1")),
        ({"ROCR_VISIBLE_DEVICES": "1"}, "ROCR_VISIBLE_DEVICES", ("1",)),
        ({"ROCR_VISIBLE_DEVICES": ""}, "ROCR_VISIBLE_DEVICES", ()),
        ({"ROCR_VISIBLE_DEVICES": "-1"}, "ROCR_VISIBLE_DEVICES", ()),
        ({"ROCR_VISIBLE_DEVICES": "GPU-00000000000000ff"}, None, ("GPU-00000000000000ff",)),
        ({"HIP_VISIBLE_DEVICES": "1,0"}, "HIP_VISIBLE_DEVICES", ("1", "0")),
    ],
)
def test_amd(tmp_path, monkeypatch, environment, variable, expected):
    monkeypatch.setenv("PATH", with_nvidia_smi(tmp_path / "bin", "", status=9))
    nodes = tmp_path / "sys/class/kfd/kfd/topology/nodes"
    for number, (gpu, unique) in enumerate([(0, 0), (4098, 255), (4099, 4096)]):
        (nodes / str(number)).mkdir(parents=True)
        (nodes / str(number) / "gpu_id").write_text(f"{gpu}\n")
        (nodes / str(number) / "properties").write_text(f"simd_count 0\nunique_id {unique}\n")
    found = usable_gpus(environment, tmp_path)
    assert found.masks == expected
    assert variable in (None, found.variable)


SHOW = "echo gpus=$CUDA_VISIBLE_DEVICES given=$CTEST_RESOURCE_GROUP_0_GPUS"
PYTHON = """
import os, time, pytest
def visible(): return os.environ["CUDA_VISIBLE_DEVICES"]
@pytest.mark.gpu
@pytest.mark.parametrize("n", range(4))
def test_one(n):
    begin = time.time(); time.sleep(0.2)
    with open(os.environ["SPANS"], "a") as file:
        file.write(f"{visible()} {begin} {time.time()}\\n")
@pytest.mark.gpu(2)
def test_two(): assert sorted(visible().split(",")) == sorted(os.environ["EXPECTED"].split(","))
@pytest.mark.gpu(3)
def test_three(): assert 0, "there are but two"
"""


def test_masks_of_a_run(project, tmp_path):
    spans = tmp_path / "spans"
    note = "begin=$(date +%s.%N); sleep 0.3; "
    note += f'echo "$CUDA_VISIBLE_DEVICES $begin $(date +%s.%N)" >> {spans}'
    for number in range(3):
        project.add_ctest(f"one{number}", f"{SHOW}; {note}", RESOURCE_GROUPS="gpus:1")
    project.add_line(
        'add_test([=[t "wo;]=] /bin/sh -c [==[' + SHOW + " $CTEST_RESOURCE_GROUP_1_GPUS]==])"
    )
    project.add_line('set_tests_properties([=[t "wo;]=] PROPERTIES RESOURCE_GROUPS "2,gpus:1")')
    project.add_ctest("three", "exit 1", RESOURCE_GROUPS="3,gpus:1")
    project.add_ctest("plain", SHOW)
    project.add_line("add_test(missing /nonexistent)")
    project.add_line("set_tests_properties(missing PROPERTIES RESOURCE_GROUPS gpus:1)")
    project.add_python("test_a.py", PYTHON)
    path = with_nvidia_smi(tmp_path / "bin", THREE)
    mask = f"{C},1"
    environment = {
        "PATH": path,
        "CUDA_VISIBLE_DEVICES": mask,
        "SPANS": str(spans),
        "EXPECTED": mask,
    }
    result = project.run("-j", "4", **environment)
    outcomes = {name.rpartition("::")[2]: outcome for name, outcome in result.outcomes.items()}
    assert outcomes == {
        **{f"one{n}": "passed" for n in range(3)},
        **{f"test_one[{n}]": "passed" for n in range(4)},
        't "wo;': "passed",
        "three": "skipped",
        "plain": "passed",
        "missing": "not_run",
        "test_two": "passed",
        "test_three": "skipped",
    }
    for number in range(3):
        assert result.output(f"one{number}") in (
            f"gpus={C} given=id:0,slots:1\n",
            "gpus=1 given=id:0,slots:1\n",
        )
    both = result.output('t "wo;')
    assert both in (
        f"gpus={mask} given=id:0,slots:1 id:1,slots:1\n",
        f"gpus=1,{C} given=id:0,slots:1 id:1,slots:1\n",
    )
    assert result.output("plain") == f"gpus={mask} given=\n"
    assert "needs 3 GPUs, and may use 2" in result.test("tests/test_a.py::test_three")["reason"]
    uses = [line.split() for line in spans.read_text().splitlines()]
    assert len(uses) == 7
    assert {use[0] for use in uses} == {C, "1"}
    for gpu in (C, "1"):
        times = sorted((float(begin), float(end)) for name, begin, end in uses if name == gpu)
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times))


@pytest.mark.parametrize("mask", ["", "-1"])
def test_no_gpu_is_allowed(project, tmp_path, mask):
    project.add_ctest(
        "one",
        f"{SHOW}; echo 'SKIP: no GPU'; exit 77",
        SKIP_RETURN_CODE="77",
        RESOURCE_GROUPS="gpus:1",
    )
    project.add_python(
        "test_a.py",
        "import os, pytest\n@pytest.mark.gpu(2)\n"
        "def test_a(): pytest.skip('mask ' + repr(os.environ['CUDA_VISIBLE_DEVICES']))\n",
    )
    path = with_nvidia_smi(tmp_path / "bin", THREE)
    result = project.run(PATH=path, CUDA_VISIBLE_DEVICES=mask)
    assert result.test("one")["reason"] == "no GPU"
    assert result.output("one").startswith(f"gpus={mask} given=\n")
    assert result.test("tests/test_a.py::test_a")["reason"] == f"mask {mask!r}"


def test_a_specification_of_the_build_stays(project, tmp_path):
    own = tmp_path / "own.json"
    own.write_text(
        '{"version": {"major": 1, "minor": 0}, "local": [{"gpus": [{"id": "mine", "slots": 1}]}]}'
    )
    (project.build / "DartConfiguration.tcl").write_text(f"ResourceSpecFile: {own}\n")
    project.add_ctest("one", SHOW, RESOURCE_GROUPS="gpus:1")
    path = with_nvidia_smi(tmp_path / "bin", THREE)
    result = project.run(PATH=path, CUDA_VISIBLE_DEVICES="2")
    assert result.output("one") == "gpus=2 given=id:mine,slots:1\n"


def test_a_driver_that_hangs_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr("ftorch_tools.testing.gpus._ANSWER_SECONDS", 0.5)
    path = with_nvidia_smi(tmp_path / "bin", "")
    asked = tmp_path / "asked"
    text = f"#!/bin/sh\necho >> {asked}\nsleep 60\n"
    (tmp_path / "bin/nvidia-smi").write_text(text)
    monkeypatch.setenv("PATH", path)
    begin = time.monotonic()
    assert device_names() is None
    assert usable_gpus(root=tmp_path).masks == ()
    (told,) = nvidia_smi_warnings()
    assert "nvidia-smi did not answer within 0.5 s" in told
    assert asked.read_text() == "\n"
    assert time.monotonic() - begin < 20


def test_a_machine_without_driver_is_not_silent(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert (device_names(), nvidia_smi_warnings()) == ([], [])
