"""Which workers are there: each leaves a short-lived note in Redis."""

from datetime import UTC, datetime
from typing import Any

from redis import Redis
from rq.worker_registration import REDIS_WORKER_KEYS

from jobs.connection import REDIS_DOWN, connect
from jobs.status import WorkerInfo
from qbrain_core.settings import Settings

__all__ = ["PRESENCE_S", "note_presence", "workers"]

PRESENCE_S = 10
"""How long a worker counts as there after it was last heard of, in seconds."""


def note_presence(redis: Redis, key: str, note: dict[str, str]) -> None:
    """Leave a worker's note.

    Parameters
    ----------
    redis : Redis
    key : str
        Its key in Redis, as RQ words it.
    note : dict of str to str
        Fields of `WorkerInfo`.

    Raises
    ------
    redis.ConnectionError
        If Redis cannot be reached.
    """
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.hset(key, mapping=dict[Any, Any](note))
        pipeline.expire(key, PRESENCE_S)
        pipeline.sadd(REDIS_WORKER_KEYS, key)
        pipeline.execute()


def workers(*, settings: Settings | None = None) -> list[WorkerInfo]:
    """List the workers heard of in the last ten seconds.

    Parameters
    ----------
    settings : Settings, optional

    Returns
    -------
    list of WorkerInfo
        By queue and name; empty while Redis cannot be reached.
    """
    redis = connect(settings or Settings())
    try:
        members: Any = redis.smembers(REDIS_WORKER_KEYS)
        keys = sorted(bytes(key) for key in members)
        with redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hgetall(key)
            notes = pipeline.execute(raise_on_error=False)
        gone = [key for key, note in zip(keys, notes, strict=True) if not note]
        if gone:
            redis.srem(REDIS_WORKER_KEYS, *gone)
    except REDIS_DOWN:
        return []
    found = [worker for note in notes if isinstance(note, dict) and (worker := _decode(note)) is not None]
    return sorted(found, key=lambda w: (w.queue, w.name))


def _decode(raw: dict[bytes, bytes]) -> WorkerInfo | None:
    note = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in raw.items()}
    try:
        return WorkerInfo(
            name=note["name"], queue=note["queue"], host=note["host"], pid=int(note["pid"]), state=note["state"],
            job_id=note.get("job_id") or None, started_at=datetime.fromisoformat(note["started_at"]).astimezone(UTC),
            seen_at=datetime.fromisoformat(note["seen_at"]).astimezone(UTC),
            rss_mib=float(note["rss_mib"]) if note.get("rss_mib") else None,
        )  # fmt: skip
    except (KeyError, ValueError):
        return None  # not written by a worker of ours
