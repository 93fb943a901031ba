"""Live events of a job: one capped Redis Stream each, archived to the lake when the job has ended."""

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast, get_args

from redis import Redis

from jobs.connection import REDIS_DOWN, connect
from jobs.status import FINAL, EventType, JobEvent, JobStatus
from lake.records import open_records
from lake.records.models import JobRow
from qbrain_core.errors import UnknownNameError
from qbrain_core.settings import Settings

__all__ = ["EventPublisher", "events", "live_key", "read_stream", "state_payload", "stream_key"]

MAX_EVENTS = 20_000
"""Events a stream keeps; the oldest go first."""

_MAX_PAYLOAD = 16_384  # bytes of JSON
_MAX_PENDING = 5_000
_PAGE = 1_000
_BLOCK_MS = 500
_PER_MS = 1_000  # a stream id is milliseconds and a counter; `seq` packs both into one integer
_PAUSE_S = 2.0


def stream_key(job_id: str) -> str:
    """Name the stream of a job's events."""
    return f"qbrain:events:{job_id}"


def live_key(job_id: str) -> str:
    """Name the hash of a running job's stage and progress."""
    return f"qbrain:live:{job_id}"


class EventPublisher:
    """Publishes the events of one attempt; keeps them for later while Redis cannot be reached.

    Parameters
    ----------
    redis : Redis
    job_id : str
    attempt : int
    """

    def __init__(self, redis: Redis, job_id: str, attempt: int) -> None:
        self._redis = redis
        self._job_id = job_id
        self._attempt = attempt
        self._pending: deque[dict[str, str]] = deque(maxlen=_MAX_PENDING)
        self._next_try = 0.0

    def publish(self, type_: EventType, payload: Mapping[str, Any]) -> None:
        """Publish one event; never raises because of Redis and never waits for it for long.

        Parameters
        ----------
        type_ : str
        payload : mapping
            JSON values.
        """
        text = json.dumps(payload, default=str, ensure_ascii=False)
        if len(text.encode()) > _MAX_PAYLOAD:
            text = json.dumps({"level": "warning", "message": f"an event of {len(text)} characters was dropped"})
            type_ = "log"
        now = datetime.now(UTC).isoformat()
        self._pending.append({"attempt": str(self._attempt), "ts": now, "type": type_, "payload": text})
        self.flush()

    def flush(self) -> None:
        """Send what is pending, unless Redis was found down a moment ago."""
        if time.monotonic() < self._next_try:
            return
        batch = list(self._pending)
        try:
            with self._redis.pipeline(transaction=True) as pipeline:
                key = stream_key(self._job_id)
                for fields in batch:
                    pipeline.xadd(key, cast(Any, fields), maxlen=MAX_EVENTS, approximate=True)
                pipeline.persist(key)
                pipeline.execute()
        except REDIS_DOWN:
            self._next_try = time.monotonic() + _PAUSE_S
            return
        self._pending.clear()


def read_stream(redis: Redis, job_id: str, *, after: int | None = None, block_ms: int | None = None) -> list[JobEvent]:
    """Read a page of a job's stream.

    Parameters
    ----------
    redis : Redis
    job_id : str
    after : int, optional
        `seq` of the last event already known.
    block_ms : int, optional
        How long to wait for one where there is none; None: not at all.

    Returns
    -------
    list of JobEvent
        At most 1,000; what does not look like an event is left out.
    """
    last = f"{after // _PER_MS}-{after % _PER_MS}" if after is not None else "0-0"
    answer: Any = redis.xread({stream_key(job_id): last}, count=_PAGE, block=block_ms)
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or []]
    found: list[JobEvent] = []
    for entries in streams:
        # protocol 3 wraps the entries of a stream in one more list
        rows = entries[0] if entries and isinstance(entries[0], list) else entries
        found += [event for row in rows if (event := _decode(job_id, *row)) is not None]
    return found


