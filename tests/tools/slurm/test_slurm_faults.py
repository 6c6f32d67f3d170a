# SPDX-License-Identifier: MIT
"""What a Slurm says that refuses, forgets or does not answer: played by fake commands."""

from __future__ import annotations

import re
import signal
import subprocess
import time

import pytest
from typer.testing import CliRunner

from ftorch_tools.testing.cli import app
from ftorch_tools.testing.display import Display
from ftorch_tools.testing.schedulers import scheduler, slurm
from ftorch_tools.testing.schedulers.plan import Plan, Shard
from ftorch_tools.testing.schedulers.scheduler import (
    JobState,
    Phase,
    RefusedError,
    Request,
    TransientSchedulerError,
)
from ftorch_tools.testing.schedulers.slurm import Slurm

# Runs the job on this machine: sbatch in the background, srun in its place.
RUN_HERE = 'for script; do :; done; setsid sh "$script" >/dev/null 2>&1 & echo 7'
SRUN_HERE = 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"'


@pytest.fixture
def run(project, fakes):
    """A function that runs a project of one test with the fake commands."""
    project.add_ctest("one", "sleep 1")

    def call(*arguments):
        return project.run("--on", "slurm", *arguments, PATH=fakes.path)

    return call


@pytest.fixture
def plan(tmp_path):
    """The plan of a run of one test."""
    made = Plan(
        directory=tmp_path / "run",
        scheduler="slurm",
        build="/build",
        project="/project",
        pytest_paths=[],
        timeout=1.0,
        jobs=None,
        lost_after=1.0,
        merged_by_steps=False,
        merged_by_worker=False,
        shards=[Shard(ctest=["one"])],
    )
    made.directory.mkdir()
    return made


@pytest.mark.parametrize(
    "said",
    [
        "sbatch: error: invalid partition specified: nowhere",
        "sbatch: error: AssocMaxSubmitJobLimit",
        "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy "
        "(job submit limit, user's size and/or time limits)",
    ],
)
def test_sbatch_refuses(plan, fakes, monkeypatch, said):
    fakes.add("sbatch", f'echo "{said}" >&2; exit 1')
    monkeypatch.setenv("PATH", fakes.path)
    with pytest.raises(RefusedError) as refusal:
        Slurm().submit(plan, Request(on="slurm"))
    assert str(refusal.value) == f"sbatch refused the job: {said}"


