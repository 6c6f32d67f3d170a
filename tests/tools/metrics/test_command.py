# SPDX-License-Identifier: MIT
"""`ftorch-metrics` as a user meets it: table, JSON, CSV, errors, help, completion."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import ftorch_tools.metrics as package

REFERENCE = Path(__file__).resolve().parents[3] / "docs/reference/ftorch-metrics.md"
SCHEMA = Path(package.__file__).parent / "schema/summary-1.json"


@pytest.fixture
def two(tmp_path):
    """The files of two runs, of which one was resumed and cut."""
    for name, factor in (("a", 1.0), ("b", 2.0)):
        rows = [f"{n},{100 + n / 2},{factor * 10.0 ** -(n / 8)},{n}E-3\n" for n in range(32)]
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.csv").write_text("".join(["step,time,loss,rate\n", *rows]))
    with (tmp_path / "b/m.csv").open("a") as file:
        file.write("30,115,0.00035566,1E-3\n31,115.5,NaN,1E-3\n32,11")
    return tmp_path


def test_table(two, metrics):
    answer = metrics("a/m.csv")
    assert (answer.returncode, answer.stderr) == (0, "")
    about, head, loss, rate = [line.rstrip() for line in answer.stdout.splitlines()]
    assert about == "a/m.csv: 32 records, steps 0 to 31 in 15.50 s, 0.50 s a step"
    assert re.split(r"  +", head) == [
        *("metric", "first", "last", "minimum", "at step", "per step", "curve")
    ]
    curve = "".join(block * 4 for block in "█▇▆▅▄▃▂▁")
    assert re.split(r"  +", loss)[:6] == ["loss", "1", "0.00013335", "0.00013335", "31", "-0.0323"]
    assert loss.endswith(" log")
    assert len(loss.split()[-2]) == len(curve)
    assert re.split(r"  +", rate)[:6] == ["rate", "0", "0.031", "0", "0", "+0.001"]
    assert rate[-1] == "█"


def test_table_of_several_files(two, metrics):
    answer = metrics("a/m.csv", "b/m.csv", "b/m.csv", "--metric", "loss", "-n", "4")
    assert answer.returncode == 0
    assert answer.stderr == "ftorch-metrics: note: b/m.csv: line 36 is unfinished, and left out\n"
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("a/m.csv: 4 records, steps 28 to 31 in 1.50 s")
    assert lines[1].startswith("b/m.csv: 4 records, steps 28 to 31")
    assert lines[1].rstrip().endswith("; 2 superseded by a resumed run")
    a, b = (line.split() for line in lines[3:])
    assert a[:3] == ["loss", "a", "0.00031623"]
    assert (b[:4], b[-1][-1]) == (["loss", "b", "0.00063246", "NaN"], "×")


def test_json(two, metrics):
    (two / "bad.csv").write_text("step,loss\n1,x\n2,-Infinity\n")
    answer = metrics("a/m.csv", "b/m.csv", "bad.csv", "none.csv", "--format", "json")
    assert answer.returncode == 1
    said = json.loads(answer.stdout, parse_constant=pytest.fail)
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(said)
    a, b, bad, none = said["files"]
    assert a["metrics"][1] == {
        "name": "loss",
        "count": 32,
        "not_finite": 0,
        "first": {"step": 0, "value": 1.0},
        "last": {"step": 31, "value": 10.0 ** -(31 / 8)},
        "minimum": {"step": 31, "value": 10.0 ** -(31 / 8)},
        "per_step": pytest.approx((10.0 ** -(31 / 8) - 1.0) / 31),
    }
    assert (b["superseded"], b["notes"]) == (2, ["line 36 is unfinished, and left out"])
    assert b["metrics"][1]["last"] == {"step": 31, "value": None}
    assert bad["errors"] == ['line 2 is left out: loss: got "x"; expected a number']
    assert bad["left_out"] == 1
    assert bad["metrics"][0]["minimum"] is None
    assert none["errors"] == ["none.csv: cannot be read: No such file or directory"]
    assert none["metrics"] == []


def test_csv(two, metrics):
    answer = metrics("a/m.csv", "b/m.csv", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.stdout)))
    assert [(row["file"], row["metric"]) for row in rows] == [
        (f"{run}/m.csv", name) for run in "ab" for name in ("time", "loss", "rate")
    ]
    assert float(rows[1]["last"]) == 10.0 ** -(31 / 8)
    assert (rows[4]["last"], rows[4]["not_finite"]) == ("nan", "1")


def test_files_that_fail_leave_the_others(two, metrics):
    (two / "other.csv").write_text("step,loss\n1,2\nstep,v\n")
    (two / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    answer = metrics("none.csv", "a", "picture.png", "other.csv", "a/m.csv")
    assert answer.returncode == 1
    assert answer.stderr.splitlines() == [
        "ftorch-metrics: none.csv: cannot be read: No such file or directory",
        "ftorch-metrics: a: cannot be read: Is a directory",
        'ftorch-metrics: picture.png: no metrics file: line 1: got "\ufffdPNG\ufffd"; '
        "expected column names, step first",
        "ftorch-metrics: other.csv: line 3: the columns change: got step,v; expected step,loss",
    ]
    assert "a/m.csv: 32 records" in answer.stdout
    assert "other.csv: 1 record, steps 1 to 1" in answer.stdout
    assert metrics("none.csv").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument"),
        (["--last", "0", "a/m.csv"], "--last"),
        (["--format", "xml", "a/m.csv"], "--format"),
        (["--metric", "los", "a/m.csv"], 'no file has "los"; there are time, loss, rate'),
        (["--follow", "--plot", "x.png", "a/m.csv"], "--follow goes with neither"),
        (["--follow", "--format", "json", "a/m.csv"], "--follow goes with neither"),
        (["--plot", "x.gif", "a/m.csv"], "got x.gif; expected a name that ends in .png"),
    ],
)
def test_wrong_usage(two, metrics, arguments, message):
    answer = metrics(*arguments)
    assert answer.returncode == 2
    assert message in answer.stderr + answer.stdout


def test_a_file_without_records(tmp_path, metrics):
    (tmp_path / "m.csv").write_text("step,loss\n")
    answer = metrics("m.csv")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("m.csv: 0 records")
    assert answer.stdout.splitlines()[2].split() == ["loss", "-", "-", "-", "-", "-"]


def test_help_and_version(metrics):
    shown = metrics("--help").stdout
    assert "ftorch-metrics --follow" in shown.partition("Example:")[2]
    for option in ("--follow", "--plot", "--metric", "--last", "--format", "--tensorboard"):
        assert option in shown
    assert re.fullmatch(r"ftorch-metrics \d+\.\d+\S*\n", metrics("--version").stdout)
    assert metrics("--version", "x").stdout == metrics("--version").stdout


def test_the_reference_has_all_options(metrics):
    options = set(re.findall(r"--[a-z-]+", metrics("--help", COLUMNS="200").stdout))
    assert len(options) > 8
    assert options - {"--show-completion"} <= set(re.findall(r"--[a-z-]+", REFERENCE.read_text()))


def test_the_file_in_the_reference_is_read(read):
    (example,) = re.findall(r"```text\n(# run.*?)```", REFERENCE.read_text(), re.DOTALL)
    reader = read(example)
    assert list(reader.steps) == [1, 2, 3]
    assert list(reader.find("validation_loss").values) == [0.7918334]
    assert reader.problems == []


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--metric", "l"], ["loss"]),
        (["--metric", ""], ["time", "loss", "rate"]),
        (["--fol"], ["--follow"]),
    ],
)
def test_completion(two, words, offered):
    typed = ["ftorch-metrics", "a/m.csv", *words]
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "from ftorch_tools.metrics.cli import app; app(prog_name='ftorch-metrics')",
        ],
        env={
            **os.environ,
            "_FTORCH_METRICS_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(typed),
            "COMP_CWORD": str(len(typed) - 1),
        },
        cwd=two,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stderr == ""
    assert answer.stdout.split() == offered


def test_terminal(two, command, shown_on_terminal):
    words = [*command, "b/m.csv"]
    shown = shown_on_terminal(words, two, COLUMNS="80", LC_ALL="C.UTF-8")
    assert "\x1b[1mloss" in shown
    assert "\x1b[1;31m" in shown  # NaN
    assert "█" in shown
    plain = shown_on_terminal(words, two, NO_COLOR="1", COLUMNS="80", LC_ALL="C.UTF-8")
    assert "\x1b[3" not in plain
    assert "\x1b[1;3" not in plain


@pytest.mark.parametrize("width", [36, 45, 60, 80, 200])
def test_the_table_fits_the_terminal(two, command, shown_on_terminal, width):
    shown = shown_on_terminal(
        [*command, "a/m.csv"], two, COLUMNS=str(width), NO_COLOR="1", LC_ALL="C.UTF-8"
    )
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "").splitlines()
    assert max(map(len, lines)) <= width
    (loss,) = [line.split() for line in lines if line.startswith("loss")]
    assert loss[-1] == "log"
    assert len(loss[-2]) >= 10
    assert "0.00013335" in loss


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [(["--ascii"], {"LC_ALL": "C.UTF-8"}), ([], {"PYTHONIOENCODING": "ascii"})],
)
def test_ascii(two, metrics, command, shown_on_terminal, arguments, changes):
    shown = shown_on_terminal([*command, *arguments, "b/m.csv"], two, **changes)
    assert shown.isascii()
    assert "!" in shown
    assert "\\u" not in shown


def test_names_do_not_act_on_the_terminal(tmp_path, metrics):
    name = "m\x1b[31m[red].csv"
    (tmp_path / name).write_text("step,l\x1b[31m[bold]x\x07\n1,2\n")
    answer = metrics(name, name)
    assert "\x1b" not in answer.stdout
    assert "l[bold]x\ufffd" in answer.stdout
    assert "m[red].csv: 1 record" in answer.stdout


def test_output_that_cannot_be_written(two, command):
    with open("/dev/full", "w") as full:
        words = [*command, "a/m.csv"]
        answer = subprocess.run(words, cwd=two, stdout=full, stderr=subprocess.PIPE, check=False)
    assert answer.returncode == 3
    assert b"ftorch-metrics: cannot write the output" in answer.stderr


@pytest.mark.parametrize("arguments", [[], ["--format", "json"]])
def test_without_standard_output(two, command, arguments):
    line = f"exec {shlex.join([*command, 'a/m.csv', *arguments])} >&-"
    answer = subprocess.run(["sh", "-c", line], cwd=two, stderr=subprocess.PIPE, check=False)
    assert (answer.returncode, answer.stderr) == (0, b"")


def test_following_without_standard_output(two, command):
    line = f"exec {shlex.join([*command, '--follow', 'a/m.csv', 'none.csv'])} >&-"
    with subprocess.Popen(["sh", "-c", line], cwd=two, stderr=subprocess.PIPE) as process:
        assert process.stderr.readline() == b"ftorch-metrics: waiting for none.csv\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_pipe_is_read(two, command):
    answer = subprocess.run(
        [*command, "/dev/stdin"],
        input=(two / "a/m.csv").read_bytes(),
        capture_output=True,
        check=False,
    )
    assert b"/dev/stdin: 32 records" in answer.stdout


# Runs the command; then the processor seconds and megabytes that it took, and its modules.
MEASURED = """
import json, re, resource, sys
from ftorch_tools.metrics.cli import main
try:
    main()
