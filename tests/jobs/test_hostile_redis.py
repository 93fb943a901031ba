"""Somebody with full write access to Redis gets nothing executed, and nobody stopped for long."""

import json
import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import jobs
from jobs.connection import new_connection

SUPPORT = Path(__file__).resolve().parents[1] / "support"
HEX = "0123456789abcdef0123"


def crafted(data: bytes) -> dict[str, bytes | str | int]:
    """A job's hash as RQ keeps it, complete, with everything in it that RQ calls."""
    return {
        "data": zlib.compress(data), "origin": "data", "status": "queued", "created_at": "2026-01-02T00:00:00.000000Z",
        "description": "x", "timeout": 180, "success_callback_name": "canary.sing",
        "failure_callback_name": "canary.sing", "stopped_callback_name": "canary.sing", "result_ttl": 500,
        "meta": pickle.dumps("x"), "enqueued_at": "2026-01-02T00:00:00.000000Z", "retries_left": 3,
        "webhooks": json.dumps([{"url": "http://127.0.0.1:9/", "statuses": ["finished", "failed"]}]),
        "repeats_left": 3, "repeat_intervals": "[1]", "dependency_ids": "[]",
    }  # fmt: skip


def payloads() -> list[bytes]:
    sys.path.insert(0, str(SUPPORT))
    try:
        import canary

        eggs = pickle.dumps(canary.Egg())
    finally:
        sys.path.remove(str(SUPPORT))
    return [
        json.dumps(["canary.sing", None, [], {}]).encode(), pickle.dumps(("canary.sing", None, (), {})), eggs,
        json.dumps(["builtins.exec", None, ["import canary; canary.sing()"], {}]).encode(), b"\xff" * 100,
    ]  # fmt: skip


@pytest.fixture
def redis(running):
    connection = new_connection(running.settings.redis)
    yield connection
    connection.close()


def canary_sang(running) -> bool:
    return (running.settings.home / "canary").exists()


@pytest.mark.parametrize("number", range(2))
def test_payload_is_executed_by_rq_itself(running, redis, number):
    # proof that the attacks below are real ones
    redis.hset(f"rq:job:{HEX}", mapping=crafted(payloads()[number]) | {"origin": "proof"})
    redis.rpush("rq:queue:proof", HEX)
    serializer = ("rq.serializers.JSONSerializer", "rq.serializers.PickleSerializer")[number]
    code = (
        "import sys, redis, rq; from rq.utils import import_attribute\n"
        f"sys.path.insert(0, {str(SUPPORT)!r}); c = redis.Redis.from_url({running.settings.redis!r})\n"
        f"rq.SimpleWorker(['proof'], connection=c, serializer=import_attribute({serializer!r})).work(burst=True)"
    )
    environment = dict(os.environ) | {"QBRAIN_HOME": str(running.settings.home)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, timeout=60)
    assert canary_sang(running)
    (running.settings.home / "canary").unlink()


def test_crafted_jobs_execute_nothing(running, redis):
    (worker,) = jobs.workers(settings=running.settings)
    for number, payload in enumerate(payloads()):
        for job_id in (f"{number:x}" * 20, f"{number:020x}", f"evil-{number}", f"../../{number}"):
            redis.hset(f"rq:job:{job_id}", mapping=crafted(payload))
            redis.sadd("rq:queues", "rq:queue:data")
            redis.zadd("rq:wip:data", {job_id: 1})
            redis.zadd("rq:scheduled:data", {job_id: 1})
            redis.zadd("rq:failed:data", {job_id: 1})
            redis.lpush("rq:queue:data", job_id)
            redis.lpush("rq:queue:data:intermediate", job_id)
    # a job of ours, under whose id something else stands, before and after it is submitted
    spec = running.spec(["sleep", 0.3])
    job = jobs.submit(spec, settings=running.settings)
    redis.hset(f"rq:job:{job.id}", mapping=crafted(payloads()[0]))
    done = jobs.wait(job.id, timeout_s=60, settings=running.settings)
    assert (done.status, done.result["value"]) == ("succeeded", spec.path)
    assert not canary_sang(running)
    assert [w.pid for w in jobs.workers(settings=running.settings)] == [worker.pid]


def test_rubbish_in_the_queue_stops_nobody(running, redis):
    (worker,) = jobs.workers(settings=running.settings)
    for item in (b"\xff\xfe\x00", b"", b"x" * 900_000, b"a" * 20 + b"\n", "ａ" * 20, "A" * 20):
        redis.rpush("rq:queue:data", item)
    redis.set("rq:suspended", 1)
    for command in ("shutdown", "kill-horse", "stop-job"):
        redis.publish(f"rq:pubsub:{worker.name}", json.dumps({"command": command, "job_id": "x"}))
    job = jobs.submit(running.spec(), settings=running.settings)
    assert jobs.wait(job.id, timeout_s=60, settings=running.settings).status == "succeeded"
    assert [w.pid for w in jobs.workers(settings=running.settings)] == [worker.pid]


def test_rubbish_in_streams_and_notes_reaches_nobody(running, redis, until):
    job = jobs.submit(running.spec(["stage", "fit", 0.1], ["sleep", 30]), settings=running.settings)
    until(lambda: jobs.job(job.id, settings=running.settings).stage, 30)
    stream, live = f"qbrain:events:{job.id}", f"qbrain:live:{job.id}"
    good = {"attempt": "1", "ts": "2026-01-02T00:00:00+00:00", "type": "log", "payload": '{"message": "planted"}'}
    for bad in (
        {"payload": "[" * 100_000}, {"payload": "5"}, {"type": "exec"}, {"attempt": "9" * 400}, {"ts": "never"},
        {"payload": json.dumps({"message": "x" * 500_000})}, {"type": b"\xff"},
    ):  # fmt: skip
        redis.xadd(stream, good | bad)
    redis.xadd(stream, {"x": "y"})
    redis.hset(live, mapping={"stage": b"\xff" * 10_000, "progress": "inf"})
    redis.hset("rq:worker:fake", mapping={"name": "fake", "pid": "x", "queue": "data"})
    redis.set("rq:worker:other", "x")
    redis.sadd("rq:workers", "rq:worker:fake", "rq:worker:other", b"\xff")

    seen = jobs.job(job.id, settings=running.settings)
    assert (seen.progress, len(seen.stage or "")) == (1.0, 80)
    assert len(jobs.workers(settings=running.settings)) == 1
    told = list(jobs.events(job.id, settings=running.settings))
    assert {e.type for e in told} == {"state", "stage", "metric"}
    assert "planted" not in str(told)

    # a flag in Redis alone cancels nothing
    redis.set(f"qbrain:cancel:{job.id}", 1)
    # nor does a key of the wrong kind stop the job that publishes to it, or the queue
    redis.delete(stream, live, "rq:queue:data")
    for key in (stream, live, "rq:queue:data"):
        redis.set(key, "x")
    later = jobs.submit(running.spec(), settings=running.settings)
    assert jobs.job(job.id, settings=running.settings).status == "running"
    jobs.cancel(job.id, settings=running.settings)
    assert jobs.wait(job.id, timeout_s=60, settings=running.settings).status == "cancelled"
    assert jobs.wait(later.id, timeout_s=60, settings=running.settings).status == "succeeded"
    assert not canary_sang(running)
