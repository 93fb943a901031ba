"""Move the events of ended jobs from Redis into the lake, several jobs in one commit."""

import hashlib
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from redis import Redis
from sqlalchemy import select, update

from jobs.connection import REDIS_DOWN, connect
from jobs.event_stream import read_stream, stream_key
from jobs.status import FINAL, JobEvent
from lake import open_lake
from lake.records import Records
from lake.records.models import JobRow
from qbrain_core.settings import Settings

__all__ = ["archive_events"]

KEPT_S = 3600
"""How long a stream stays in Redis after it was archived, for readers in the middle of it, in seconds."""

_BATCH = 50
_SETTLED_S = 2.0  # the last events of a job may come a little after its end

_log = logging.getLogger("qbrain.janitor")


def archive_events(settings: Settings, records: Records) -> list[str]:
    """Archive the events of jobs that have ended.

    Parameters
    ----------
    settings : Settings
    records : Records

    Returns
    -------
    list of str
        Ids of the jobs archived now; empty too while Redis or the lake cannot be reached: they are archived later.
    """
    before = datetime.now(UTC) - timedelta(seconds=_SETTLED_S)
    ended = select(JobRow.id, JobRow.attempt, JobRow.finished_at).where(
        JobRow.status.in_(FINAL), JobRow.archived.is_(False), JobRow.finished_at < before
    )
    with records.read() as session:
        jobs = [(str(r.id), int(r.attempt), r.finished_at) for r in session.execute(ended.limit(_BATCH))]
    if not jobs:
        return []
    ids = [job_id for job_id, _, _ in jobs]
    try:
        redis = connect(settings)
        frame = pl.concat([_frame(_all_events(redis, job_id), finished) for job_id, _, finished in jobs])
        name = hashlib.sha256(json.dumps([(i, a) for i, a, _ in jobs]).encode()).hexdigest()[:20]
        if not frame.is_empty():
            with open_lake(settings).commit(f"events-{name}", 1) as transaction:
                transaction.upsert("job_events", frame)
        with records.write() as session:
            # one that was queued again meanwhile has more to tell
            done = update(JobRow).where(JobRow.id.in_(ids), JobRow.status.in_(FINAL)).values(archived=True)
            session.execute(done.execution_options(synchronize_session=False))
        for job_id in ids:
            redis.expire(stream_key(job_id), KEPT_S)
    except (*REDIS_DOWN, OSError, RuntimeError, ValueError) as error:
        _log.warning("events of %d job(s) are not archived yet: %s", len(ids), error)
        return []
    return ids


def _all_events(redis: Redis, job_id: str) -> list[JobEvent]:
    found: list[JobEvent] = []
    while page := read_stream(redis, job_id, after=found[-1].seq if found else None):
        found += page
    return found


def _frame(events: Sequence[JobEvent], finished: datetime) -> pl.DataFrame:
    rows = {
        "job_id": [e.job_id for e in events], "seq": [e.seq for e in events], "attempt": [e.attempt for e in events],
        "ts": [e.ts for e in events], "type": [str(e.type) for e in events],
        "payload": [json.dumps(e.payload, ensure_ascii=False) for e in events],
    }  # fmt: skip
    schema: dict[str, Any] = {
        "job_id": pl.String, "seq": pl.Int64, "attempt": pl.Int32, "ts": pl.Datetime("us", "UTC"), "type": pl.String,
        "payload": pl.String,
    }  # fmt: skip
    # the month the job ended: all its events lie in one partition
    month = pl.lit(f"{finished:%Y-%m}").alias("month")
    return pl.DataFrame(rows, schema=schema).unique("seq", keep="first", maintain_order=True).with_columns(month)
