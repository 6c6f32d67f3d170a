# SPDX-License-Identifier: MIT
"""A run on a cluster: lists and packs the tests, submits the job, follows it, makes the record."""

from __future__ import annotations

import contextlib
import shutil
import traceback

from rich.console import Console
from rich.text import Text

from ftorch_tools.errors import ExitCode, InfrastructureError
from ftorch_tools.testing.display import Display
from ftorch_tools.testing.drivers.pytest_collect import collect
from ftorch_tools.testing.drivers.pytest_paths import find_paths
from ftorch_tools.testing.gpus import usable_gpus
from ftorch_tools.testing.interrupts import Signals
from ftorch_tools.testing.records.events import Planned
from ftorch_tools.testing.records.missing import runner_of_missing, warn_of_missing
from ftorch_tools.testing.run import Options, Run
from ftorch_tools.testing.schedulers.detached import make_scheduler
from ftorch_tools.testing.schedulers.job_monitor import JobMonitor
from ftorch_tools.testing.schedulers.merge import merge
from ftorch_tools.testing.schedulers.plan import Plan
from ftorch_tools.testing.schedulers.scheduler import Request
from ftorch_tools.testing.schedulers.shards import Unit, pack
from ftorch_tools.testing.selection import CTEST, PYTEST, Choice


class ScheduledRun(Run):
    """A `Run` whose tests run as a job; after a dry run, or when detached, it is still running."""

    def __init__(self, options: Options, request: Request, console: Console) -> None:
        self._scheduler = make_scheduler(request.on, detached=request.detach)
        self._scheduler.check(request)
        self._request = request
        super().__init__(options, console)

    def execute(self, signals: Signals) -> int:
        """Run the tests as the request says and return the exit code."""
        try:
            return self._execute(signals)
        except (InfrastructureError, OSError) as error:
            self.record.errors.append(str(error))
        except Exception:
            self.record.errors.append(f"error in ftorch-test: {traceback.format_exc()}")
        self._writer.publish(signal=signals.number)
        assert self.record.exit_code is not None
        return self.record.exit_code

    def _execute(self, signals: Signals) -> int:
        if not self._request.dry_run:
            self._writer.save()
        selected, others = self._list()
        if not selected:
            self._writer.publish(nothing_selected=True)
            assert self.record.exit_code is not None
            return self.record.exit_code
        plan = self._plan(selected, others)
        if self._request.dry_run:
            print(self._scheduler.script(plan, self._request), end="")
            shutil.rmtree(self.directory)
            return ExitCode.OK
        if signals.count:
            raise InfrastructureError("interrupted before a job was submitted")
        plan.write()
        with Display(self._console) as display:
            plan.job = self._scheduler.submit(plan, self._request)
            try:
                plan.write()
                if self._request.detach:
                    self.record.job = {"scheduler": plan.scheduler, "id": plan.job}
                    self._writer.save()
                else:
                    errors = self._see_through(plan, selected, signals, display)
            except BaseException:  # nobody else would end the job
                with contextlib.suppress(InfrastructureError):
                    self._scheduler.cancel(plan.job)
                raise
            if self._request.detach:
                self._name_job(plan, selected, display)
                display.say(Text(f"run {self.record.id} goes on without this program"))
                return ExitCode.OK
        merge(plan, self.record, errors=errors, signal=signals.number)
        self._writer.publish(signal=signals.number)
        assert self.record.exit_code is not None
        return self.record.exit_code

    def _see_through(
        self, plan: Plan, selected: list[Unit], signals: Signals, display: Display
    ) -> list[str]:
        """Follow the job to its end and return what went wrong besides the tests."""
        self._name_job(plan, selected, display)
        for runner in ("ctest", "pytest"):
            count = sum(unit.runner == runner for unit in selected)
            display.apply(Planned(runner, count))
        monitor = JobMonitor(plan, self._request, self._scheduler, display, signals)
        monitor.run_to_end()
        return monitor.errors

    def _name_job(self, plan: Plan, selected: list[Unit], display: Display) -> None:
        words = f"job {plan.job}: {len(selected)} tests in {len(plan.shards)} shards"
        display.say(Text(words, style="dim"))

    def _plan(self, selected: list[Unit], others: list[Unit]) -> Plan:
        request, options = self._request, self._options
        return Plan(
            directory=self.directory,
            scheduler=request.on,
            build=str(options.build),
            project=str(self._project),
            pytest_paths=[str(path) for path in options.pytest_paths],
            timeout=options.timeout,
            jobs=options.jobs,
            build_config=options.build_config,
            lost_after=request.lost_after,
            merged_by_worker=request.detach and not self._scheduler.makes_record,
            merged_by_steps=request.detach and self._scheduler.makes_record,
            shards=pack(
                selected,
                others,
                self._durations.seconds,
                request.nodes or self._scheduler.most_shards or 1,
            ),
        )

    def _list(self) -> tuple[list[Unit], list[Unit]]:
        """Return the tests that are selected, and those of ctest that are not."""
        options = self._options
        selection, ctest = self._resolve(usable_gpus())
        names: list[str] = []
        selected: list[Unit] = []
        others: list[Unit] = []
        if ctest is not None:
            ctest.select(selection, 1)
            self.record.excluded = ctest.excluded
            wanted = {test.number for test in ctest.unstarted}
            for number, test in ctest.tests.items():
                unit = Unit(CTEST, test.name, test.colocation_keys, test.processors)
                (selected if number in wanted else others).append(unit)
                names.append(test.name)
        paths = find_paths(options.pytest_paths, self._project, selection)
        found = collect(paths, self._project, options.build, options.timeout)
        python = found.tests
        choices = [selection.choose(PYTEST, id, labels) for id, labels in python]
        self.record.excluded += choices.count(Choice.EXCLUDED_AS_SLOW)
        chosen = [id for (id, _), c in zip(python, choices) if c is Choice.SELECTED]
        # A worker says of each broken module that it is one, as a local run does.
        selected += [Unit(PYTEST, id) for id in [*chosen, *found.broken]]
        existing = [*(id for id, _ in python), *found.broken]
        missing = [(CTEST, name) for name in selection.unmatched(CTEST, names)]
        missing += [(PYTEST, name) for name in selection.unmatched(PYTEST, existing)]
        if selection.ignore_missing:
            warn_of_missing(self.record, missing)
        elif selected:
            # A worker says of each that there is no such test.
            selected += [Unit(runner_of_missing(*test), test[1]) for test in missing]
        return selected, others
