# SPDX-License-Identifier: MIT
"""Slurm: one job by sbatch, or the allocation that this process is already in."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from ftorch_tools.command import Answer, start
from ftorch_tools.errors import UsageError
from ftorch_tools.testing.schedulers.plan import Plan
from ftorch_tools.testing.schedulers.scheduler import (
    JobState,
    Phase,
    RefusedError,
    Request,
    Scheduler,
    TransientSchedulerError,
    one_line_error,
    run_command,
)

SUBMIT_SECONDS = 60.0
_PENDING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD"}
_PENDING |= {"SPECIAL_EXIT", "REVOKED"}
_RUNNING = {"RUNNING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"}
_ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL"}
_ENDED |= {"OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"}
_HOPELESS = re.compile(
    r"BadConstraints|DependencyNeverSatisfied|InvalidAccount|InvalidQOS|PartitionTimeLimit"
    r"|.*MaxWallDurationPerJobLimit|.*MaxNodePerJobLimit|.*MaxCpuPerJobLimit|PartitionNodeLimit"
    r"|launch[ _]failed[ _]requeued[ _]held|JobHeldAdmin|JobHoldMaxRequeue"
)


class Slurm(Scheduler):
    """Submits one job, in which `ftorch-test steps` starts one step per node."""

    name = "slurm"

    def check(self, request: Request) -> None:
        """Refuse what would break the lines of the batch script, or name another script."""
        super().check(request)
        for argument in [request.partition or "", *request.submit_arguments]:
            if "\n" in argument:
                raise UsageError(f"a line break in an argument for sbatch: {argument!r}")
        for argument in request.submit_arguments:
            if not re.match("-.", argument):
                raise UsageError(f"no option of sbatch: {argument!r}")

    def script(self, plan: Plan, request: Request) -> str:
        """Return the batch script."""
        lines = [f"#SBATCH {_quoted(option)}" for option in _options(plan, request)]
        command = shlex.join(steps_command(plan.directory))
        return "\n".join(["#!/bin/bash", *lines, f"exec {command}", ""])

    def submit(self, plan: Plan, request: Request) -> str:
        """Submit the job and return its number, with `;cluster` where sbatch names it."""
        script = plan.directory / "job.sh"
        script.write_text(self.script(plan, request), encoding="utf-8")
        # The user's SBATCH_* are stronger than the lines of the script.
        command = ["sbatch", "--parsable", *_options(plan, request), str(script)]
        try:
            answer = run_command(command, SUBMIT_SECONDS, _without("SBATCH_(WAIT|ARRAY_INX)"))
        except TransientSchedulerError as error:
            name = _job_name(plan)
            where = [a for a in request.submit_arguments if re.match("--clusters=|-M", a)]
            with contextlib.suppress(RefusedError, TransientSchedulerError):
                _run_slurm("scancel", *where, f"--name={name}", f"--user={getpass.getuser()}")
            raise RefusedError(f"{error}; the job, if there is one, is named {name}") from error
        if answer.code != 0:
            raise RefusedError(f"sbatch refused the job: {one_line_error(answer)}")
        job = answer.out.strip()
        if re.fullmatch(r"\d+(;\S*)?", job) is None:
            raise RefusedError(f"sbatch gave no job number: {one_line_error(answer)}")
        return job

    def state(self, job: str) -> JobState:
        """Ask squeue, and where the job is forgotten already, the accounting."""
        number, where = _place(job)
        answer = _run_slurm(
            "squeue", "--noheader", "--states=all", *where, f"--jobs={number}", "--format=%T|%r"
        )
        gone = "invalid job id" in answer.err.lower()
        if answer.code != 0 and not gone:
            raise TransientSchedulerError(f"squeue failed: {one_line_error(answer)}")
        lines = answer.out.strip().splitlines()
        states = [line for line in lines if not line.startswith("CLUSTER: ")]
        if gone or not states:
            return JobState(Phase.ENDED, _accounted(job))
        word, _, reason = states[0].partition("|")
        reason = "" if reason == "None" else reason
        if word in _PENDING:
            return JobState(Phase.PENDING, word, reason, bool(_HOPELESS.fullmatch(reason)))
        if word in _RUNNING:
            return JobState(Phase.RUNNING, word)
        if word in _ENDED:
            return JobState(Phase.ENDED, word)
        raise TransientSchedulerError(f"squeue gave no state that is known: {states[0][:80]!r}")

    def cancel(self, job: str) -> None:
        """Cancel the job by scancel."""
        number, where = _place(job)
        answer = _run_slurm("scancel", *where, number, seconds=10.0)
        if answer.code != 0:
            raise TransientSchedulerError(f"scancel failed: {one_line_error(answer)}")


class SlurmAllocation(Scheduler):
    """Uses the allocation that this process is in: what is submitted is a child process."""

    name = "slurm"

    def __init__(self) -> None:
        self._job = os.environ["SLURM_JOB_ID"]
        self._steps: subprocess.Popen[bytes] | None = None
        try:
            self.most_shards = int(os.environ["SLURM_JOB_NUM_NODES"])
        except (KeyError, ValueError):
            raise UsageError("SLURM_JOB_ID is set, but not SLURM_JOB_NUM_NODES") from None

    def check(self, request: Request) -> None:
        """Refuse what can be asked of a job only before it begins."""
        super().check(request)
        asked = {
            "--partition": request.partition,
            "--time": request.time,
            "--cores-per-node": request.cores_per_node,
            "--submit-arg": request.submit_arguments,
            "--max-pending": request.max_pending,
        }
        useless = [name for name, value in asked.items() if value]
        if useless:
            raise UsageError(
                f"{', '.join(useless)} within job {self._job}: nothing is submitted, "
                "its nodes are used as they are"
            )

    def script(self, plan: Plan, request: Request) -> str:
        """Return the command that runs in the allocation."""
        return f"# in job {self._job}\n{shlex.join(steps_command(plan.directory))}\n"

    def submit(self, plan: Plan, request: Request) -> str:
        """Start the steps from here."""
        with plan.log.open("ab") as log:
            command = steps_command(plan.directory)
            self._steps = start(command, stdout=log, stderr=subprocess.STDOUT)
        return self._job

    def state(self, job: str) -> JobState:
        """Say whether the steps go on; asks nobody."""
        assert self._steps is not None
        code = self._steps.poll()
        if code is None:
            return JobState(Phase.RUNNING, "RUNNING")
        return JobState(Phase.ENDED, "COMPLETED" if code == 0 else f"FAILED with status {code}")

    def cancel(self, job: str) -> None:
        """End the steps; the allocation stays."""
        assert self._steps is not None
        self._steps.terminate()
        try:
            self._steps.wait(30.0)
        except subprocess.TimeoutExpired:
            self._steps.kill()


def steps_command(directory: Path) -> list[str]:
    """Return the command that starts the steps of the run in `directory`."""
    return [sys.executable, "-m", "ftorch_tools.testing", "steps", str(directory)]


def _options(plan: Plan, request: Request) -> list[str]:
    log = str(plan.log).replace("%", "%%")
    options = [
        f"--job-name={_job_name(plan)}",
        f"--nodes={len(plan.shards)}",
        f"--output={log}",
        "--open-mode=append",
        "--export=ALL",
        # The other nodes go on when one of them fails.
        "--no-kill",
    ]
    if request.cores_per_node is None:
        options.append("--exclusive")
    else:
        options += ["--ntasks-per-node=1", f"--cpus-per-task={request.cores_per_node}"]
    if request.time is not None:
        options.append(f"--time={_clock(request.time)}")
    if request.partition is not None:
        options.append(f"--partition={request.partition}")
    return [*options, *request.submit_arguments]


def _accounted(job: str) -> str:
    number, where = _place(job)
    try:
        answer = _run_slurm("sacct", "-n", "-X", "-P", *where, "-j", number, "-o", "State")
    except (RefusedError, TransientSchedulerError):
        return "gone from the queue"
    words = answer.out.split()
    return words[0] if words and words[0] in _ENDED else "gone from the queue"


def _place(job: str) -> tuple[str, list[str]]:
    """Return the number of a job, and the option that names its cluster, if it is another one."""
    number, _, cluster = job.partition(";")
    return number, [f"--clusters={cluster}"] if cluster else []


def _run_slurm(command: str, *arguments: str, seconds: float | None = None) -> Answer:
    """Run a command of Slurm without the filters that the user's environment may set for it."""
    environment = _without(f"{command.upper()}_.*|SLURM_CLUSTERS")
    return run_command([command, *arguments], seconds, environment)


def _without(names: str) -> dict[str, str]:
    """Return the environment without the variables whose names match."""
    return {name: value for name, value in os.environ.items() if not re.fullmatch(names, name)}


def _job_name(plan: Plan) -> str:
    return f"ftorch-test-{plan.directory.name}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _quoted(option: str) -> str:
    if re.fullmatch(r"[\w%+,./:=@-]+", option):
        return option
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'
