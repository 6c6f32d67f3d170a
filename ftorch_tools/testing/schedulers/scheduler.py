# SPDX-License-Identifier: MIT
"""What every scheduler can do: take a job, say how it is, cancel it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from ftorch_tools.command import Answer, CommandError, CommandTimeoutError, call
from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.testing.schedulers.plan import Plan
from ftorch_tools.text import one_line

# A command of a scheduler that takes longer is given up.
ANSWER_SECONDS = 30.0
# A slow file system may hide a worker for minutes.
LOST_AFTER_SECONDS = 300.0


class RefusedError(InfrastructureError):
    """The scheduler said no."""


class TransientSchedulerError(InfrastructureError):
    """The scheduler gave no answer, or none that makes sense; it may the next time."""


class Phase(Enum):
    """How far a job is."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class JobState:
    """`word` is the scheduler's own; `reason` says why the job waits, if it does."""

    phase: Phase
    word: str
    reason: str = ""
    # True when waiting longer is of no use.
    hopeless: bool = False


@dataclass(frozen=True)
class Request:
    """What the user asks of the scheduler. Times are seconds."""

    on: str
    nodes: int | None = None
    time: float | None = None
    partition: str | None = None
    cores_per_node: int | None = None
    submit_arguments: tuple[str, ...] = ()
    max_pending: float | None = None
    lost_after: float = LOST_AFTER_SECONDS
    detach: bool = False
    dry_run: bool = False

    @property
    def command_line(self) -> list[str]:
        """The options that ask for the same."""
        words = [f"--on={self.on}"]
        for name, value in (("nodes", self.nodes), ("cores-per-node", self.cores_per_node)):
            words += [f"--{name}={value}"] if value is not None else []
        for name, seconds in (("time", self.time), ("max-pending", self.max_pending)):
            words += [f"--{name}={seconds:g}s"] if seconds is not None else []
        words += [f"--partition={self.partition}"] if self.partition is not None else []
        words += [f"--submit-arg={argument}" for argument in self.submit_arguments]
        if self.lost_after != LOST_AFTER_SECONDS:
            words.append(f"--lost-after={self.lost_after:g}s")
        return words


class Scheduler(ABC):
    """A backend, whose calls return within a bounded time: a `TransientSchedulerError` may pass.

    `most_shards` is how many nodes can be had at most; None when the scheduler decides.
    """

    name: str
    most_shards: int | None = None
    # Whether the workers of all shards begin together, as the steps of one allocation do.
    starts_together = True
    # Whether the job makes the record of a detached run; else the last worker does.
    makes_record = True

    def check(self, request: Request) -> None:
        """Raise `UsageError` when the request makes no sense to this scheduler."""
        most = self.most_shards
        if most is not None and (request.nodes or 1) > most:
            raise UsageError(f"--nodes {request.nodes}, but this allocation has {most}")

    @abstractmethod
    def script(self, plan: Plan, request: Request) -> str:
        """Return what `submit` would give to the scheduler, as text."""

    @abstractmethod
    def submit(self, plan: Plan, request: Request) -> str:
        """Submit the job and return its id."""

    @abstractmethod
    def state(self, job: str) -> JobState:
        """Ask once how the job is."""

    def state_of(self, plan: Plan) -> JobState:
        """Ask once how the job of `plan` is, which another process may have submitted."""
        assert plan.job is not None
        return self.state(plan.job)

    @abstractmethod
    def cancel(self, job: str) -> None:
        """Cancel the job; none of its processes remains."""


def run_command(
    command: Sequence[str],
    seconds: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Answer:
    """Run a command of a scheduler, in the user's language, which a job may inherit.

    Raise `TransientSchedulerError` when it takes longer than `seconds`.
    """
    limit = ANSWER_SECONDS if seconds is None else seconds
    try:
        return call(*command, timeout=limit, environment=environment, english=False)
    except CommandTimeoutError:
        raise TransientSchedulerError(f"{command[0]} gave no answer within {limit:g} s") from None
    except CommandError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            message = f"{command[0]} not found: is this a machine of the cluster?"
            raise RefusedError(message) from None
        raise RefusedError(f"cannot run {error}") from error


def one_line_error(answer: Answer) -> str:
    """Return what a failed command printed, on one line."""
    text = answer.err.strip() or answer.out.strip() or f"exit status {answer.code}"
    return " ".join(one_line(text).split())[:500]
