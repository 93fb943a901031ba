"""The first level: values of this process, the least recently used out first, none older than five minutes."""

import threading
import time
from collections.abc import Callable
from typing import Any

from cachetools import TTLCache

from lake.cache.counts import Counts, LevelFigures
from lake.cache.keys import Key
from lake.cache.sizes import size_of

__all__ = ["MISSING", "TTL_S", "MemoryCache"]

MISSING = object()
"""What `MemoryCache.get` gives for what it does not know."""

TTL_S = 300.0
"""Seconds a value is kept at most."""

_SHARE = 2  # the room one value may take is 1 ÷ this: else a big one would empty the cache for itself


class MemoryCache:
    """Values by key, bounded by their size in bytes; thread-safe.

    Parameters
    ----------
    bound_bytes : int
        0: nothing is kept.
    ttl_s : float
    timer : callable
        Seconds that only ever rise.
    """

    def __init__(self, bound_bytes: int, *, ttl_s: float = TTL_S, timer: Callable[[], float] = time.monotonic) -> None:
        self._bound = bound_bytes
        self._counts = Counts()
        self._values: TTLCache[Key, tuple[int, Any]] = TTLCache(
            bound_bytes, ttl_s, timer=timer, getsizeof=lambda sized: sized[0]
        )
        self._lock = threading.Lock()

    def get(self, key: Key, *, counted: bool = True) -> Any:
        """Look a value up.

        Parameters
        ----------
        key : Key
        counted : bool
            Whether the question counts for the hit rate.

        Returns
        -------
        object
            The value itself, not a copy; `MISSING` where there is none.
        """
        with self._lock:
            found = self._values.get(key)
        if counted:
            self._counts.add("misses" if found is None else "hits")
        return MISSING if found is None else found[1]

    def put(self, key: Key, value: Any) -> bool:
        """Keep a value.

        Parameters
        ----------
        key : Key
        value : object

        Returns
        -------
        bool
            False where it is too big to be kept.
        """
        size = size_of(value)
        with self._lock:
            if size * _SHARE > self._bound:
                self._values.pop(key, None)
                return False
            before = len(self._values) + (key not in self._values)
            self._values[key] = (size, value)
            evicted = before - len(self._values)
        self._counts.add("stored")
        self._counts.add("evicted", evicted)
        return True

    def drop(self, table: str, state: str) -> None:
        """Forget what was made of one state of a table.

        Parameters
        ----------
        table : str
        state : str
        """
        with self._lock:
            doomed = [key for key in self._values if (table, state) in key.states]
            for key in doomed:
                self._values.pop(key, None)
        self._counts.add("dropped", len(doomed))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def figures(self) -> LevelFigures:
        """Count hits, misses and bytes.

        Returns
        -------
        LevelFigures
        """
        with self._lock:
            expired = len(self._values.expire())
            entries, size = len(self._values), int(self._values.currsize)
        self._counts.add("evicted", expired)
        return self._counts.figures("memory", entries, size, self._bound)
