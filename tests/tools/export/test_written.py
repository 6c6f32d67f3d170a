# SPDX-License-Identifier: MIT
"""`ftorch-export`: files from networks, weights and samples of every kind, read by PyTorch."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

BATCH = ("--input", "batch=dynamic,8:float32")


def network(name="Net", *arguments, **named):
    return getattr(importlib.import_module("networks"), name)(*arguments, **named)


@pytest.fixture(autouse=True)
def importable(folder, monkeypatch):
    monkeypatch.syspath_prepend(folder)


def program(name):
    return torch.export.load(name)


def test_class_of_a_file(export, by_library, folder):
    metadata = {"units": "K", "mean": "1=2", "comment": "wärmer"}
    words = [word for key, value in metadata.items() for word in ("--metadata", f"{key}={value}")]
    answer = export(
        "networks.py:Net", "--arg", "8", "--arg", "width=20", *BATCH, *words, *by_library
    )
    assert answer.exit_code == 0, answer.output
    first, second, third, fourth, last = answer.output.splitlines()
    assert first == "Python, samples: equal"
    assert second.startswith("Python, batch ")
    assert third == "FTorch, samples: equal"
    assert fourth == second.replace("Python", "FTorch")
    assert last == "net.pt2: written"
    extra = {"ftorch_metadata.json": ""}
    found = torch.export.load("net.pt2", extra_files=extra)
    assert json.loads(extra["ftorch_metadata.json"]) == metadata
    assert found.module()(torch.ones(7, 8)).shape == (7, 2)
    assert found.state_dict["first.weight"].shape == (20, 8)
    assert [path.name for path in folder.glob("*.pt2")] == ["net.pt2"]
    assert not list(folder.glob(".*"))


def test_class_of_a_module_and_procedure_that_makes_one(export):
    for source in ("networks:Net", "networks:make"):
        words = ("--arg", "width=5") if source.endswith("make") else ()
        answer = export(source, *words, *BATCH, "-o", "named.pt2", "--no-library")
        assert answer.exit_code == 0, answer.output
        assert program("named.pt2").state_dict["first.bias"].shape == (5 if words else 16,)


@pytest.mark.parametrize("form", ["plain", "wrapped", "safetensors", "network"])
def test_weights(form, export):
    wanted = network()
    if form == "safetensors":
        save_file(wanted.state_dict(), "weights.safetensors")
    else:
        state = wanted.state_dict()
        kept = {"plain": state, "wrapped": {"epoch": 3, "state_dict": state}, "network": wanted}
        torch.save(kept[form], "weights.pt")
    file = "weights.safetensors" if form == "safetensors" else "weights.pt"
    answer = export("networks.py:Net", "--weights", file, *BATCH, "--no-library")
    assert answer.exit_code == 0, answer.output
    x = torch.randn(4, 8)
    assert torch.equal(program("net.pt2").module()(x), wanted(x))


def test_pickled_network(export, folder):
    wanted = network("Net", 8, activation="relu")
    torch.save(wanted, "trained.pt")
    answer = export("trained.pt", *BATCH, "--no-library")
    assert answer.exit_code == 0, answer.output
    x = torch.randn(4, 8)
    assert torch.equal(program("trained.pt2").module()(x), wanted(x))


@pytest.mark.parametrize("kind", ["npz by order", "npz by name", "pt tuple", "pt by name"])
def test_samples(kind, export):
    words, scale = torch.tensor([[1, 2], [3, 4]]), torch.full((2, 2, 3), 0.5)
    if kind == "npz by order":
        np.savez("samples.npz", words.numpy(), scale.numpy())
    elif kind == "npz by name":
        np.savez("samples.npz", scale=scale.numpy(), words=words.numpy())
    else:
        by_name = {"scale": scale, "words": words}
        torch.save((words, scale) if kind == "pt tuple" else by_name, "samples.pt")
    sizes = ("--input", "batch=dynamic,2:int64", "--input", "batch,2,3")
    file = "samples.npz" if kind.startswith("npz") else "samples.pt"
    answer = export("networks.py:Words", "--samples", file, *sizes, "--no-library")
    assert answer.exit_code == 0, answer.output
    assert len(answer.output.splitlines()) == 3
    results = program("words.pt2").module()(words.repeat(3, 1), scale.repeat(3, 1, 1))
    assert results[1].tolist() == [[2, 3], [4, 5]] * 3


def test_samples_alone_fix_all_sizes(export):
    np.savez("samples.npz", np.zeros((3, 8), "f4"))
    answer = export("networks.py:Net", "--samples", "samples.npz", "--no-library")
    assert answer.output.splitlines() == ["Python, samples: equal", "net.pt2: written"]
    with pytest.raises(Exception, match="Guard failed"):
        program("net.pt2").module()(torch.zeros(4, 8))


def test_dict_and_number(export):
    fields = '{"now": "batch=2..6,3:float32", "mask": "batch,1"}'
    answer = export("networks.py:Step", "--input", fields, "--input", "float:0.5", "--no-library")
    assert answer.exit_code == 0, answer.output
    now, mask = torch.randn(6, 3), torch.ones(6, 1)
    module = program("step.pt2").module()
    assert module({"now": now, "mask": mask}, 0.5)["next"].shape == (6, 3)
    with pytest.raises(Exception, match="Guard failed"):
        module({"now": torch.randn(7, 3), "mask": torch.ones(7, 1)}, 0.5)


def test_dtype_and_mode(export):
    answer = export(
        *("networks.py:Net", "--dtype", "float64", "--train", "--input", "batch=dynamic,8"),
        "--no-library",
    )
    assert answer.exit_code == 0, answer.output
    assert (
        program("net.pt2").module()(torch.ones(2, 8, dtype=torch.float64)).dtype == torch.float64
    )


def test_noise(export, by_library):
    answer = export("networks.py:Noisy", "--train", "--input", "n=dynamic,3", *by_library)
    assert answer.exit_code == 0, answer.output
    assert answer.output.count("equal") == 2
    assert answer.output.count("runs; its random numbers are others") == 2


@pytest.mark.parametrize("is_traced", [False, True])
def test_torchscript(is_traced, export, by_library):
    words = ["--trace"] if is_traced else []
    answer = export(
        *("networks.py:Net", "--format", "torchscript", "--metadata", "units=hPa", *words),
        *(*BATCH, *by_library),
    )
    assert answer.exit_code == 0, answer.output
    assert answer.output.count("equal") == 4
    extra = {"ftorch_metadata.json": ""}
    script = torch.jit.load("net.pt", _extra_files=extra)
    assert json.loads(extra["ftorch_metadata.json"]) == {"units": "hPa"}
    assert isinstance(script, torch.jit.RecursiveScriptModule)


def test_arguments_of_pt2ts(export, monkeypatch, folder):
    wanted = network()
    torch.save(wanted.state_dict(), "weights.pt")
    torch.save(torch.randn(3, 8), "sample.pt")
    words = [
        *("torchscript", "Net", "--model_definition_file", "networks.py"),
        *("--input_model_file", "weights.pt", "--device_type", "cpu"),
    ]
    answer = export(*words, "--output_model_file", "saved.pt")
    assert answer.exit_code == 0, answer.output
    x = torch.randn(2, 8)
    assert torch.equal(torch.jit.load("saved.pt")(x), wanted(x))
    answer = export(*words, "--trace", "--input_tensor_file", "sample.pt")
    assert answer.exit_code == 0, answer.output
    assert torch.equal(torch.jit.load("weights_torchscript.pt")(x), wanted(x))


def test_pickled_network_by_pt2ts(export):
    torch.save(network(), "whole.pt")
    words = ("torchscript", "Net", "--input_model_file", "whole.pt", "--output_model_file", "s.pt")
    assert export(*words).exit_code == 0
    assert torch.jit.load("s.pt")(torch.ones(1, 8)).shape == (1, 2)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_weights_that_are_computed(export) -> None:
    answer = export("networks.py:Normed", "--input", "n=dynamic,8", "--no-library")
    assert answer.exit_code == 0, answer.output


def test_dict_in_another_order_than_the_samples(export, by_library) -> None:
    torch.save(({"mask": torch.ones(4, 1), "now": torch.randn(4, 3)}, 0.5), "step.pt")
    sizes = '{"now": "n=dynamic,3", "mask": "n,1"}'
    words = ("--samples", "step.pt", "--input", sizes, "--input", "float:0.5")
    answer = export("networks.py:Step", *words, *by_library)
    assert answer.exit_code == 0, answer.output
