"""The lake as people use it: open it, read typed frames or SQL at any point of its history, commit."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl

from lake.cache import LakeCache
from lake.catalog import AsOf, Catalog
from lake.commit import Transaction
from lake.commit_events import CommitEvent, publish
from lake.diff import TableDiff, diff_snapshots
from lake.files import Snapshot
from lake.reads import TypedReads
from lake.scan import scan_files
from lake.sql import Session
from lake.storage import Storage
from lake.tables import TABLES, Table
from lake.views import select_of
from qbrain_core.settings import Settings

__all__ = ["AsOf", "Lake", "open_lake"]

Pins = Callable[[str], Mapping[str, int] | None]
_LOOKS_AT_ONCE = 8


class Lake(TypedReads):
    """Every table of one installation; one per process, thread-safe, cheap to make.

    Parameters
    ----------
    settings : Settings
    pins : callable, optional
        Gives the table versions of a pin's name, or None where there is none; the installation's own when left out.

    Attributes
    ----------
    settings : Settings
    catalog : Catalog
        Names, versions and files.
    cache : LakeCache
        What reads remember.
    """

    def __init__(self, settings: Settings, *, pins: Pins | None = None) -> None:
        self.settings = settings
        self.catalog = Catalog(Storage(settings), pins or self._recorded_pin)
        self.cache = LakeCache(settings)
        self._session = Session(self._open_store if self.catalog.storage.access else None)
        self._blocks: defaultdict[tuple[str, int], Iterator[int]] = defaultdict(itertools.count)
        self._lock = threading.Lock()

    def versions(self, as_of: AsOf = None) -> dict[str, int]:
        """Resolve the version of every table.

        Parameters
        ----------
        as_of : datetime, str, mapping or None
            See `Catalog.resolve`.

        Returns
        -------
        dict of str to int

        Raises
        ------
        InvalidInputError
            If `as_of` means nothing, or a version does not exist.
        """
        return self.catalog.resolve(as_of)

    def data_versions(self, as_of: AsOf = None) -> dict[str, int]:
        """Resolve the data version of every table: what keys of caches and results are made of.

        Parameters
        ----------
        as_of : datetime, str, mapping or None
            See `Catalog.resolve`.

        Returns
        -------
        dict of str to int
            Versions, less those that changed no data; reading at them gives the same rows.

        Raises
        ------
        InvalidInputError
            If `as_of` means nothing, or a version does not exist.
        """
        return {name: self.catalog.data_version(name, version) for name, version in self.versions(as_of).items()}

    def snapshot(self, table: str, *, as_of: AsOf = None) -> Snapshot:
        """Resolve one table at a point of its history.

        Parameters
        ----------
        table : str
            Its name, its view, or a factor set for the set's newest table.
        as_of : optional

        Returns
        -------
        Snapshot
            Declaration, version and files.

        Raises
        ------
        UnknownNameError
            If there is no such table.
        InvalidInputError
            If `as_of` means nothing, or a version does not exist.
        """
        name = self.catalog.find(table)
        version = None if as_of is None else self.catalog.resolve(as_of, [name])[name]
        return self.catalog.snapshot(name, version)

    def scan(self, table: str, *, as_of: AsOf = None) -> pl.LazyFrame:
        """Scan a table lazily.

        Parameters
        ----------
        table : str
            As for `snapshot`.
        as_of : optional

        Returns
        -------
        LazyFrame
            Declared columns in declared order; in no particular row order.

        Raises
        ------
        UnknownNameError
            If there is no such table.
        """
        snapshot = self.snapshot(table, as_of=as_of)
        return scan_files(snapshot.files, snapshot.table, self.catalog.storage)

    def views(self, query: str, *, as_of: AsOf = None) -> dict[str, Snapshot]:
        """Resolve the views a query may use.

        Parameters
        ----------
        query : str
            SQL. A view counts as used when its name occurs anywhere in the text.
        as_of : optional

        Returns
        -------
        dict of str to Snapshot
            By view name: the tables' views, and `factors_<set>` for the newest table of each factor set.
        """
        text = query.lower()
        names = {name: name for name in TABLES}  # called as they are
        if "factors_" in text:  # else nobody need look which factor tables there are
            names = {view: name for name, view in self.catalog.views().items()} | self.catalog.aliases()
        used = {view: name for view, name in names.items() if view.lower() in text}
        versions = self.catalog.resolve(as_of, sorted(set(used.values())))
        return {view: self.catalog.snapshot(name, versions[name]) for view, name in used.items()}

    def sql(
        self, query: str, params: Sequence[Any] | Mapping[str, Any] | None = None, *, as_of: AsOf = None
    ) -> pl.DataFrame:
        """Run one query over the tables' views. Trusts its author: the SQL page goes through `lake.cage` instead.

        Parameters
        ----------
        query : str
            DuckDB SQL; `?` or `$name` where a parameter goes.
        params : sequence or mapping, optional
        as_of : optional

        Returns
        -------
        DataFrame

        Raises
        ------
        InvalidInputError
            If the query is not one valid statement; the message is DuckDB's.
        """
        views = {name: select_of(snapshot) for name, snapshot in self.views(query, as_of=as_of).items()}
        return self._session.run(query, params, views)

    @contextmanager
    def commit(self, job_id: str, attempt: int, *, fence: Callable[[], None] | None = None) -> Iterator[Transaction]:
        """Collect writes and apply them when the block ends well; nothing is written where it raises.

        Tables are written in the order they were first named, each in one atomic step. A block that already ran to
        its end, in any attempt at the same job, is skipped: the n-th block of a job is known by job and n.

        Parameters
        ----------
        job_id : str
        attempt : int
        fence : callable, optional
            Called right before each table's commit; raises when the attempt no longer owns its job.

        Yields
        ------
        Transaction

        Raises
        ------
        InvalidInputError
            If a key occurs in two writes to one table.
        CommitConflictError
            If other writers of a table kept winning.
        UnsafeStoreError
            If the store cannot keep two writers apart and there is another.
        """
        with self._lock:
            block = next(self._blocks[job_id, attempt])
        app_id = f"{job_id}#{block}" if block else job_id
        transaction = Transaction(self.catalog, app_id, attempt, fence or (lambda: None))
        yield transaction
        self.catalog.storage.allow_writing()
        try:
            transaction.apply()
        finally:  # what an earlier table of the block has got stays, also where a later one fails
            publish(
                self.settings, [CommitEvent(t, v, v, job_id.partition("#")[0]) for t, v in transaction.written.items()]
            )

    def _open_store(self, engine: duckdb.DuckDBPyConnection) -> None:
        from lake.door import open_store  # a lake in a folder does without

        storage = self.catalog.storage
        assert storage.access is not None
        open_store(engine, storage.access, storage.root)

    def diff(self, table: str, old: int | AsOf, new: int | AsOf = None) -> TableDiff:
        """Compare two versions of a table by key.

        Parameters
        ----------
        table : str
            As for `snapshot`.
        old, new : int, datetime, str, mapping or None
            A version of the table, or a point in the lake's history.

        Returns
        -------
        TableDiff
            Rows added, changed and removed.

        Raises
        ------
        UnknownNameError
            If there is no such table.
        InvalidInputError
            If there is no such version, or its files were cleaned up.
        """
        name = self.catalog.find(table)
        before, after = (
            self.snapshot(name, as_of={name: point} if isinstance(point, int) else point) for point in (old, new)
        )
        return diff_snapshots(before, after, self.catalog.storage)

    def rollback(
        self, table: str, version: int, job_id: str, *, attempt: int = 1, fence: Callable[[], None] | None = None
    ) -> int:
        """Make the rows of an older version of a table those of a new one.

        Parameters
        ----------
        table : str
            As for `snapshot`.
        version : int
        job_id, attempt, fence
            As for `commit`.

        Returns
        -------
        int
            The version made, or the newest where it has those rows.

        Raises
        ------
        UnknownNameError
            If there is no such table.
        InvalidInputError
            If there is no such version, or its files were cleaned up.
        CommitConflictError
            If other writers of the table kept winning.
        """
        name = self.catalog.find(table)
        with self.commit(job_id, attempt, fence=fence) as transaction:
            transaction.rollback(name, version)
        return transaction.versions[name]

    def _recorded_pin(self, name: str) -> Mapping[str, int] | None:
        from lake.records import open_records  # only a pin's name needs the records

        pins: Mapping[str, int] | None = open_records(self.settings).pin(name)
        return pins


def open_lake(settings: Settings | None = None, *, pins: Pins | None = None) -> Lake:
    """Open the lake; makes the tables it lacks.

    Parameters
    ----------
    settings : Settings, optional
        Read from the environment when left out.
    pins : callable, optional
        See `Lake`.

    Returns
    -------
    Lake
    """
    lake = Lake(settings or Settings(), pins=pins)
    storage = lake.catalog.storage

    def make(table: Table) -> None:
        if not storage.exists(table.name):
            storage.create(table)

    if storage.local:
        for table in TABLES.values():
            make(table)
        return lake
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:  # each look is a journey
        list(pool.map(make, TABLES.values()))
    return lake
