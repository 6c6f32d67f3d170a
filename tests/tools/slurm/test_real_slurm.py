# SPDX-License-Identifier: MIT
"""Runs on a real Slurm of two nodes.

pytest spreads these tests over its workers; each worker starts a Slurm of its own, in a second.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time

import psutil
import pytest


@pytest.fixture
def on_slurm(project, cluster):
    """A function that runs the project's tests on both nodes."""
    cluster.wait_until_idle()

    def run(*arguments, **changes):
        changes = {**cluster.environment, **changes}
        return project.run("--on", "slurm", "--nodes", "2", *arguments, **changes)

    return run


@pytest.fixture
def start(project, cluster, terminal_environment):
    """A function that starts a run on both nodes and returns its process."""
    cluster.wait_until_idle()
    started = []

    def run(*arguments):
        process = subprocess.Popen(
            [*project.command, "run", "--on", "slurm", "--nodes", "2", *arguments],
            cwd=project.root,
            env=terminal_environment(**cluster.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    for job in cluster.jobs():
        cluster.call("scancel", job)


def run_directory(project):
    """The only run directory of the project."""
    (directory,) = (project.build / "ftorch-test").glob("[0-9]*")
    return directory


def read_record(project):
    return json.loads((run_directory(project) / "run.json").read_text())


def outcomes(record):
    return {test["id"]: test["outcome"] for test in record["tests"]}


def hosts(record):
    return {test["id"]: test["attempts"][-1]["host"] for test in record["tests"]}


def events(project):
    """All lines that the workers wrote."""
    files = (project.build / "ftorch-test").glob("[0-9]*/events-*.jsonl")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def started(project):
    return {event["id"] for event in events(project) if event["event"] == "started"}


def command_of(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def add_pair(project, script):
    """Add two tests, of which each node gets one."""
    project.add_ctest("one", script)
    project.add_ctest("two", script)


def test_every_outcome_on_two_nodes(project, cluster, on_slurm):
    for number in range(4):
        project.add_ctest(f"ok{number}", 'echo "$SLURMD_NODENAME $CUDA_VISIBLE_DEVICES"')
    project.add_ctest("bad", "echo oops; exit 3")
    project.add_ctest("skip", "echo SKIP: no gpu; exit 77", SKIP_RETURN_CODE="77")
    project.add_ctest("hang", "sleep 600", TIMEOUT="1")
    project.add_ctest("crash", "kill -SEGV $$")
    project.add_line("add_test(missing /nonexistent)")
    project.add_ctest("setup", "exit 0", FIXTURES_SETUP="F")
    project.add_ctest("user1", "exit 0", FIXTURES_REQUIRED="F")
    project.add_ctest("user2", "exit 0", FIXTURES_REQUIRED="F")
    project.add_python("test_a.py", "def test_ok(): pass\ndef test_bad(): assert 0\n")
    project.add_python(
        "test_b.py", "import pytest\npytest.skip('not here', allow_module_level=True)\n"
    )
    # What the user's environment says of jobs in general is weaker than the options.
    usual = {"SBATCH_PARTITION": "short", "SBATCH_TIMELIMIT": "1", "SBATCH_EXPORT": "NONE"}
    usual |= {"SQUEUE_PARTITION": "short", "MINE": "travels"}
    script = "scontrol show job $SLURM_JOB_ID | grep TimeLimit=00:05:00 &&"
    project.add_ctest("asked", f'{script} test "$SLURM_JOB_PARTITION $MINE" = "debug travels"')
    asked = ["--time", "5m", "--partition", "debug", "--submit-arg=--gres=gpu:1"]
    result = on_slurm(*asked, **usual)
    assert result.code == 1, result.out
    expected = {f"ok{number}": "passed" for number in range(4)}
    expected |= {"bad": "failed", "skip": "skipped", "hang": "timeout", "crash": "crashed"}
    expected |= {"missing": "not_run", "setup": "passed", "user1": "passed", "user2": "passed"}
    expected |= {"tests/test_a.py::test_ok": "passed", "tests/test_a.py::test_bad": "failed"}
    expected |= {"tests/test_b.py": "skipped", "asked": "passed"}
    assert result.outcomes == expected
    assert len(result.record["tests"]) == len(expected)
    assert result.last_line == "9 passed, 5 failed, 2 skipped"
    where = hosts(result.record)
    assert set(where.values()) == {"n1", "n2"}
    assert where["setup"] == where["user1"] == where["user2"]
    for number in range(4):
        # What the test itself saw: its node, and the GPU that Slurm gave to the step.
        assert result.output(f"ok{number}") == f"{where[f'ok{number}']} 0\n"
    assert result.test("crash")["signal"] == "SIGSEGV"
    assert result.test("bad")["exit_code"] == 3
    options = "--on=slurm --nodes=2 --time=300s --partition=debug --submit-arg=--gres=gpu:1"
    assert options in result.out
    assert (result.directory / "junit.xml").read_text().count("<testcase") == len(expected)
    assert (result.directory.parent / "latest").resolve() == result.directory


@pytest.mark.slow
def test_recorded_durations_balance_the_nodes(project, cluster, on_slurm):
    project.add_ctest("long", "sleep 1.5")
    for number in range(6):
        project.add_ctest(f"short{number}", "sleep 0.2")
    on_slurm()
    where = hosts(on_slurm().record)
    assert [name for name, host in where.items() if host == where["long"]] == ["long"]


def test_detached(project, cluster, on_slurm):
    add_pair(project, "sleep 1")
    result = on_slurm("--detach")
    assert result.code == 0
    assert "report:" not in result.out
    record = read_record(project)
    assert record["status"] == "running"
    assert record["id"] in result.out
    cluster.wait_until_idle()
    record = read_record(project)
    assert (record["status"], record["exit_code"]) == ("complete", 0)
    assert outcomes(record) == {"one": "passed", "two": "passed"}
    assert (run_directory(project) / "junit.xml").exists()


@pytest.mark.slow
def test_detached_and_killed(project, cluster, on_slurm, terminal_environment, wait_until):
    project.add_ctest("quick", "exit 0")
    project.add_ctest("endless", "sleep 437")
    on_slurm("--detach")

    def status():
        answer = subprocess.run(
            [*project.command, "status", "--json"],
            cwd=project.root,
            env=terminal_environment(**cluster.environment),
            capture_output=True,
            text=True,
            check=True,
        )
        (run,) = json.loads(answer.stdout)["runs"]
        return run

    wait_until(lambda: started(project) == {"quick", "endless"}, "the tests")
    wait_until(lambda: any(e.get("outcome") for e in events(project)), "the end of a test")
    assert (status()["state"], status()["done"]) == ("running", 1)
    # What would make the record; Slurm ends the rest.
    steps = [*project.command, "steps", str(run_directory(project))]
    (batch,) = [process for process in psutil.process_iter() if command_of(process) == steps]
    batch.kill()
    cluster.wait_until_idle()
    assert read_record(project)["status"] == "running"
    assert (status()["state"], status()["exit_code"]) == ("broken", 3)
    record = read_record(project)
    assert outcomes(record) == {"quick": "passed", "endless": "lost"}
    assert "ended before its tests: FAILED" in record["errors"][0]


def test_waits_too_long_in_the_queue(project, cluster, on_slurm):
    add_pair(project, "exit 0")
    holder = cluster.call(
        "sbatch", "--parsable", "--exclusive", "-N2", "--wrap=sleep 60", "-o/dev/null"
    ).strip()
    try:
        result = on_slurm("--max-pending", "3s")
        assert result.code == 3
        # Which of the two it is depends on when the scheduler looked last.
        assert re.search(r"\((Resources|Priority)\), longer than 3 s: cancelled", result.out)
        assert result.outcomes == {"one": "not_run", "two": "not_run"}
        assert result.record["status"] == "broken"
        assert cluster.jobs() == [holder]
    finally:
        cluster.call("scancel", holder)


@pytest.mark.slow
def test_cancelled_by_somebody_else(project, cluster, start, sleepers, wait_until):
    project.add_ctest("quick", "exit 0")
    project.add_ctest("endless", "sleep 431")
    project.add_ctest("after", "exit 0", DEPENDS="endless")
    process = start()
    wait_until(lambda: started(project) == {"quick", "endless"}, "the tests")
    cluster.call("scancel", *cluster.jobs())
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "ended before its tests: CANCELLED" in out
    record = read_record(project)
    assert outcomes(record) == {"quick": "passed", "endless": "lost", "after": "lost"}
    assert sleepers(project, 431) == []


def test_node_fails(project, cluster, start, wait_until):
    for name in ("one", "two"):
        project.add_ctest(f"{name}.quick", "exit 0")
        script = 'test "$SLURMD_NODENAME" = n2 && exec sleep 432; sleep 1'
        project.add_ctest(f"{name}.long", script, DEPENDS=f"{name}.quick")
    process = start("--lost-after", "5s")
    wait_until(lambda: len(started(project)) == 4, "the tests")
    try:
        cluster.kill_node("n2")
        out, _ = process.communicate(timeout=60)
    finally:
        cluster.start_node("n2")
    assert process.returncode == 3, out
    assert "(n2): no sign of life for 5 s" in out
    record = read_record(project)
    assert record["status"] == "broken"
    (lost,) = [name for name, host in hosts(record).items() if host == "n2" and "long" in name]
    expected = dict.fromkeys(["one.quick", "one.long", "two.quick", "two.long"], "passed")
    assert outcomes(record) == {**expected, lost: "lost"}


@pytest.mark.slow
def test_worker_dies(project, cluster, on_slurm):
    # The parent of ctest, which is the parent of the test, is the worker.
    project.add_ctest("quick", "exit 0")
    project.add_ctest(
        "murder", "kill -9 $(ps -o ppid= -p $PPID); sleep 436", DEPENDS="quick", TIMEOUT="5"
    )
    result = on_slurm()
    assert result.code == 3
    assert "its step ended with status 137" in result.out
    assert result.outcomes == {"quick": "passed", "murder": "lost"}


@pytest.mark.slow
def test_requeued(project, cluster, start, tmp_path, wait_until):
    ran = tmp_path / "ran"
    project.add_ctest("first", f"echo first >> {ran}")
    project.add_ctest(
        "second", f"echo second >> {ran}; test -e {ran}.go || sleep 433", DEPENDS="first"
    )
    process = start()
    wait_until(lambda: started(project) == {"first", "second"}, "the tests")
    (job,) = cluster.jobs()
    ran.with_suffix(".go").touch()
    cluster.call("scontrol", "requeue", job)
    wait_until(lambda: "PENDING" in cluster.call("squeue", "-h", "-o", "%T"), "the requeue")
    # Slurm would wait two minutes; in the second of its end a job is refused by its nodes.
    cluster.call("scontrol", "update", f"jobid={job}", "starttime=now+2")
    out, _ = process.communicate(timeout=90)
    assert process.returncode == 0, out
    record = read_record(project)
    assert outcomes(record) == {"first": "passed", "second": "passed"}
    assert ran.read_text().split() == ["first", "second", "second"]
    (second,) = [test for test in record["tests"] if test["id"] == "second"]
    assert [attempt["outcome"] for attempt in second["attempts"]] == ["lost", "passed"]


def test_inside_an_allocation(project, cluster, terminal_environment):
    cluster.wait_until_idle()
    project.add_ctest("one", "exit 0")
    project.add_ctest("two", "exit 1")
    command = ["salloc", "--quiet", "--exclusive", "-N2", *project.command, "run", "--on", "slurm"]
    answer = subprocess.run(
        command,
        cwd=project.root,
        env=terminal_environment(**cluster.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.stdout.splitlines()[-1] == "1 passed, 1 failed, 0 skipped", answer.stderr
    assert answer.returncode == 1
    record = read_record(project)
    assert set(hosts(record).values()) == {"n1", "n2"}
    assert not (run_directory(project) / "job.sh").exists()


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_interrupt(project, cluster, start, sleepers, wait_until, times):
    project.add_ctest("quick", "exit 0")
    project.add_ctest("endless", "sleep 434 & wait")
    process = start()
    wait_until(lambda: started(project) == {"quick", "endless"}, "the tests")
    wait_until(lambda: any(e.get("outcome") for e in events(project)), "the end of a test")
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    record = read_record(project)
    assert (record["status"], record["exit_code"]) == ("interrupted", 130)
    assert outcomes(record)["quick"] == "passed"
    assert outcomes(record)["endless"] in ("lost", "not_run")
    cluster.wait_until_idle()
    assert sleepers(project, 434) == []


def test_the_batch_script_is_one(project, cluster, on_slurm, tmp_path):
    add_pair(project, "exit 0")
    result = on_slurm("--dry-run", "--time", "1h30m", "--submit-arg=--comment=two words|%j")
    assert result.code == 0
    assert list((project.build / "ftorch-test").iterdir()) == []
    script = tmp_path / "job.sh"
    script.write_text(result.out)
    answer = subprocess.run(
        ["sbatch", "--hold", "--parsable", str(script)],
        env={**os.environ, **cluster.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    job = cluster.call("scontrol", "show", "job", answer.stdout.strip())
    cluster.call("scancel", answer.stdout.strip())
    assert "TimeLimit=01:30:00" in job
    assert "NumNodes=2" in job
    assert "Comment=two words|%j" in job


@pytest.mark.slow
def test_time_limit(project, cluster, on_slurm):
    project.add_ctest("quick", "exit 0")
    project.add_ctest("endless", "sleep 435")
    result = on_slurm("--time", "1m")
    assert result.code == 3
    assert "ended before its tests: TIMEOUT" in result.out
    assert result.outcomes == {"quick": "passed", "endless": "lost"}


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun on this machine")
@pytest.mark.slow
def test_mpi_launchers_see_the_node_of_the_step(project, cluster, on_slurm):
    launch = "mpirun --allow-run-as-root -n 2"
    script = "echo $SLURMD_NODENAME $OMPI_COMM_WORLD_RANK"
    for name in ("one", "two"):
        project.add_ctest(f"mpirun.{name}", f"{launch} sh -c '{script}'", TIMEOUT="30")
        project.add_ctest(
            f"srun.{name}",
            "srun -n 2 printenv SLURMD_NODENAME 2>/dev/null",
            DEPENDS=f"mpirun.{name}",
        )
    result = on_slurm()
    assert result.code == 0, result.out
    where = hosts(result.record)
    assert set(where.values()) == {"n1", "n2"}
    for name, host in where.items():
        ranks = [f"{host} 0", f"{host} 1"] if "mpirun" in name else [host, host]
        assert sorted(result.output(name).splitlines()) == ranks
