from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import jobs
from jobs import archive, transitions
from jobs.connection import connect
from jobs.event_stream import EventPublisher, read_stream, stream_key
from jobs.janitor import announce_lost, clean_up
from jobs.outbox import enqueue, queue_key
from jobs.reporter import JobReporter
from jobs.valkey import start_valkey
from lake.records import open_records
from lake.records.models import JobRow
from qbrain_core.errors import JobCancelledError, JobLostError

JOB = "0123456789abcdef0123"


@pytest.fixture
def records(settings):
    records = open_records(settings)
    with records.write() as session:
        session.add(
            JobRow(
                id=JOB, kind="ingest", queue="data", status="queued", owner="local", spec={}, spec_hash="",
                code_hash="", takeovers_left=2,
            )
        )  # fmt: skip
    return records


def messages(told):
    return [e.payload["message"] for e in told]


def test_events_of_an_outage_come_after_it(settings, records, monkeypatch):
    monkeypatch.setattr("jobs.event_stream._PAUSE_S", 0.0)
    redis = connect(settings)
    publisher = EventPublisher(redis, JOB, 1)
    publisher.publish("log", {"message": "during"})
    with start_valkey(settings):
        assert read_stream(redis, JOB) == []
        publisher.publish("log", {"message": "after", "when": datetime(2026, 1, 2)})
        told = read_stream(redis, JOB)
    assert messages(told) == ["during", "after"]
    assert told[0].seq < told[1].seq
    assert abs(told[0].ts - datetime.now(UTC)) < timedelta(minutes=1)


def test_page_goes_on_after_the_last_one(settings, valkey):
    redis = connect(settings)
    publisher = EventPublisher(redis, JOB, 1)
    for number in range(1_500):
        publisher.publish("log", {"message": number})
    first = read_stream(redis, JOB)
    second = read_stream(redis, JOB, after=first[-1].seq)
    assert messages(first) + messages(second) == list(range(1_500))
    assert read_stream(redis, JOB, after=second[-1].seq) == []


def test_event_too_large_is_told_of_instead(settings, valkey):
    redis = connect(settings)
    EventPublisher(redis, JOB, 1).publish("metric", {"values": {str(n): 1.0 for n in range(5_000)}})
    (told,) = read_stream(redis, JOB)
    assert (told.type, told.payload["level"]) == ("log", "warning")


def test_reporter_leaves_out_what_is_no_number_and_warns_once(settings, valkey, records):
    reporter = JobReporter(connect(settings), records, JOB, 1)
    for step in range(3):
        reporter.metric(step, {"train.l2": 0.5, "valid.l2": float("nan")}, total=3)
    told = read_stream(connect(settings), JOB)
    assert [e.type for e in told] == ["log", "metric", "metric", "metric"]
    assert told[1].payload == {"step": 0, "total": 3, "values": {"train.l2": 0.5}}


def test_check_raises_when_asked_to_stop_or_when_the_job_is_lost(settings, valkey, records, monkeypatch):
    monkeypatch.setattr("jobs.reporter._CHECK_S", 0.0)
    assert transitions.claim(records, JOB, queue="data", worker="w", lease_s=30) == 1
    reporter = JobReporter(connect(settings), records, JOB, 1)
    reporter.check()
    jobs.cancel(JOB, settings=settings)
    with pytest.raises(JobCancelledError):
        reporter.check()
    transitions.lose(records, JOB, 1, "died")
    with pytest.raises(JobLostError):
        reporter.check()
    with pytest.raises(JobLostError, match="worker"):
        JobReporter(connect(settings), records, JOB, 1, parent=1_000_000).check()


def test_check_finds_the_wish_in_the_record_while_redis_is_down(settings, records, monkeypatch):
    monkeypatch.setattr("jobs.reporter._CHECK_S", 0.0)
    monkeypatch.setattr("jobs.reporter._ASK_RECORDS_S", 0.0)
    transitions.claim(records, JOB, queue="data", worker="w", lease_s=30)
    reporter = JobReporter(connect(settings), records, JOB, 1)
    reporter.check()
    jobs.cancel(JOB, settings=settings)
    with pytest.raises(JobCancelledError):
        reporter.check()


def test_janitor_announces_what_redis_does_not_have(settings, valkey, records):
    redis = connect(settings)
    assert announce_lost(settings, records) == [JOB]
    assert announce_lost(settings, records) == []
    assert redis.lrange(queue_key("data"), 0, -1) == [JOB.encode()]
    redis.flushall()
    redis.set(queue_key("data"), "not a list")
    assert announce_lost(settings, records) == [JOB]
    assert redis.lrange(queue_key("data"), 0, -1) == [JOB.encode()]


def test_job_submitted_while_redis_is_down_is_announced_later(settings, records):
    assert enqueue(connect(settings), [("data", JOB)]) is False
    assert announce_lost(settings, records) == []
    with start_valkey(settings):
        assert announce_lost(settings, records) == [JOB]


def test_janitor_waits_with_a_retry_until_it_is_due(settings, valkey, records):
    with records.write() as session:
        session.get_one(JobRow, JOB).retries_left = 1
    transitions.claim(records, JOB, queue="data", worker="w", lease_s=30)
    transitions.fail(records, JOB, 1, "away", retry_delay_s=0.5)
    assert announce_lost(settings, records) == []
    import time

    time.sleep(0.6)
    assert announce_lost(settings, records) == [JOB]


def test_events_are_archived_once_and_read_from_the_lake(settings, valkey, records, lake, monkeypatch):
    monkeypatch.setattr(archive, "_SETTLED_S", 0.0)
    redis = connect(settings)
    transitions.claim(records, JOB, queue="data", worker="w", lease_s=30)
    publisher = EventPublisher(redis, JOB, 1)
    publisher.publish("stage", {"name": "load", "fraction": 0.5})
    publisher.publish("log", {"message": "你好"})
    told = list(jobs.events(JOB, settings=settings))
    assert archive.archive_events(settings, records) == []  # it runs
    transitions.succeed(records, JOB, 1, {}, peak_rss_mib=None)
    clean_up(settings)
    assert archive.archive_events(settings, records) == []  # it is done
    stored = lake.scan("job_events").filter(pl.col("job_id") == JOB).collect()
    assert stored["seq"].to_list() == [e.seq for e in told]
    assert 0 < redis.ttl(stream_key(JOB)) <= archive.KEPT_S
    redis.flushall()
    assert list(jobs.events(JOB, settings=settings)) == told
    assert list(jobs.events(JOB, follow=True, after=told[0].seq, settings=settings)) == told[1:]


def test_record_speaks_for_an_ended_job_without_stream_and_archive(settings, valkey, records):
    transitions.claim(records, JOB, queue="data", worker="w", lease_s=30)
    transitions.fail(records, JOB, 1, "wrong", hint="mend it")
    (told,) = jobs.events(JOB, follow=True, settings=settings)
    assert told.payload == {"status": "failed", "error": "wrong", "hint": "mend it"}
