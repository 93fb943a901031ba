"""The lake as people use it: open it, read typed frames or SQL at any point of its history, commit."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from lake.catalog import AsOf, Catalog
from lake.commit import Transaction
from lake.files import Snapshot
from lake.read import TypedReads
from lake.scan import scan_files
from lake.sql import Session
from lake.storage import Storage
from lake.tables import TABLES
from lake.views import select_of
from qbrain_core.settings import Settings

__all__ = ["AsOf", "Lake", "open_lake"]

Pins = Callable[[str], Mapping[str, int] | None]


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
    """

    def __init__(self, settings: Settings, *, pins: Pins | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.catalog = Catalog(Storage(settings), pins or self._recorded_pin)
        self._session = Session()
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
        """
        with self._lock:
            block = next(self._blocks[job_id, attempt])
        app_id = f"{job_id}#{block}" if block else job_id
        transaction = Transaction(self.catalog, app_id, attempt, fence or (lambda: None))
        yield transaction
        transaction.apply()

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
    for table in TABLES.values():
        if not storage.exists(table.name):
            storage.create(table)
    return lake
