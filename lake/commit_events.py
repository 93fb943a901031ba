"""Tell other processes what was committed, over one capped Redis stream.

News, not truth: the Delta log is the truth, and every key of a cache holds the data version it belongs to. Where Redis
is away a commit goes on without it, and a listener that missed something only keeps what nobody will ask for again.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from qbrain_core.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["COMMITS", "CommitEvent", "listen", "publish"]

COMMITS = "qbrain:lake:commits"
"""Key of the stream."""

_KEPT = 1_000
"""Events the stream holds, about; a listener that was away for longer has missed some."""

_CONNECT_S = 0.25
"""How long a commit may wait for Redis, in seconds."""

_SILENCE_S = 30.0
"""How long commits of this process leave Redis alone after it did not answer, in seconds."""

_BLOCK_S = 1.0
"""How long a listener waits in one request, and before it tries again, in seconds."""

_silent_until: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class CommitEvent:
    """One commit to one table.

    Attributes
    ----------
    table : str
    version : int
        The version it made.
    data_version : int
        `Catalog.data_version` of it: less than `version` where no row changed (compaction).
    job : str
        Id of the job that wrote; "" where it was none.
    """

    table: str
    version: int
    data_version: int
    job: str = ""


def publish(settings: Settings, events: Sequence[CommitEvent]) -> bool:
    """Announce commits; returns soon and never raises for want of Redis.

    Parameters
    ----------
    settings : Settings
    events : sequence of CommitEvent
        In the order they were committed.

    Returns
    -------
    bool
        Whether they were announced.
    """
    url = settings.redis
    if not events or (settings.embedded_redis and not settings.valkey_socket.exists()):
        return False
    if time.monotonic() < _silent_until.get(url, 0.0):
        return False
    from redis.exceptions import RedisError  # a process that only reads, or has no Redis, does without

    try:
        with _publisher(url).pipeline(transaction=False) as pipeline:
            for event in events:
                pipeline.xadd(COMMITS, cast(Any, asdict(event)), maxlen=_KEPT, approximate=True)
            pipeline.execute()
    except RedisError:
        _silent_until[url] = time.monotonic() + _SILENCE_S
        return False
    return True


def listen(settings: Settings, *, stop: threading.Event | None = None) -> Iterator[CommitEvent]:
    """Give every commit announced from now on, as it comes; made for a thread of its own.

    Parameters
    ----------
    settings : Settings
    stop : Event, optional
        Ends the iteration, within about a second.

    Yields
    ------
    CommitEvent
        While Redis is away there is none; afterwards those it still has.
    """
    from redis.exceptions import RedisError

    stop = stop or threading.Event()
    redis = _connection(settings.redis, connect_s=2.0, answer_s=_BLOCK_S + 2.0)
    last: str | None = None
    while not stop.is_set():
        try:
            if last is None:
                newest = cast(list[tuple[bytes, Any]], redis.xrevrange(COMMITS, count=1))
                last = newest[0][0].decode() if newest else "0-0"
            answer: Any = redis.xread({COMMITS: last}, block=int(_BLOCK_S * 1000), count=_KEPT)
        except RedisError:
            stop.wait(_BLOCK_S)
            continue
        for entries in answer.values() if isinstance(answer, dict) else [rows for _, rows in answer or []]:
            # protocol 3 wraps the entries of a stream in one more list
            for name, fields in entries[0] if entries and isinstance(entries[0], list) else entries:
                last = name.decode()
                event = _read(fields)
                if event is not None:
                    yield event
    redis.close()


@lru_cache(maxsize=4)
def _publisher(url: str) -> "Redis":
    return _connection(url, connect_s=_CONNECT_S, answer_s=_CONNECT_S)


def _connection(url: str, *, connect_s: float, answer_s: float) -> "Redis":
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # one second try at once: a pooled connection may be a dead one from before a restart
    retry = Retry(NoBackoff(), 1)
    return Redis.from_url(url, retry=retry, socket_connect_timeout=connect_s, socket_timeout=answer_s)


def _read(fields: dict[bytes, bytes]) -> CommitEvent | None:
    # anyone who reaches Redis may write there: what is no event is passed over
    values = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in fields.items()}
    try:
        return CommitEvent(values["table"], int(values["version"]), int(values["data_version"]), values.get("job", ""))
    except (KeyError, ValueError):
        return None
