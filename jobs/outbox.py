"""Put job ids into Redis: the records are committed first, so what gets lost on the way is found there again."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from redis import Redis
from rq import Queue

from jobs.connection import REDIS_DOWN
from qbrain_core.settings import QUEUES

__all__ = ["JOB_ID", "enqueue", "queue_key", "queued_ids"]

JOB_ID = re.compile(r"[0-9a-f]{20}")
"""What a job id looks like; anything else found in Redis is not one."""

_MAX_LISTED = 100_000

_log = logging.getLogger("qbrain.jobs")


def queue_key(queue: str) -> str:
    """Name the Redis list of a queue.

    Parameters
    ----------
    queue : str

    Returns
    -------
    str
    """
    return f"{Queue.redis_queue_namespace_prefix}{queue}"


def enqueue(redis: Redis, jobs: Sequence[tuple[str, str]]) -> bool:
    """Announce queued jobs to their workers; ids only.

    Parameters
    ----------
    redis : Redis
    jobs : sequence of (str, str)
        Queue and job id. Announcing one twice does no harm: the second worker finds it taken.

    Returns
    -------
    bool
        False where Redis could not be reached; the janitor announces them once it can.
    """
    if not jobs:
        return True
    try:
        with redis.pipeline(transaction=False) as pipeline:
            for queue, job_id in jobs:
                pipeline.rpush(queue_key(queue), job_id)
            pipeline.execute()
    except REDIS_DOWN as error:
        _log.warning("Redis cannot be reached, %d job(s) will be announced later: %s", len(jobs), error)
        return False
    return True


def queued_ids(redis: Redis) -> Mapping[str, frozenset[str]]:
    """List what stands in Redis.

    Parameters
    ----------
    redis : Redis

    Returns
    -------
    mapping of str to frozenset of str
        Job ids by queue; what is not a job id is left out.
    """
    found = {}
    for queue in QUEUES:
        raw: Any = redis.lrange(queue_key(queue), 0, _MAX_LISTED - 1)
        texts = (item.decode("ascii", "replace") for item in raw)
        found[queue] = frozenset(text for text in texts if JOB_ID.fullmatch(text))
    return found
