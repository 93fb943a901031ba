"""Jobs through the real queue: Valkey, a worker that forks, the scheduler's janitor."""

import re
import threading
import time
from itertools import pairwise
from pathlib import Path

import jobs
from jobs.outbox import JOB_ID


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_job_runs_once_and_its_result_and_events_are_kept(running, tmp_path, until):
    effects = tmp_path / "effects"
    steps = ["stage", "load", 0.25], ["effect", str(effects)], ["sleep", 0.2], ["log", "你好"]
    spec = running.spec(*steps, name="first")

    submitted = jobs.submit(spec, settings=running.settings)
    done = jobs.wait(submitted.id, timeout_s=60, settings=running.settings)

    assert JOB_ID.fullmatch(submitted.id)
    assert (done.status, done.attempt, done.result["value"]) == ("succeeded", 1, spec.path)
    assert done.peak_rss_mib > 10
    assert len(lines(effects)) == 1
    told = list(jobs.events(done.id, settings=running.settings))
    assert [e.payload["status"] for e in told if e.type == "state"] == ["queued", "running", "succeeded"]
    assert [e.payload["message"] for e in told if e.type == "log"] == ["你好"]
    assert any(e.type == "metric" and e.payload["values"]["train.l2"] == 1.0 for e in told)
    assert [e.seq for e in told] == sorted({e.seq for e in told})
    (attempt,) = jobs.attempts(done.id, settings=running.settings)
    assert (attempt.attempt, attempt.outcome) == (1, "succeeded")

    again = jobs.submit(spec, settings=running.settings)
    assert (again.id, again.status, len(lines(effects))) == (done.id, "succeeded", 1)
    forced = jobs.submit(spec, settings=running.settings, force=True)
    assert forced.id != done.id
    assert jobs.wait(forced.id, timeout_s=60, settings=running.settings).status == "succeeded"
    assert len(lines(effects)) == 2

    def archived() -> bool:
        from lake.records import open_records
        from lake.records.models import JobRow

        with open_records(running.settings).read() as session:
            return session.get_one(JobRow, done.id).archived

    until(archived)
    assert list(jobs.events(done.id, settings=running.settings)) == told
    assert list(jobs.events(done.id, after=told[-2].seq, settings=running.settings)) == told[-1:]


def test_events_follow_from_the_start_to_the_end(running, until):
    job = jobs.submit(running.spec(["sleep", 0.5], ["log", "last words"]), settings=running.settings)
    told = []

    def follow() -> None:
        told.extend(jobs.events(job.id, follow=True, settings=running.settings))

    reader = threading.Thread(target=follow)
    reader.start()
    reader.join(timeout=30)
    assert not reader.is_alive()
    assert told[0].payload["status"] == "queued"
    assert told[-1].payload["status"] == "succeeded"
    assert any(e.payload.get("message") == "last words" for e in told)


def test_progress_of_a_running_job_is_seen(running, until):
    job = jobs.submit(running.spec(["stage", "fit", 0.5], ["sleep", 20]), settings=running.settings)
    seen = until(lambda: (j := jobs.job(job.id, settings=running.settings)).stage and j, 30)
    assert (seen.status, seen.stage, seen.progress) == ("running", "fit", 0.5)
    (worker,) = jobs.workers(settings=running.settings)
    assert (worker.queue, worker.state, worker.job_id) == ("data", "busy", job.id)

    asked = time.monotonic()
    jobs.cancel(job.id, settings=running.settings)
    done = jobs.wait(job.id, timeout_s=60, settings=running.settings)
    assert time.monotonic() - asked < 5
    assert (done.status, done.error, done.progress) == ("cancelled", "cancelled by its owner", None)
    assert [a.outcome for a in jobs.attempts(job.id, settings=running.settings)] == ["cancelled"]


def test_transient_failure_is_tried_again_and_every_attempt_recorded(running):
    spec = running.spec(["fail", "TransientError", "the store was away", 2])
    job = jobs.submit(spec, settings=running.settings)
    done = jobs.wait(job.id, timeout_s=60, settings=running.settings)
    assert (done.status, done.attempt, done.error) == ("succeeded", 3, None)
    found = jobs.attempts(job.id, settings=running.settings)
    assert [a.outcome for a in found] == ["retried", "retried", "succeeded"]
    assert found[0].error == "the store was away"
    gaps = [(b.started_at - a.finished_at).total_seconds() for a, b in pairwise(found)]
    assert min(gaps) >= running.settings.retry_delay_s