finally:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    memory = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]
    values = [usage.ru_utime + usage.ru_stime, int(memory) / 1024, list(sys.modules)]
    print(json.dumps(values), file=sys.stderr)
"""


def measure(folder, *arguments):
    """Return what the command printed and what it took."""
    words = [sys.executable, "-c", MEASURED, *arguments]
    answer = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return answer.stdout, *json.loads(answer.stderr)


def test_it_starts_quickly(two):
    _, seconds, _, modules = min((measure(two, "a/m.csv") for _ in range(3)), key=lambda m: m[1])
    assert seconds < 0.6  # about 0.15 on an idle machine
    slow = {"matplotlib", "numpy", "tensorboard", "torch", "pytest", "rich.live", "jsonschema"}
    others = {"ftorch_tools.testing", "ftorch_tools.metrics.follow", "ftorch_tools.metrics.plot"}
    assert not set(modules) & (slow | others)


@pytest.mark.slow
def test_a_million_records(tmp_path):
    with (tmp_path / "m.csv").open("w") as file:
        file.write("step,time,loss,validation_loss\n")
        file.writelines(
            f"{n},{0.5 * n:.1f},{1.0 / (n + 1):.8E},{n if n % 100 == 0 else ''}\n"
            for n in range(10**6)
        )
    out, seconds, megabytes, _ = measure(tmp_path, "m.csv", "--format", "json")
    (run,) = json.loads(out)["files"]
    assert run["records"] == 10**6
    assert run["metrics"][2]["count"] == 10**4
    # About 1.2 s, and 100 MB.
    assert seconds < 8
    assert megabytes < 250
