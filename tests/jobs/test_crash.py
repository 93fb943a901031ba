"""kill -9 of the worker, of the job's process, of both, of Valkey: nothing hangs, nothing takes effect twice."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

import jobs

TAKEN_OVER_S = 15.0
"""Within this the job has a new attempt, or has failed with a reason."""


def lines(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def busy(stack, tmp_path, until):
    """Give a stack with two workers and a job that one of them is in the middle of."""
    if not stack.processes:
        stack.valkey()
        stack.schedule()
        stack.worker()
        stack.worker()
    stack.revive()
    until(lambda: len(jobs.workers(settings=stack.settings)) >= 2, 60)
    effects = tmp_path / "effects"
    # long for the first attempt, over at once for the next: the file says how many there were
    spec = stack.spec(["effect", str(effects)], ["sleep_once", 60], ["effect", str(tmp_path / "ends")])
    job = jobs.submit(spec, settings=stack.settings)
    until(lambda: lines(effects))
    ((_, attempt, horse),) = lines(effects)
    assert attempt == "1"
    return stack, jobs.job(job.id, settings=stack.settings), int(horse), tmp_path


def worker_of(job) -> psutil.Process:
    return psutil.Process(int(job.worker.split("-")[-2]))


def kill(*pids: int) -> float:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return time.monotonic()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def assert_taken_over(stack, job, died: float, ends: Path, outcome: str = "lost") -> None:
    while not (found := jobs.job(job.id, settings=stack.settings)).attempt > job.attempt:
        assert not found.is_final, found
        assert time.monotonic() - died < TAKEN_OVER_S, found
        time.sleep(0.05)
    done = jobs.wait(job.id, timeout_s=60, settings=stack.settings)
    assert done.status == "succeeded"
    assert [(i, a) for i, a, _ in lines(ends)] == [(job.id, str(done.attempt))]  # one effect, of the last attempt
    found = jobs.attempts(job.id, settings=stack.settings)
    assert [a.outcome for a in found] == [outcome] * (len(found) - 1) + ["succeeded"]
    again = jobs.submit(stack.spec(), settings=stack.settings)
    assert jobs.wait(again.id, timeout_s=60, settings=stack.settings).status == "succeeded"


def test_killed_worker_takes_its_process_with_it_and_the_job_is_taken_over(busy, until):
    stack, job, horse, tmp_path = busy
    died = kill(worker_of(job).pid)
    until(lambda: gone(horse))
    assert_taken_over(stack, job, died, tmp_path / "ends")
    assert "was not heard of" in jobs.attempts(job.id, settings=stack.settings)[0].error


def test_killed_process_of_a_job_is_taken_over(busy):
    stack, job, horse, tmp_path = busy
    died = kill(horse)
    assert_taken_over(stack, job, died, tmp_path / "ends")
    assert "killed by signal 9" in jobs.attempts(job.id, settings=stack.settings)[0].error


def test_killed_worker_and_process_are_taken_over(busy):
    stack, job, horse, tmp_path = busy
    died = kill(worker_of(job).pid, horse)
    assert_taken_over(stack, job, died, tmp_path / "ends")


def test_killed_valkey_disturbs_no_running_job_and_loses_no_queued_one(busy, until):
    stack, job, horse, tmp_path = busy
    valkey = stack.processes[0]
    kill(valkey.pid)
    valkey.wait()
    # what is submitted while it is away is acknowledged by the records
    later = jobs.submit(stack.spec(["effect", str(tmp_path / "later")]), settings=stack.settings)
    assert later.status == "queued"
    for path in (stack.settings.home / "valkey").rglob("*"):
        if path.is_file():
            path.unlink()  # and it comes back with nothing at all
    stack.revive()
    assert jobs.wait(later.id, timeout_s=60, settings=stack.settings).status == "succeeded"
    assert len(lines(tmp_path / "later")) == 1
    found = jobs.job(job.id, settings=stack.settings)
    assert (found.status, found.attempt, gone(horse)) == ("running", 1, False)
    jobs.cancel(job.id, settings=stack.settings)
    assert jobs.wait(job.id, timeout_s=60, settings=stack.settings).status == "cancelled"


def test_stopped_worker_gives_its_job_back(busy):
    stack, job, horse, tmp_path = busy
    worker = worker_of(job)
    asked = time.monotonic()
    worker.terminate()
    process = next(p for p in stack.processes if p.pid == worker.pid)
    assert process.wait(timeout=10) == 0
    assert gone(horse)
    assert_taken_over(stack, job, asked, tmp_path / "ends", outcome="released")


def test_job_that_keeps_killing_its_process_fails_with_the_reason(busy):
    stack, job, _, _ = busy
    jobs.cancel(job.id, settings=stack.settings)
    deadly = jobs.submit(stack.spec(["die", 99]), settings=stack.settings)
    done = jobs.wait(deadly.id, timeout_s=60, settings=stack.settings)
    assert (done.status, done.attempt) == ("failed", 3)
    assert "killed by signal 9" in done.error
    assert "memory" in done.hint


def test_job_that_ignores_a_lost_lease_is_ended_and_its_result_refused(busy, until, tmp_path):
    from sqlalchemy import update

    from lake.records import open_records
    from lake.records.models import JobRow

    stack, job, horse, _ = busy
    records = open_records(stack.settings)

    def lose() -> bool:  # as after a pause of the whole machine; again where a renewal came first
        with records.write() as session:
            first = (JobRow.id == job.id) & (JobRow.attempt == 1)
            session.execute(update(JobRow).where(first).values(lease_until=1.0))
        return gone(horse)

    died = time.monotonic()
    until(lose)
    assert_taken_over(stack, job, died, tmp_path / "ends")
