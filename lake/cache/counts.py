"""How often each level of the cache knew the answer."""

import threading
from dataclasses import dataclass

__all__ = ["Counts", "LevelFigures"]


@dataclass(frozen=True, slots=True)
class LevelFigures:
    """What one level did since this process started, and what it holds now.

    Attributes
    ----------
    level : str
        memory, redis or disk.
    hits, misses : int
    stored : int
        Values put into it.
    evicted : int
        Values taken out for want of room or for their age.
    dropped : int
        Values taken out because a commit replaced them, or because they were damaged.
    entries, size_bytes : int or None
        None where the level does not answer.
    bound_bytes : int
    """

    level: str
    hits: int
    misses: int
    stored: int
    evicted: int
    dropped: int
    entries: int | None
    size_bytes: int | None
    bound_bytes: int

    @property
    def hit_rate(self) -> float | None:
        """Hits ÷ questions, in [0, 1]; None where nothing was asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


class Counts:
    """Counters of one level; thread-safe."""

    def __init__(self) -> None:
        self._numbers = dict.fromkeys(("hits", "misses", "stored", "evicted", "dropped"), 0)
        self._lock = threading.Lock()

    def add(self, what: str, n: int = 1) -> None:
        """Count.

        Parameters
        ----------
        what : {"hits", "misses", "stored", "evicted", "dropped"}
        n : int
        """
        with self._lock:
            self._numbers[what] += n

    def figures(self, level: str, entries: int | None, size_bytes: int | None, bound_bytes: int) -> LevelFigures:
        """Add what the level holds.

        Parameters
        ----------
        level : str
        entries, size_bytes : int or None
        bound_bytes : int

        Returns
        -------
        LevelFigures
        """
        with self._lock:
            numbers = dict(self._numbers)
        return LevelFigures(level, **numbers, entries=entries, size_bytes=size_bytes, bound_bytes=bound_bytes)
