# SPDX-License-Identifier: MIT
"""Runs through PSI/J: on this machine, on a real Slurm, with fake commands of PBS and LSF."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("psij", reason="psij-python is not installed")

# A scheduler that runs each job at once, as a process of this machine whose number is its id.
SUBMIT = """
for script; do :; done
export PBS_JOBID=$$.fake LSB_JOBID=$$ PBS_NODEFILE=/dev/null LSB_HOSTS=here
cp "$script" "$FAKE/$$.script"
setsid bash "$script" >/dev/null 2>&1 &
echo $! > "$FAKE/$$"
"""
QSUB = SUBMIT + "echo $PBS_JOBID"
QSTAT = """
separator='{"Jobs": {'
for job; do case $job in *.fake)
  state=F; kill -0 $(cat "$FAKE/${job%.fake}") 2>/dev/null && state=R
  printf '%s"%s": {"job_state": "%s"}' "$separator" $job $state; separator=', '
esac; done
echo '}}'
"""
BSUB = SUBMIT + 'echo "Job <$LSB_JOBID> is submitted to default queue <normal>."'
BJOBS = """
separator='{"RECORDS": ['
for job; do case $job in [0-9]*)
  state=DONE; kill -0 $(cat "$FAKE/$job") 2>/dev/null && state=RUN
  reasons='"EXIT_REASON": "", "KILL_REASON": "", "SUSPEND_REASON": ""'
  printf '%s{"JOBID": "%s", "STAT": "%s", %s}' "$separator" $job $state "$reasons"; separator=', '
esac; done
echo ']}'
"""


@pytest.fixture
def run(project, fakes, tmp_path):
    """A function that runs a project of four tests on two nodes."""
    fakes.add("qsub", QSUB)
    fakes.add("qstat", QSTAT)
    fakes.add("qdel", "exit 0")
    fakes.add("bsub", BSUB)
    fakes.add("bjobs", BJOBS)
    fakes.add("bkill", "exit 0")
    (tmp_path / "jobs").mkdir()
    for name, code in (("a", 0), ("b", 0), ("c", 1), ("d", 0)):
        project.add_ctest(name, f"sleep 0.3; exit {code}")

    def call(*arguments, **changes):
        changes = {"PATH": fakes.path, "FAKE": str(tmp_path / "jobs"), **changes}
        return project.run("--nodes", "2", *arguments, **changes)

    return call


def check(result):
    assert result.code == 1, result.out + result.err
    assert result.outcomes == {"a": "passed", "b": "passed", "c": "failed", "d": "passed"}
    assert result.last_line == "3 passed, 1 failed, 0 skipped"
    plan = json.loads((result.directory / "plan.json").read_text())
    assert [len(shard["ctest"]) for shard in plan["shards"]] == [2, 2]
    assert len(plan["job"].split(",")) == 2


@pytest.mark.slow
def test_local(run):
    check(run("--on", "psij:local"))


def test_pbs(run, tmp_path):
    result = run("--on", "pbs", "--time", "5m", "--partition", "debug", "--submit-arg=-A me")
    check(result)
    for script in (tmp_path / "jobs").glob("*.script"):
        text = script.read_text()
        assert "#PBS -l walltime=0:5:0" in text
        assert "#PBS -q debug" in text
        assert '#PBS -A "me"' in text
        assert f"worker {result.directory}" in text.replace('"', "")


@pytest.mark.slow
def test_lsf(run):
    check(run("--on", "lsf", "--time", "5m"))


@pytest.mark.slow
def test_real_slurm(run, cluster):
    cluster.wait_until_idle()
    check(run("--on", "psij:slurm", "--time", "5m", **cluster.environment))


def test_refused(run, fakes):
    fakes.add("qsub", "echo 'qsub: Unknown queue MSG=cannot locate queue' >&2; exit 1")
    result = run("--on", "pbs", "--time", "5m")
    assert result.code == 3
    assert "pbs refused a job: qsub: Unknown queue" in result.out


@pytest.mark.slow
def test_jobs_die_before_they_begin(run, fakes):
    fakes.add("qsub", "echo $$.fake")
    fakes.add("qstat", 'echo "{\\"Jobs\\": {}}"')
    result = run("--on", "pbs", "--time", "5m")
    assert result.code == 3
    assert "ended before its tests" in result.out
    assert set(result.outcomes.values()) == {"not_run"}


def test_flux_is_not_here(run):
    result = run("--on", "flux", "--time", "5m")
    assert result.code == 3
    assert "PSI/J cannot use flux here" in result.out
