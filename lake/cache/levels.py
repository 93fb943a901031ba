"""The three levels as one cache: ask memory, then Redis or the disk, then make the value; once, however many ask."""

import copy
from collections.abc import Callable
from typing import Any, TypeVar, cast

import polars as pl

from lake.cache.arrays import ArrayCache
from lake.cache.counts import LevelFigures
from lake.cache.keys import Key
from lake.cache.memory import MISSING, MemoryCache
from lake.cache.shared import SharedCache
from lake.cache.turns import Turns
from qbrain_core.settings import Settings

__all__ = ["LakeCache"]

T = TypeVar("T")
_MIB = 2**20


class LakeCache:
    """What reads of one lake remember; thread-safe, cheap to make.

    Parameters
    ----------
    settings : Settings

    Attributes
    ----------
    memory : MemoryCache
    shared : SharedCache
    arrays : ArrayCache
    """

    def __init__(self, settings: Settings) -> None:
        self.memory = MemoryCache(settings.cache_memory_mib * _MIB)
        self.shared = SharedCache(settings)
        self.arrays = ArrayCache(settings.home / "cache" / "arrays", settings.cache_disk_mib * _MIB)
        self._turns = Turns()

    def remember(self, key: Key, make: Callable[[], T], *, shared: bool = False) -> T:
        """Give a value, making it only where no level has it; callers of the same key wait for one of them.

        Parameters
        ----------
        key : Key
            Holds everything the value depends on.
        make : callable
        shared : bool
            Whether Redis is worth asking: the value is a small frame that takes longer to make than to fetch.

        Returns
        -------
        object
            The caller's own: changing it changes nothing for others. Arrays are shared, and read-only.
        """
        found = self.memory.get(key)
        if found is MISSING:
            with self._turns.take(key):
                found = self.memory.get(key, counted=False)
                if found is MISSING:
                    found = self._make(key, make, shared)
                    self.memory.put(key, found)
        return cast(T, _own(found))

    def drop(self, table: str, state: str) -> None:
        """Forget what was made of a state of a table that a commit has replaced.

        Parameters
        ----------
        table : str
        state : str
            As `Catalog.state` gives it.
        """
        self.memory.drop(table, state)
        self.shared.drop(table, state)

    def figures(self) -> list[LevelFigures]:
        """Say what each level did and holds.

        Returns
        -------
        list of LevelFigures
            memory, redis, disk.
        """
        return [self.memory.figures(), self.shared.figures(), self.arrays.figures()]

    def _make(self, key: Key, make: Callable[[], T], shared: bool) -> Any:
        if not shared or not key.states:  # without a state nobody else could tell old from new
            return make()
        found = self.shared.get(key)
        if found is not None:
            return found
        value = make()
        if isinstance(value, pl.DataFrame):
            self.shared.put(key, value)
        return value


def _own(value: Any) -> Any:
    if isinstance(value, pl.DataFrame):
        return value.clone()
    return copy.deepcopy(value)