def test_a_job_of_another_cluster(plan, fakes, monkeypatch):
    fakes.add("sbatch", "echo '4711;other'")
    fakes.add("squeue", "echo 'CLUSTER: other'; echo 'RUNNING|None'")
    monkeypatch.setenv("PATH", fakes.path)
    job = Slurm().submit(plan, Request(on="slurm", submit_arguments=("--clusters=other",)))
    assert Slurm().state(job) == JobState(Phase.RUNNING, "RUNNING")
    fakes.add("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    fakes.add("sacct", "echo TIMEOUT")
    assert Slurm().state(job) == JobState(Phase.ENDED, "TIMEOUT")
    Slurm().cancel(job)
    # On this cluster the number may be another job of the user's.
    assert all("--clusters=other --jobs=4711 " in call for call in fakes.calls("squeue"))
    assert "--clusters=other -j 4711 " in fakes.calls("sacct")[0]
    assert fakes.calls("scancel") == ["--clusters=other 4711"]


def test_the_environment_of_the_user_filters_nothing(plan, fakes, monkeypatch):
    for name in ("squeue", "sacct", "scancel"):
        fakes.add(name, 'env > "$FAKE/$(basename "$0")"; echo "RUNNING|None"')
        monkeypatch.setenv(f"{name.upper()}_PARTITION", "short")
    monkeypatch.setenv("SLURM_CLUSTERS", "other")
    monkeypatch.setenv("PATH", fakes.path)
    monkeypatch.setenv("FAKE", str(plan.directory))
    Slurm().state("7")
    Slurm().cancel("7")
    fakes.add("squeue", "exit 0")
    Slurm().state("7")
    for name in ("squeue", "sacct", "scancel"):
        seen = (plan.directory / name).read_text()
        assert "FAKE=" in seen
        assert f"{name.upper()}_PARTITION" not in seen
        assert "SLURM_CLUSTERS" not in seen


def test_the_command_line_is_stronger_than_the_environment(plan, fakes, monkeypatch):
    fakes.add("sbatch", 'echo "${SBATCH_WAIT-} ${SBATCH_ARRAY_INX-}" > "$FAKE/seen"; echo 7')
    monkeypatch.setenv("PATH", fakes.path)
    monkeypatch.setenv("FAKE", str(plan.directory))
    monkeypatch.setenv("SBATCH_WAIT", "1")
    monkeypatch.setenv("SBATCH_ARRAY_INX", "1-9")
    request = Request(on="slurm", time=300.0, submit_arguments=("--comment=two words|%j",))
    script = Slurm().script(plan, request)
    Slurm().submit(plan, request)
    (call,) = fakes.calls("sbatch")
    # All that the script asks for, in words that its quotes do not change.
    options = [line[len("#SBATCH ") :] for line in script.splitlines() if "#SBATCH" in line]
    given = " ".join(options).replace('"', "")
    assert call == f"--parsable {given} {plan.directory}/job.sh"
    assert "--time=0:05:00 --comment=two words|%j" in call
    assert (plan.directory / "seen").read_text() == " \n"


def test_sbatch_does_not_answer(plan, fakes, monkeypatch):
    fakes.add("sbatch", "exec sleep 20")
    monkeypatch.setenv("PATH", fakes.path)
    monkeypatch.setattr(slurm, "SUBMIT_SECONDS", 0.5)
    with pytest.raises(RefusedError, match=r"within 0\.5 s; the job, if there is one, is named"):
        Slurm().submit(plan, Request(on="slurm"))
    # It may have been submitted all the same.
    assert [call.split()[0] for call in fakes.calls("scancel")] == ["--name=ftorch-test-run"]


def test_sbatch_says_nonsense(run, fakes):
    fakes.add("sbatch", "echo Welcome to the cluster")
    result = run()
    assert result.code == 3
    assert "sbatch gave no job number: Welcome to the cluster" in result.out


def test_no_slurm_here(project, tmp_path):
    project.add_ctest("one", "exit 0")
    (tmp_path / "bin").mkdir()
    for name in ("ctest", "git"):
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
    result = project.run("--on", "slurm", PATH=str(tmp_path / "bin"))
    assert result.code == 3
    assert "sbatch not found" in result.out


def test_waiting_is_of_no_use(run, fakes):
    fakes.add("sbatch", "echo 7")
    fakes.add("squeue", 'echo "PENDING|PartitionTimeLimit"')
    result = run()
    assert result.code == 3
    assert "(PartitionTimeLimit), and would for ever: cancelled" in result.out
    assert fakes.calls("scancel") == ["7"]
    assert result.outcomes == {"one": "not_run"}


def test_queue_limit(run, fakes):
    fakes.add("sbatch", "echo 7")
    fakes.add("squeue", 'echo "PENDING|QOSMaxJobsPerUserLimit"')
    result = run("--max-pending", "4s")
    assert result.code == 3
    assert "(QOSMaxJobsPerUserLimit), longer than 4 s: cancelled" in result.out
    assert fakes.calls("scancel") == ["7"]
    # At once, after 2 s more, and at the limit: the pauses grow.
    assert len(fakes.calls("squeue")) <= 3


def test_run_ends_well_although_squeue_fails(run, fakes):
    fakes.add("sbatch", RUN_HERE)
    fakes.add("srun", SRUN_HERE)
    fakes.add("squeue", "echo 'squeue: error: Unable to contact slurm controller' >&2; exit 1")
    result = run("--test", "one", "--test", "two")
    assert result.code == 1, result.out
    assert result.outcomes == {"one": "passed", "two": "not_run"}
    assert result.test("two")["reason"] == "no such test"
    assert "going on without" in result.out


def test_nothing_selected(run, fakes):
    result = run("-R", "other")
    assert result.code == 4
    assert fakes.calls("sbatch") == []


def test_nobody_answers(run, fakes):
    fakes.add("sbatch", "echo 7")
    fakes.add("scancel", "echo 'scancel: error: no answer' >&2; exit 1")
    fakes.add("squeue", "echo 'slurm_load_jobs error: Socket timed out' >&2; exit 1")
    begin = time.monotonic()
    result = run("--lost-after", "3s")
    assert time.monotonic() - begin < 30.0
    assert result.code == 3
    assert "neither the scheduler nor a worker has answered" in result.out
    assert "job 7 may still be there" in result.out


def test_job_is_forgotten(run, fakes):
    fakes.add("sbatch", "echo 7")
    fakes.add("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    fakes.add("sacct", "echo OUT_OF_MEMORY")
    result = run()
    assert result.code == 3
    assert "job 7 ended before its tests: OUT_OF_MEMORY" in result.out


def test_interrupt_while_squeue_hangs(project, fakes, terminal_environment, wait_until):
    project.add_ctest("one", "exit 0")
    fakes.add("sbatch", "echo 7")
    fakes.add("squeue", "sleep 20")
    process = subprocess.Popen(
        [*project.command, "run", "--on", "slurm"],
        cwd=project.root,
        env=terminal_environment(PATH=fakes.path),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: fakes.calls("squeue") != [], "a question")
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert time.monotonic() - begin < 10.0
    assert process.returncode == 130
    assert "interrupted" in out
    assert fakes.calls("scancel") == ["7"]


@pytest.mark.parametrize(
    ("arguments", "cancelled"), [([], ["7"]), (["--detach"], [])], ids=["followed", "detached"]
)
def test_output_cannot_be_written(project, fakes, monkeypatch, arguments, cancelled):
    project.add_ctest("one", "exit 0")
    fakes.add("sbatch", "echo 7")
    monkeypatch.setenv("PATH", fakes.path)
    monkeypatch.chdir(project.root)

    def say(*unused):
        raise SystemExit(1)  # as rich does when nobody reads

    monkeypatch.setattr(Display, "say", say)
    CliRunner().invoke(app, ["run", "--on", "slurm", *arguments])
    assert len(fakes.calls("sbatch")) == 1
    assert fakes.calls("scancel") == cancelled


def test_every_call_has_a_limit(fakes, monkeypatch):
    fakes.add("squeue", "exec sleep 20")
    monkeypatch.setenv("PATH", fakes.path)
    monkeypatch.setattr(scheduler, "ANSWER_SECONDS", 0.5)
    begin = time.monotonic()
    with pytest.raises(TransientSchedulerError, match=r"squeue gave no answer within 0\.5 s"):
        Slurm().state("7")
    assert time.monotonic() - begin < 5.0


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("RUNNING|None", JobState(Phase.RUNNING, "RUNNING")),
        ("COMPLETING|None", JobState(Phase.RUNNING, "COMPLETING")),
        ("PENDING|Resources", JobState(Phase.PENDING, "PENDING", "Resources")),
        (
            "PENDING|QOSMaxWallDurationPerJobLimit",
            JobState(Phase.PENDING, "PENDING", "QOSMaxWallDurationPerJobLimit", hopeless=True),
        ),
        *(
            (f"PENDING|{reason}", JobState(Phase.PENDING, "PENDING", reason, hopeless=True))
            for reason in (
                "launch failed requeued held",
                "launch_failed_requeued_held",
                "JobHeldAdmin",
                "JobHoldMaxRequeue",
                "PartitionNodeLimit",
            )
        ),
        # Who holds a job of his own will release it.
        ("PENDING|JobHeldUser", JobState(Phase.PENDING, "PENDING", "JobHeldUser")),
        ("TIMEOUT|TimeLimit", JobState(Phase.ENDED, "TIMEOUT")),
        ("NODE_FAIL|None", JobState(Phase.ENDED, "NODE_FAIL")),
        ("", JobState(Phase.ENDED, "gone from the queue")),
    ],
)
def test_states(fakes, monkeypatch, answer, state):
    fakes.add("squeue", f'echo "{answer}"')
    monkeypatch.setenv("PATH", fakes.path)
    assert Slurm().state("7") == state


