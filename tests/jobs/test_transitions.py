"""Changes of status on a real database; on PostgreSQL too where one can be started."""

import threading

import pytest
from sqlalchemy import delete

from jobs import transitions
from jobs.chain import MAX_TAKEOVERS, requeue, settle, settle_waiting
from lake.records import open_records
from lake.records.models import JobAttemptRow, JobLinkRow, JobRow
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings

LEASE_S = 30.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory):
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")()
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('records')}/qbrain.db"
    return open_records(Settings(env="test", database_url=url))


@pytest.fixture
def records(database):
    yield database
    with database.write() as session:
        for row in (JobLinkRow, JobAttemptRow, JobRow):
            session.execute(delete(row))


def add(records, job_id, *after, status="queued", **fields):
    with records.write() as session:
        row = JobRow(
            id=job_id, name=job_id, queue="data", status=status, owner="local", spec={}, spec_hash="", code_hash="",
            **{"kind": "ingest", "retries_left": 3, "takeovers_left": MAX_TAKEOVERS} | fields,
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.add_all(JobLinkRow(job_id=job_id, after_id=a) for a in after)


def look(records, job_id):
    with records.read() as session:
        return session.get_one(JobRow, job_id)


def claim(records, job_id, lease_s=LEASE_S):
    return transitions.claim(records, job_id, queue="data", worker="w", lease_s=lease_s)


def brief(changes):
    return [(c.job_id, str(c.status)) for c in changes]


def test_claim_by_many_at_once_is_won_by_one(records):
    add(records, "a")
    won: list[int | None] = []
    threads = [threading.Thread(target=lambda: won.append(claim(records, "a"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won, key=str) == [1] + [None] * 7
    assert transitions.claim(records, "a", queue="data", worker="w", lease_s=1) is None


def test_claim_for_another_queue_is_refused(records):
    add(records, "a")
    assert transitions.claim(records, "a", queue="train", worker="w", lease_s=1) is None
    assert transitions.claim(records, "no such job", queue=None, worker="w", lease_s=1) is None
    assert transitions.claim(records, "a", queue=None, worker="w", lease_s=1) == 1


def test_attempt_that_lost_its_job_changes_nothing(records):
    add(records, "a")
    claim(records, "a")
    assert brief(transitions.lose(records, "a", 1, "died")) == [("a", "queued")]
    assert transitions.succeed(records, "a", 1, {"x": 1}, peak_rss_mib=1.0) == []  # while it waits
    assert claim(records, "a") == 2
    for change in (
        transitions.succeed(records, "a", 1, {"x": 1}, peak_rss_mib=1.0), transitions.fail(records, "a", 1, "late"),
        transitions.lose(records, "a", 1, "late"), transitions.release(records, "a", 1, "late"),
        transitions.end_cancelled(records, "a", 1),
    ):  # fmt: skip
        assert change == []
    assert transitions.renew(records, "a", 1, lease_s=LEASE_S) is None
    assert not transitions.owns(records, "a", 1)
    assert transitions.owns(records, "a", 2)
    assert brief(transitions.succeed(records, "a", 2, {"x": 2}, peak_rss_mib=7.5)) == [("a", "succeeded")]
    row = look(records, "a")
    assert (row.result, row.peak_rss_mib, row.attempt) == ({"x": 2}, 7.5, 2)
    with records.read() as session:
        outcomes = [r.outcome for r in session.query(JobAttemptRow).order_by(JobAttemptRow.attempt)]
    assert outcomes == ["lost", "succeeded"]


def test_lease_that_ran_out_is_found(records):
    add(records, "short")
    add(records, "long")
    claim(records, "short", lease_s=-1.0)
    claim(records, "long")
    assert transitions.expired(records) == [("short", 1, "w")]
    assert transitions.renew(records, "short", 1, lease_s=LEASE_S) is False
    assert transitions.expired(records) == []


def test_lost_too_often_fails(records):
    add(records, "a")
    for attempt in range(1, MAX_TAKEOVERS + 1):
        assert claim(records, "a") == attempt
        assert brief(transitions.lose(records, "a", attempt, "died")) == [("a", "queued")]
    claim(records, "a")
    (change,) = transitions.lose(records, "a", MAX_TAKEOVERS + 1, "died", hint="look")
    assert (change.status, change.error, change.hint) == ("failed", "died (3 times in a row)", "look")


def test_released_job_costs_no_takeover(records):
    add(records, "a", takeovers_left=0)
    claim(records, "a")
    assert brief(transitions.release(records, "a", 1, "stopped")) == [("a", "queued")]


def test_retry_waits_for_its_pause_and_ends_with_the_retries(records):
    add(records, "a", retries_left=1)
    claim(records, "a")
    (change,) = transitions.fail(records, "a", 1, "away", retry_delay_s=0.3)
    assert (change.status, change.delay_s) == ("queued", 0.3)
    assert claim(records, "a") is None
    threading.Event().wait(0.4)
    assert claim(records, "a") == 2
    (change,) = transitions.fail(records, "a", 2, "away", retry_delay_s=0.3)
    assert change.status == "failed"


def test_failure_that_cannot_pass_is_final(records):
    add(records, "a")
    claim(records, "a")
    assert brief(transitions.fail(records, "a", 1, "wrong")) == [("a", "failed")]


def test_child_of_two_parents_waits_for_both(records):
    add(records, "a")
    add(records, "b")
    add(records, "c", "a", "b", status="waiting")
    claim(records, "a")
    claim(records, "b")
    assert brief(transitions.succeed(records, "a", 1, {}, peak_rss_mib=None)) == [("a", "succeeded")]
    assert brief(transitions.succeed(records, "b", 1, {}, peak_rss_mib=None)) == [("b", "succeeded"), ("c", "queued")]


def test_failed_parent_takes_descendants_down_and_retry_revives_them(records):
    add(records, "a")
    add(records, "other", status="succeeded")
    add(records, "b", "a", "other", status="waiting")
    add(records, "c", "b", status="waiting")
    claim(records, "a")
    changes = transitions.fail(records, "a", 1, "wrong")
    assert brief(changes) == [("a", "failed"), ("b", "cancelled"), ("c", "cancelled")]
    assert "failed: wrong" in changes[1].error
    with records.write() as session, pytest.raises(InvalidInputError, match="retry that one"):
        requeue(session, session.get_one(JobRow, "b"), retry_attempts=3)
    with records.write() as session:
        revived = requeue(session, session.get_one(JobRow, "a"), retry_attempts=5)
    assert brief(revived) == [("a", "queued"), ("b", "waiting"), ("c", "waiting")]
    assert look(records, "a").retries_left == 5
    assert claim(records, "a") == 2


def test_cancel_before_the_start_and_while_it_runs(records):
    add(records, "a")
    add(records, "b", "a", status="waiting")
    claim(records, "a")
    assert transitions.request_cancel(records, "a") == []
    assert transitions.renew(records, "a", 1, lease_s=LEASE_S) is True
    # a crash or a passing failure after that does not start it again
    assert brief(transitions.fail(records, "a", 1, "away", retry_delay_s=0.0))[0] == ("a", "failed")
    assert look(records, "b").status == "cancelled"
    add(records, "c")
    assert brief(transitions.request_cancel(records, "c")) == [("c", "cancelled")]
    assert transitions.request_cancel(records, "c") == []
    add(records, "d")
    claim(records, "d")
    transitions.request_cancel(records, "d")
    assert brief(transitions.lose(records, "d", 1, "died")) == [("d", "cancelled")]


def test_waiting_job_nobody_told_is_settled(records):
    add(records, "a", status="succeeded")
    add(records, "b", "a", status="waiting")
    add(records, "f", status="failed", error="wrong")
    add(records, "g", "f", status="waiting")
    assert sorted(brief(settle_waiting(records))) == [("b", "queued"), ("g", "cancelled")]
    assert settle_waiting(records) == []


def test_job_without_parents_is_queued_at_once(records):
    add(records, "a", status="waiting")
    with records.write() as session:
        assert brief(settle(session, [session.get_one(JobRow, "a")])) == [("a", "queued")]


def _with_parts(records):
    add(records, "whole", kind="factors")
    attempt = claim(records, "whole")
    for name in ("runs", "waits"):
        add(records, name, kind="factor_block", parent="whole")
    claim(records, "runs")
    add(records, "done", kind="factor_block", parent="whole", status="succeeded")
    add(records, "clone", kind="factors", parent="whole")  # made after its model, and a job of its own
    return attempt


def _parts(records):
    return {name: (str(look(records, name).status), look(records, name).cancel_requested)
            for name in ("runs", "waits", "done", "clone")}  # fmt: skip


STOPPED = {
    "runs": ("running", True),
    "waits": ("cancelled", True),
    "done": ("succeeded", False),
    "clone": ("queued", False),
}


def test_parts_stop_when_their_job_is_asked_to(records):
    _with_parts(records)
    assert brief(transitions.request_cancel(records, "whole")) == [("waits", "cancelled")]
    assert _parts(records) == STOPPED
    assert look(records, "whole").cancel_requested


def test_parts_stop_when_their_job_fails_and_not_when_it_is_tried_again(records):
    attempt = _with_parts(records)
    before = _parts(records)
    transitions.fail(records, "whole", attempt, "the store is away", retry_delay_s=0.0)
    assert _parts(records) == before
    attempt = claim(records, "whole")
    assert brief(transitions.fail(records, "whole", attempt, "it cannot be")) == [
        ("whole", "failed"), ("waits", "cancelled")
    ]  # fmt: skip
    assert _parts(records) == STOPPED
