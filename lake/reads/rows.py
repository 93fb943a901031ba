"""What every typed read stands on: the rows of one table that fit, and values remembered by the state of tables."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Any, TypeVar

import polars as pl

from lake.cache import Key, LakeCache
from lake.catalog import AsOf, Catalog
from lake.files import Snapshot
from lake.scan import scan_rows

__all__ = ["RowReads", "years"]

T = TypeVar("T")


class RowReads(ABC):
    """Reads over a catalog: all take `as_of` (see `Catalog.resolve`); frames are empty but typed where no row fits.

    Attributes
    ----------
    catalog : Catalog
    cache : LakeCache
        What reads remember, in this process, in Redis and on the disk.
    """

    catalog: Catalog
    cache: LakeCache

    @abstractmethod
    def snapshot(self, table: str, *, as_of: AsOf = None) -> Snapshot:
        """Resolve one table at a point of its history."""

    def _rows(
        self, table: str, as_of: AsOf, bounds: Mapping[str, tuple[Any, Any]],
        values: Mapping[str, Collection[Any] | None],
    ) -> pl.LazyFrame:  # fmt: skip
        return scan_rows(self.snapshot(table, as_of=as_of), self.catalog.storage, bounds, values)

    def _record(self, table: str, run_id: str, as_of: AsOf, encoded: Collection[str]) -> dict[str, Any] | None:
        # the one row of a run, with the columns that hold JSON decoded; None where there is no such run
        rows = self._rows(table, as_of, {}, {"run_id": [run_id]}).collect()
        if rows.is_empty():
            return None
        row = rows.row(0, named=True)
        return row | {name: json.loads(row[name]) for name in encoded}

    def _remember(
        self,
        what: str,
        snapshots: Iterable[Snapshot],
        make: Callable[[], T],
        *,
        shared: bool = False,
        **parameters: Any,
    ) -> T:
        states = {s.table.name: self.catalog.state(s.table.name, s.version) for s in snapshots}
        return self.cache.remember(Key.of(f"lake.{what}", states, **parameters), make, shared=shared)


def years(start: date | None, end: date | None) -> tuple[int | None, int | None]:
    """Bounds of the partition column `year` for a range of days.

    Parameters
    ----------
    start, end : date or None

    Returns
    -------
    tuple of (int or None, int or None)
    """
    return (start.year if start else None, end.year if end else None)
