"""RQ's queue and job, cut down to an id: whatever else stands in Redis is never read, run or called.

Signing what RQ keeps there would not be enough: it also imports and calls the callbacks that a job's hash names, and
sends the webhooks that it lists.
"""

import logging
import time
from typing import Any, Self

from redis import Redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from jobs.outbox import JOB_ID

__all__ = ["IdQueue", "QueuedId"]

_PAUSE_S = 2.0

_log = logging.getLogger("qbrain.worker")


class QueuedId(RQJob):
    """A job as Redis knows it: an id. Nothing of the hash that RQ keeps beside it is read, run or called."""

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Self:
        """Make it from the id alone; what stands under it in Redis is not looked at."""
        return cls(id, connection=connection, serializer=JSONSerializer)

    def restore(self, raw_data: Any) -> None:
        """Refuse: nothing of a job is restored from Redis."""
        raise TypeError("a job is described by the records alone")

    def perform(self) -> None:
        """Refuse: the runner performs jobs."""
        raise TypeError("a job is described by the records alone")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep nothing in Redis."""


class IdQueue(Queue):
    """A queue whose entries are job ids; anything else in it is thrown away."""

    @classmethod
    def dequeue_any(cls, queues: Any, timeout: int | None, connection: Redis, **_: Any) -> Any:  # type: ignore[override]
        """Pop the next job id.

        Returns
        -------
        (QueuedId, IdQueue) or None

        Raises
        ------
        DequeueTimeout
            If none came within `timeout` seconds.
        """
        (queue,) = queues
        while True:
            try:
                popped = cls.lmove(connection, queue.key, timeout)
            except ResponseError as error:
                _log.warning("the queue in Redis is not usable until the janitor has mended it: %s", error)
                time.sleep(_PAUSE_S)  # the janitor mends it within seconds, and the caller asks again at once
                raise DequeueTimeout(timeout, queue.key) from error
            if popped is None:
                return None
            raw = bytes(popped[1])
            text = raw[:64].decode("ascii", "replace")
            if len(raw) <= 64 and JOB_ID.fullmatch(text):
                return QueuedId.fetch(text, connection), queue
            _log.warning("what stood in the queue is no job id and was thrown away: %r", raw[:80])
            connection.lrem(queue.intermediate_queue_key, 0, popped[1])