def events(
    job_id: str, *, follow: bool = False, after: int | None = None, settings: Settings | None = None
) -> Iterator[JobEvent]:
    """Read what a job has told.

    Parameters
    ----------
    job_id : str
    follow : bool
        Go on with what it tells next, until it has ended and everything was read.
    after : int, optional
        `seq` of the last event already known.
    settings : Settings, optional

    Yields
    ------
    JobEvent
        In order. From the live stream; from the lake's archive once the job is archived; from its record where both are
        gone.

    Raises
    ------
    UnknownNameError
        If there is no such job.
    """
    settings = settings or Settings()
    _record(settings, job_id)  # now, not at the first event
    return _events(settings, job_id, follow, after)


def _events(settings: Settings, job_id: str, follow: bool, after: int | None) -> Iterator[JobEvent]:
    redis = connect(settings)
    told = False
    while True:
        # the record first: whatever was told before the end is in the stream by then
        row = _record(settings, job_id)
        ended = row.status in FINAL
        if row.archived:
            break
        page = _page(redis, job_id, after, _BLOCK_MS if follow and not ended else None)
        for event in page:
            told, after = True, event.seq
            yield event
        if not page and (ended or not follow):
            break
    if row.archived:
        for event in _archived(settings, job_id, after):
            told = True
            yield event
    if not told and after is None and row.status in FINAL:
        at = row.finished_at or row.created_at
        payload = {"status": row.status, "error": row.error, "hint": row.hint}
        yield JobEvent(int(at.timestamp() * 1000) * _PER_MS, job_id, row.attempt, at, "state", payload)


def _page(redis: Redis, job_id: str, after: int | None, block_ms: int | None) -> list[JobEvent]:
    try:
        return read_stream(redis, job_id, after=after, block_ms=block_ms)
    except REDIS_DOWN:
        if block_ms:
            time.sleep(block_ms / 1000)  # a Redis that is down does not block: whoever follows would spin
        return []


def _archived(settings: Settings, job_id: str, after: int | None) -> Iterator[JobEvent]:
    import polars as pl

    from lake import open_lake

    frame = open_lake(settings).scan("job_events").filter(pl.col("job_id") == job_id)
    if after is not None:
        frame = frame.filter(pl.col("seq") > after)
    for row in frame.sort("seq").collect().iter_rows(named=True):
        at = row["ts"].astimezone(UTC)
        yield JobEvent(row["seq"], job_id, row["attempt"], at, row["type"], json.loads(row["payload"]))


def _decode(job_id: str, entry_id: bytes, fields: Mapping[bytes, bytes]) -> JobEvent | None:
    try:
        ms, _, counter = entry_id.decode("ascii").partition("-")
        payload = json.loads(fields[b"payload"])
        type_ = fields[b"type"].decode("ascii")
        ts = datetime.fromisoformat(fields[b"ts"].decode("ascii")).astimezone(UTC)
        attempt = int(fields[b"attempt"])
        seq = int(ms) * _PER_MS + min(int(counter), _PER_MS - 1)
    except (KeyError, ValueError, OverflowError, RecursionError):
        return None
    good = type_ in get_args(EventType) and isinstance(payload, dict) and len(fields[b"payload"]) <= _MAX_PAYLOAD
    if not good or not 0 <= attempt < 2**31 or not 0 <= seq < 2**63:
        return None
    return JobEvent(seq, job_id, attempt, ts, cast(EventType, type_), payload)


def _record(settings: Settings, job_id: str) -> JobRow:
    with open_records(settings).read() as session:
        row = session.get(JobRow, job_id)
    if row is None:
        raise UnknownNameError("job", job_id, [])
    return row


def state_payload(status: JobStatus, **fields: Any) -> dict[str, Any]:
    """Word a state event; fields without a value are left out."""
    return {"status": str(status), **{name: value for name, value in fields.items() if value is not None}}