@pytest.mark.parametrize("answer", ["echo 'a|b|c'", "echo lost >&2; exit 1", "printf '\\377'"])
def test_answers_without_sense(fakes, monkeypatch, answer):
    fakes.add("squeue", answer)
    monkeypatch.setenv("PATH", fakes.path)
    with pytest.raises(TransientSchedulerError):
        Slurm().state("7")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nodes", "2"], "--nodes only with --on"),
        (["--on", "sge"], "no scheduler 'sge'"),
        (["--on", "slurm", "--time", "30"], "no duration"),
        (["--on", "slurm", "--max-pending", "0s"], "longer than zero"),
        (["--on", "slurm", "--submit-arg=--comment=a\nb"], "line break"),
        (["--on", "slurm", "--submit-arg=qos=debug"], "no option of sbatch: 'qos=debug'"),
        (["--on", "slurm", "--dry-run", "--json"], "--dry-run prints a script, no JSON"),
        (["--on", "pbs"], "--on pbs needs --time"),
        (["--on", "psij:nothing"], "no executor 'nothing'"),
    ],
)
def test_usage(project, monkeypatch, arguments, message):
    project.add_ctest("one", "exit 0")
    monkeypatch.chdir(project.root)
    result = CliRunner().invoke(app, ["run", *arguments])
    assert result.exit_code == 2
    assert message in re.sub(r"[\s│]+", " ", result.output)
    assert not (project.build / "ftorch-test").exists()


def test_an_allocation_is_used_as_it_is(project, monkeypatch):
    project.add_ctest("one", "exit 0")
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("SLURM_JOB_ID", "11")
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    options = ["--partition=x", "--time=1h", "--cores-per-node=1", "--submit-arg=-v"]
    options.append("--max-pending=1m")
    names = [option.partition("=")[0] for option in options]
    for given, named in [(options[3:4], "--submit-arg"), (options, ", ".join(names))]:
        result = CliRunner().invoke(app, ["run", "--on", "slurm", *given])
        assert result.exit_code == 2
        message = f"{named} within job 11: nothing is submitted, its nodes are used as they are"
        assert message in result.stderr
    assert not (project.build / "ftorch-test").exists()


def test_dry_run(run, fakes):
    result = run("--dry-run", "--time", "90m", "--partition", "short", "--cores-per-node", "8")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "#SBATCH --time=1:30:00" in lines
    assert "#SBATCH --partition=short" in lines
    assert "#SBATCH --cpus-per-task=8" in lines
    assert "#SBATCH --exclusive" not in lines
    assert fakes.calls("sbatch") == []