def test_wrong_input_is_never_tried_again_and_a_fixed_job_can_be(running):
    job = jobs.submit(running.spec(["fail", "InsufficientDataError", "too few rows", 1]), settings=running.settings)
    done = jobs.wait(job.id, timeout_s=60, settings=running.settings)
    assert (done.status, done.attempt, done.error) == ("failed", 1, "too few rows")

    jobs.retry(job.id, settings=running.settings)
    done = jobs.wait(job.id, timeout_s=60, settings=running.settings)
    assert (done.status, done.attempt, done.error) == ("succeeded", 2, None)


def test_unexpected_error_fails_with_one_sentence_and_a_log_id(running):
    job = jobs.submit(running.spec(["fail", "ZeroDivisionError", "division by zero", 9]), settings=running.settings)
    done = jobs.wait(job.id, timeout_s=60, settings=running.settings)
    assert (done.status, done.error) == ("failed", "unexpected ZeroDivisionError: division by zero")
    log_id = f"{job.id}-1"
    assert log_id in done.hint
    assert f"job {log_id} failed" in running.logs()
    assert "Traceback" in running.logs()


def test_chain_runs_in_order_and_sees_results_before_it(running):
    first = running.spec(["sleep", 0.2], name="one")
    second = running.spec(name="two", after=("one",))
    third = running.spec(name="three", after=("two", "one"))
    submitted = jobs.submit([third, first, second], settings=running.settings)
    assert [j.name for j in submitted] == ["three", "one", "two"]
    done = {j.name: jobs.wait(j.id, timeout_s=60, settings=running.settings) for j in submitted}
    assert {j.status for j in done.values()} == {"succeeded"}
    assert done["one"].finished_at <= done["two"].started_at <= done["two"].finished_at <= done["three"].started_at
    assert done["three"].result["upstream"] == sorted([done["one"].id, done["two"].id])
    assert done["three"].after == [done["two"].id, done["one"].id]


def test_chain_is_cancelled_with_reason_when_a_job_fails_and_revived_with_it(running):
    first = running.spec(["fail", "InsufficientDataError", "no rows", 1], name="source")
    second = running.spec(name="middle", after=("source",))
    third = running.spec(name="end", after=("middle",))
    submitted = jobs.submit([first, second, third], settings=running.settings)
    done = [jobs.wait(j.id, timeout_s=60, settings=running.settings) for j in submitted]
    assert [j.status for j in done] == ["failed", "cancelled", "cancelled"]
    assert f"source ({done[0].id}), failed: no rows" in done[1].error
    assert "middle" in done[2].error

    jobs.retry(done[0].id, settings=running.settings)
    done = [jobs.wait(j.id, timeout_s=60, settings=running.settings) for j in submitted]
    assert [j.status for j in done] == ["succeeded"] * 3


def test_worker_parent_has_used_nothing_it_imported(running):
    (worker,) = jobs.workers(settings=running.settings)
    process = Path(f"/proc/{worker.pid}")
    threads = {(task / "comm").read_text().strip() for task in (process / "task").iterdir()}
    # importing polars starts one thread that cleans up; its pools start with the first frame
    assert not [name for name in threads if re.match(r"polars-\d|tokio|rayon|async-exec", name)], threads
    opened = [str(fd.readlink()) for fd in (process / "fd").iterdir() if fd.exists()]
    assert not [name for name in opened if name.startswith(str(running.settings.home / "lake"))]
    loaded = (process / "maps").read_text()
    assert "polars" in loaded  # it is imported all the same: the test would else show nothing


def test_records_in_postgresql_serve_as_well_and_no_job_outstays_its_time(on_postgres, tmp_path, until):
    settings = on_postgres.settings
    first = on_postgres.spec(["die", 1], ["effect", str(tmp_path / "effects")], name="one")
    second = on_postgres.spec(["fail", "TransientError", "away", 1], name="two", after=("one",))
    submitted = jobs.submit([first, second], settings=settings)
    done = [jobs.wait(j.id, timeout_s=60, settings=settings) for j in submitted]
    assert [(j.status, j.attempt) for j in done] == [("succeeded", 2), ("succeeded", 2)]
    assert len(lines(tmp_path / "effects")) == 1
    assert [a.outcome for a in jobs.attempts(done[0].id, settings=settings)] == ["lost", "succeeded"]

    too_long = jobs.submit(on_postgres.spec(["ignore_everything", 60]), settings=settings)
    done = jobs.wait(too_long.id, timeout_s=60, settings=settings)
    assert (done.status, done.attempt) == ("failed", 1)
    assert "longer than" in done.error

    deaf = jobs.submit(on_postgres.spec(["ignore_everything", 61]), settings=settings)
    until(lambda: jobs.job(deaf.id, settings=settings).status == "running")
    jobs.cancel(deaf.id, settings=settings)
    assert jobs.wait(deaf.id, timeout_s=60, settings=settings).status == "cancelled"
