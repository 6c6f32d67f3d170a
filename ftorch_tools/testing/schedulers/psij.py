# SPDX-License-Identifier: MIT
"""PBS, LSF, Flux and others through PSI/J: a job of one node for each shard."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.schedulers.plan import Plan
from ftorch_tools.testing.schedulers.scheduler import (
    ANSWER_SECONDS,
    JobState,
    Phase,
    RefusedError,
    Request,
    Scheduler,
    TransientSchedulerError,
)

# PSI/J asks for all jobs at once, in a thread of its own.
_POLL_SECONDS = 30
_FIRST_POLL_SECONDS = 2


class Psij(Scheduler):
    """The executor of that name of PSI/J, which has no steps and so gets several jobs."""

    starts_together = False
    makes_record = False

    def __init__(self, executor: str) -> None:
        try:
            import psij
        except ImportError:
            raise UsageError(
                "no psij-python here; it comes with pip install 'ftorch_tools[schedulers]'"
            ) from None
        self.name = executor
        self._psij: Any = psij
        self._executor: Any = None
        self._jobs: list[Any] = []

    def check(self, request: Request) -> None:
        """Refuse what PSI/J would do otherwise than asked."""
        super().check(request)
        known = self._psij.JobExecutor.get_executor_names()
        if self.name not in known:
            raise UsageError(f"PSI/J has no executor {self.name!r}; it has {', '.join(known)}")
        if self.name == "local" and request.detach:
            raise UsageError("--detach, but jobs of psij:local end with this program")
        if self.name != "local" and request.time is None:
            raise UsageError(f"--on {request.on} needs --time")
        _directives(self.name, request.submit_arguments)

    def script(self, plan: Plan, request: Request) -> str:
        """Return the command of each job; PSI/J writes the scripts around them."""
        specs = self._specs(plan, request)
        return "".join(f"{spec.executable} {' '.join(spec.arguments)}\n" for spec in specs)

    def submit(self, plan: Plan, request: Request) -> str:
        """Submit a job for each shard and return their ids."""
        specs = self._specs(plan, request)
        self._connect(plan)
        for spec in specs:
            job = self._psij.Job(spec)
            try:
                _within(partial(self._executor.submit, job), f"the submission to {self.name}")
            except self._psij.SubmitException as error:
                self._cancel_quietly()
                raise RefusedError(f"{self.name} refused a job: {_line(error)}") from error
            except TransientSchedulerError:
                self._cancel_quietly()
                raise
            self._jobs.append(job)
        return ",".join(str(job.native_id) for job in self._jobs)

    def state_of(self, plan: Plan) -> JobState:
        """Take up the jobs that another process submitted."""
        self._connect(plan)
        for native in (plan.job or "").split(","):
            job = self._psij.Job()
            try:
                self._executor.attach(job, native)
            except Exception as error:  # whatever an executor of somebody else's raises
                raise TransientSchedulerError(
                    f"{self.name} does not know job {native}: {error}"
                ) from error
            self._jobs.append(job)
        states = [s for s in self._psij.JobState if s is not self._psij.JobState.NEW]
        for job in self._jobs:
            job.wait(timeout=timedelta(seconds=ANSWER_SECONDS), target_states=states)
        return self.state("")

    def state(self, job: str) -> JobState:
        """Say what PSI/J knows of all jobs together."""
        states = [each.status.state for each in self._jobs]
        waiting = [s for s in states if s.value < self._psij.JobState.ACTIVE.value]
        if all(state.final for state in states):
            pairs = zip(states, self._jobs)
            messages = [f"{s.name} {each.status.message or ''}" for s, each in pairs]
            return JobState(Phase.ENDED, ", ".join(dict.fromkeys(map(_line, messages))))
        if waiting:
            reason = f"{len(states) - len(waiting)} of {len(states)} jobs have begun"
            return JobState(Phase.PENDING, "QUEUED", reason)
        return JobState(Phase.RUNNING, "ACTIVE")

    def cancel(self, job: str) -> None:
        """Cancel those jobs that have not ended."""
        for each in self._jobs:
            if not each.status.state.final:
                try:
                    _within(each.cancel, f"the cancellation by {self.name}")
                except self._psij.SubmitException as error:
                    raise RefusedError(f"{self.name} cancels no job: {_line(error)}") from error

    def _connect(self, plan: Plan) -> None:
        from psij.executors.batch.batch_scheduler_executor import BatchSchedulerExecutorConfig

        config = BatchSchedulerExecutorConfig(
            work_directory=plan.directory / "psij",
            queue_polling_interval=_POLL_SECONDS,
            initial_queue_polling_delay=_FIRST_POLL_SECONDS,
        )
        try:
            self._executor = self._psij.JobExecutor.get_instance(self.name, config=config)
        except Exception as error:  # whatever an executor of somebody else's raises
            raise RefusedError(f"PSI/J cannot use {self.name} here: {_line(error)}") from error

    def _specs(self, plan: Plan, request: Request) -> list[Any]:
        attributes = self._psij.JobAttributes(
            duration=timedelta(seconds=request.time or 3600.0),
            queue_name=request.partition,
            custom_attributes=_directives(self.name, request.submit_arguments),
        )
        resources = self._psij.ResourceSpecV1(
            node_count=1,
            processes_per_node=request.cores_per_node or 1,
            exclusive_node_use=request.cores_per_node is None,
        )
        return [
            self._psij.JobSpec(
                executable=sys.executable,
                arguments=[
                    "-m",
                    "ftorch_tools.testing",
                    "worker",
                    str(plan.directory),
                    str(number),
                ],
                directory=plan.directory,
                stdout_path=plan.directory / f"job-{number}.log",
                stderr_path=plan.directory / f"job-{number}.log",
                resources=resources,
                attributes=attributes,
                launcher="single",
            )
            for number in range(len(plan.shards))
        ]

    def _cancel_quietly(self) -> None:
        for job in self._jobs:
            threading.Thread(target=job.cancel, daemon=True).start()


def _directives(executor: str, arguments: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for argument in arguments:
        parts = re.fullmatch(r"--?([\w-]+)(?:[ =](.*))?", argument)
        if parts is None:
            raise UsageError(f"not an option of {executor}: {argument!r}")
        found[f"{executor.partition('_')[0]}.{parts.group(1)}"] = parts.group(2) or ""
    return found


def _within(action: Callable[[], object], what: str) -> None:
    """Call `action`, and raise `TransientSchedulerError` when it takes too long.

    PSI/J itself has no limit.
    """
    raised: list[BaseException] = []

    def act() -> None:
        try:
            action()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    if thread.is_alive():
        raise TransientSchedulerError(f"{what} gave no answer within {ANSWER_SECONDS:g} s")
    if raised:
        raise raised[0]


def _line(error: object) -> str:
    return " ".join(str(error).split())[:500]
