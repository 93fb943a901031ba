"""The second level: small frames in Redis, for every process of the installation, for an hour.

A frame travels as Arrow IPC; nothing found in Redis is ever executed. Where Redis is away, slow or full, the level is
skipped and left alone for a while.
"""

import threading
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from lake.cache.counts import Counts, LevelFigures
from lake.cache.keys import Key
from qbrain_core.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["MAX_BYTES", "PREFIX", "TTL_S", "SharedCache"]

PREFIX = "qbrain:cache:"
"""How every key in Redis begins."""

TTL_S = 3600
"""Seconds a frame is kept at most."""

MAX_BYTES = 1_000_000
"""Bytes of the largest frame kept, encoded; the embedded Valkey takes no value beyond 1 MiB."""

_ANSWER_S = 0.04
_SILENCE_S = 10.0
_ORDER, _SIZES = f"{PREFIX}order", f"{PREFIX}sizes"
_MIB = 2**20

# keeps a value and forgets the oldest ones until the rest fits; both in one step, so that no count goes astray
_PUT = """
local order, sizes, now = KEYS[2], KEYS[3], tonumber(ARGV[3])
local removed = 0
local function forget(name)
    redis.call('DEL', name); redis.call('ZREM', order, name); redis.call('HDEL', sizes, name)
    removed = removed + 1
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('ZADD', order, now, KEYS[1])
redis.call('HSET', sizes, KEYS[1], #ARGV[1])
for _, name in ipairs(redis.call('ZRANGEBYSCORE', order, '-inf', now - ARGV[2])) do forget(name) end
local total = 0
for _, size in ipairs(redis.call('HVALS', sizes)) do total = total + size end
while total > tonumber(ARGV[4]) do
    local oldest = redis.call('ZRANGE', order, 0, 0)[1]
    if not oldest then redis.call('DEL', sizes) break end
    total = total - (redis.call('HGET', sizes, oldest) or 0)
    forget(oldest)
end
return removed
"""


class SharedCache:
    """Frames by key in Redis, bounded by their size in bytes; thread-safe, never raises for want of Redis.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bound = settings.cache_redis_mib * _MIB
        self._counts = Counts()
        self._redis: Redis | None = None
        self._silent_until = 0.0
        self._lock = threading.Lock()

    def get(self, key: Key) -> pl.DataFrame | None:
        """Look a frame up.

        Parameters
        ----------
        key : Key

        Returns
        -------
        DataFrame or None
            None also where Redis does not answer at once.
        """
        content = self._ask(lambda redis: redis.get(_name(key)))
        try:
            frame = _decoded(content) if content else None
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError):  # not what we wrote
            self._ask(lambda redis: redis.delete(_name(key)))
            self._counts.add("dropped")
            frame = None
        self._counts.add("misses" if frame is None else "hits")
        return frame

    def put(self, key: Key, frame: pl.DataFrame) -> bool:
        """Keep a frame.

        Parameters
        ----------
        key : Key
        frame : DataFrame

        Returns
        -------
        bool
            False where it is too big, not expressible in Arrow, or Redis does not answer.
        """
        if frame.estimated_size() > 8 * min(MAX_BYTES, self._bound):  # nothing compresses that well: do not try
            return False
        content = _encoded(frame)
        if content is None or len(content) > min(MAX_BYTES, self._bound):
            return False
        arguments = [content, TTL_S, time.time(), self._bound]
        removed = self._ask(lambda redis: redis.eval(_PUT, 3, _name(key), _ORDER, _SIZES, *arguments))
        if removed is None:
            return False
        self._counts.add("stored")
        self._counts.add("evicted", int(removed))
        return True

    def drop(self, table: str, state: str) -> None:
        """Forget what was made of one state of a table.

        Parameters
        ----------
        table : str
        state : str
        """
        names: list[bytes] = self._ask(lambda redis: redis.zrange(_ORDER, 0, -1)) or []
        mark = f"|{table}@{state}|".encode()
        doomed = [name for name in names if mark in name]
        if doomed:
            self._ask(lambda redis: (redis.delete(*doomed), redis.zrem(_ORDER, *doomed), redis.hdel(_SIZES, *doomed)))
            self._counts.add("dropped", len(doomed))

    def figures(self) -> LevelFigures:
        """Count hits and misses of this process, and the bytes all processes keep.

        Returns
        -------
        LevelFigures
            Entries and bytes are None where Redis does not answer.
        """
        sizes: list[bytes] | None = self._ask(lambda redis: redis.hvals(_SIZES))
        if sizes is None:
            return self._counts.figures("redis", None, None, self._bound)
        return self._counts.figures("redis", len(sizes), sum(map(int, sizes)), self._bound)

    def _ask(self, question: Any) -> Any:
        settings = self._settings
        if not self._bound or time.monotonic() < self._silent_until:
            return None
        if settings.embedded_redis and not settings.valkey_socket.exists():
            return None
        from redis.exceptions import RedisError  # a lake without Redis does without

        try:
            return question(self._connection())
        except RedisError:
            self._silent_until = time.monotonic() + _SILENCE_S
            return None

    def _connection(self) -> "Redis":
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        with self._lock:
            if self._redis is None:
                self._redis = Redis.from_url(
                    self._settings.redis, retry=Retry(NoBackoff(), 0), socket_connect_timeout=_ANSWER_S,
                    socket_timeout=_ANSWER_S,
                )  # fmt: skip
            return self._redis


def _encoded(frame: pl.DataFrame) -> bytes | None:
    # None where the frame would not come back as it is
    try:
        table = frame.to_arrow()
        if pl.DataFrame(table.schema.empty_table()).schema != frame.schema:
            return None
    except (pa.ArrowException, pl.exceptions.PolarsError, TypeError):
        return None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _decoded(content: bytes) -> pl.DataFrame:
    # through pyarrow, which believes no more of foreign bytes than it must
    with pa.ipc.open_stream(content) as reader:
        return pl.DataFrame(reader.read_all())


def _name(key: Key) -> str:
    # the tables are part of the name, so that a commit finds what it replaces
    return PREFIX + key.digest + "|" + "".join(f"{table}@{state}|" for table, state in key.states)
