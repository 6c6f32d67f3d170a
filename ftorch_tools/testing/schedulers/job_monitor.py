# SPDX-License-Identifier: MIT
"""Follows a submitted job to its end, whatever becomes of it."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

from rich.text import Text

from ftorch_tools.errors import InfrastructureError
from ftorch_tools.testing.display import Display
from ftorch_tools.testing.interrupts import Signals
from ftorch_tools.testing.records.events import Ended, Started, from_entry
from ftorch_tools.testing.schedulers.plan import Plan
from ftorch_tools.testing.schedulers.scheduler import JobState, Phase, Request, Scheduler
from ftorch_tools.testing.schedulers.watch import ShardState, Watch

_TICK_SECONDS = 0.2
_READ_SECONDS = 0.5
# The scheduler is asked at once, then less and less often while nothing changes.
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
# How long workers may take to stop their tests and to write what they know.
_STOP_SECONDS = 20.0
# How long files may take to show what was written on another node.
_LATE_SECONDS = 5.0


class JobMonitor:
    """Follows job `job`; `errors` says in the end what went wrong besides the tests."""

    def __init__(
        self,
        plan: Plan,
        request: Request,
        scheduler: Scheduler,
        display: Display,
        signals: Signals,
    ) -> None:
        assert plan.job is not None
        self.errors: list[str] = []
        self._job = plan.job
        self._plan = plan
        self._request = request
        self._scheduler = scheduler
        self._display = display
        self._signals = signals
        self._watch = Watch(plan, self._show)
        now = time.monotonic()
        self._pending_since: float | None = now
        self._answered = now
        self._quiet = False
        self._shown = ""
        self._state = JobState(Phase.PENDING, "SUBMITTED")
        self._pause = _FIRST_PAUSE_SECONDS
        self._next_question = now
        self._answers: queue.Queue[JobState | InfrastructureError] = queue.Queue()
        self._give_up_at = float("inf")

    def run_to_end(self) -> None:
        """Return when all shards have ended or no more is to be expected of them."""
        next_read = 0.0
        while not self._signals.count and not self.errors:
            now = time.monotonic()
            if now >= next_read:
                next_read = now + _READ_SECONDS
                self._watch.refresh()
                if self._all_reported():
                    break
            if now >= self._next_question:
                self._poll_scheduler()
            self._poll_answer()
            self._display.tick()
            time.sleep(_TICK_SECONDS)
        if self._signals.count:
            self._stop()
        self.errors += self._watch.errors
        if self.errors or self._signals.count:
            self._cancel()

    @property
    def began(self) -> bool:
        """Whether the job has ever run."""
        return any(shard.state is not ShardState.WAITING for shard in self._watch.shards)

    def _all_reported(self) -> bool:
        """Say whether to go: workers that were stopped are believed when the job has ended."""
        if not self._watch.settled:
            return False
        stopped = [s for s in self._watch.shards if s.state is ShardState.STOPPED]
        if not stopped:
            return True
        now = time.monotonic()
        if self._give_up_at == float("inf"):
            self._give_up_at = now + self._plan.lost_after
            self._reset_backoff()
        if now > self._give_up_at:
            self.errors.append(f"job {self._job}: the workers were stopped, nobody says why")
        return False

    def _poll_scheduler(self) -> None:
        """Ask the scheduler how the job is, in a thread: it may not answer."""
        self._pause = min(2.0 * self._pause, _LONGEST_PAUSE_SECONDS)
        self._next_question = float("inf")

        def ask() -> None:
            try:
                self._answers.put(self._scheduler.state(self._job))
            except InfrastructureError as error:
                self._answers.put(error)

        threading.Thread(target=ask, daemon=True).start()

    def _poll_answer(self) -> None:
        """Take in the scheduler's answer, if there is one by now."""
        try:
            answer = self._answers.get_nowait()
        except queue.Empty:
            return
        self._next_question = time.monotonic() + self._pause
        if isinstance(answer, InfrastructureError):
            self._no_answer(answer)
            return
        self._answered, self._quiet = time.monotonic(), False
        if answer.phase is not self._state.phase:
            self._reset_backoff()
        self._apply(answer)
        self._state = answer

    def _reset_backoff(self) -> None:
        self._pause = _FIRST_PAUSE_SECONDS
        if self._next_question < float("inf"):
            self._next_question = time.monotonic() + self._pause

    def _no_answer(self, error: InfrastructureError) -> None:
        if not self._quiet:
            self._quiet = True
            self._say(f"{error}; going on without")
        silent = time.monotonic() - max(self._answered, self._watch.last_sign)
        if silent > self._plan.lost_after:
            self.errors.append(
                f"job {self._job}: neither the scheduler nor a worker has answered for "
                f"{silent:.0f} s; last: {error}"
            )

    def _apply(self, state: JobState) -> None:
        if state.phase is Phase.PENDING:
            self._wait_in_queue(state)
        elif state.phase is Phase.RUNNING:
            if self._state.phase is Phase.PENDING:
                self._say(f"job {self._job} runs")
            self._pending_since = None
            if self._scheduler.starts_together:
                self._watch.expect()
        else:
            self._ended(state)

    def _wait_in_queue(self, state: JobState) -> None:
        now = time.monotonic()
        if self._pending_since is None:
            self._pending_since = now
            if self._scheduler.starts_together:
                self._watch.forget()
                self._give_up_at = float("inf")
        reason = f" ({state.reason})" if state.reason else ""
        waits = f"job {self._job} waits in the queue{reason}"
        if waits != self._shown:
            self._shown = waits
            self._say(waits)
        limit = self._request.max_pending
        if state.hopeless:
            self.errors.append(f"{waits}, and would for ever: cancelled")
        elif limit is not None and now - self._pending_since >= limit:
            self.errors.append(f"{waits}, longer than {limit:g} s: cancelled")
        elif limit is not None:
            self._next_question = min(self._next_question, self._pending_since + limit)

    def _ended(self, state: JobState) -> None:
        """Take in that the job has ended, once the files had time to show all."""
        deadline = time.monotonic() + _LATE_SECONDS
        while time.monotonic() < deadline:
            self._watch.refresh()
            if self._watch.settled:
                break
            time.sleep(_TICK_SECONDS)
        finished = (ShardState.DONE, ShardState.LOST)
        if not all(shard.state in finished for shard in self._watch.shards):
            log = self._plan.log
            self.errors.append(f"job {self._job} ended before its tests: {state.word}; see {log}")

    def _stop(self) -> None:
        """Let the workers stop their tests; a second interrupt does not wait."""
        self._say("stopping")
        self._plan.stop()
        deadline = time.monotonic() + _STOP_SECONDS
        while self.began and not self._watch.settled:
            if time.monotonic() > deadline or self._signals.count > 1:
                break
            self._watch.refresh()
            time.sleep(_TICK_SECONDS)

    def _cancel(self) -> None:
        self._plan.stop()
        try:
            self._scheduler.cancel(self._job)
        except InfrastructureError as error:
            self.errors.append(f"job {self._job} may still be there: {error}")

    def _say(self, words: str) -> None:
        self._display.say(Text(words, style="dim"))

    def _show(self, entry: dict[str, Any]) -> None:
        event = from_entry(entry)
        if isinstance(event, (Started, Ended)):
            self._display.apply(event)
        elif entry["event"] == "attempt":
            self._say(f"{entry['host']} begins")
