"""Write: rows collected in a block, applied table by table, each table in one Delta commit.

A commit succeeds only at exactly the version after the one it was planned on (delta-rs with no retries of its own
compares and swaps; with retries its conflict checker lets two appends of one key both through). A loser looks whether
the files it planned on are still the partition's files: if so it commits the same plan again, else it plans anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction

from lake.catalog import Catalog
from lake.evolution import growth_of, widen
from lake.files import DataFile, read_files
from lake.rollback import bring_back
from lake.rows import conform, polars_schema
from lake.scan import scan_files
from lake.storage import Storage
from lake.swap import pause, swap, write_files
from lake.tables import Table
from lake.tables import table as fixed_table
from qbrain_core.errors import CommitConflictError, InvalidInputError

__all__ = ["ATTEMPTS", "Transaction"]

ATTEMPTS = 40
"""How often a commit is tried while other writers of the table win."""


@dataclass
class _Writes:
    table: Table
    frames: list[pl.DataFrame] = field(default_factory=list)
    wheres: list[dict[str, Any]] = field(default_factory=list)
    back_to: int | None = None


@dataclass
class _Plan:
    adds: list[AddAction] = field(default_factory=list)
    removes: list[DataFile] = field(default_factory=list)
    read: frozenset[str] = frozenset()
    changed: int = 0
    deleted: int = 0


class Transaction:
    """Writes of one attempt at one job; made by `Lake.commit`.

    Parameters
    ----------
    catalog : Catalog
    app_id : str
        Identifies the block among everything ever written; a block whose last table already carries it is skipped.
    attempt : int
    fence : callable
        Called right before each table's commit; raises when the attempt no longer owns its job.

    Attributes
    ----------
    versions : dict of str to int
        After the block: version of every table named in it, changed or not.
    changed : dict of str to int
        After the block: rows inserted or changed, by table; of a rollback, the rows of every file it brought back.
    deleted : dict of str to int
        After the block: rows that are gone, by table; of a rollback, the rows of every file it took away.
    """

    def __init__(self, catalog: Catalog, app_id: str, attempt: int, fence: Callable[[], None]) -> None:
        self.versions: dict[str, int] = {}
        self.changed: dict[str, int] = {}
        self.deleted: dict[str, int] = {}
        self._catalog = catalog
        self._storage: Storage = catalog.storage
        self._app_id = app_id
        self._attempt = attempt
        self._fence = fence
        self._writes: dict[str, _Writes] = {}

    def upsert(self, table: str | Table, frame: pl.DataFrame) -> None:
        """Insert rows, or replace those of the same key; rows that are already so change nothing.

        Parameters
        ----------
        table : str or Table
        frame : DataFrame
            Columns of the table, castable to its types. May leave out columns that may be null, `market` where there
            is `instrument`, and `year`, `known_year`, `month` where the day they derive from is there.

        Raises
        ------
        InvalidInputError
            If a column is unknown, missing, of another type, null where it must not be, or a key occurs twice.
        UnknownNameError
            If the table is unknown.
        """
        writes = self._writes_of(table)
        writes.frames.append(conform(frame, writes.table))

    def replace(self, table: str | Table, frame: pl.DataFrame, *, where: Mapping[str, object]) -> None:
        """Make `frame` the only rows that match `where`.

        Parameters
        ----------
        table : str or Table
        frame : DataFrame
            As for `upsert`; every row matches `where`. May have no rows.
        where : mapping of str to object
            Columns and the values they equal.

        Raises
        ------
        InvalidInputError
            As `upsert`; also if `where` is empty, names an unknown column, or a row does not match it.
        UnknownNameError
            If the table is unknown.
        """
        writes = self._writes_of(table)
        values = _parse_where(writes.table, where)
        rows = conform(frame, writes.table)
        strangers = rows.filter(~_matches(values)).height
        if strangers:
            rule = f"{strangers} rows of the frame do not match"
            raise InvalidInputError(f"{writes.table.name}.where", dict(where), rule)
        writes.frames.append(rows)
        writes.wheres.append(values)

    def delete(self, table: str | Table, *, where: Mapping[str, object]) -> None:
        """Delete the rows that match `where`; rows written to the table in the same block stay.

        Parameters
        ----------
        table : str or Table
            Also a factor table's name.
        where : mapping of str to object
            Columns and the values they equal; None: where there is no value.

        Raises
        ------
        InvalidInputError
            If `where` is empty, names an unknown column, or a value is not of its column's type.
        UnknownNameError
            If the table is unknown.
        """
        writes = self._writes_of(self._existing(table))
        writes.wheres.append(_parse_where(writes.table, where))

    def rollback(self, table: str | Table, version: int) -> None:
        """Make the rows of an older version the rows of a new one; history stays as it is.

        Parameters
        ----------
        table : str or Table
        version : int

        Raises
        ------
        UnknownNameError
            If the table is unknown.
        InvalidInputError
            If it has no such version, that version was cleaned up, or the block writes to the table otherwise.
        """
        writes = self._writes_of(self._existing(table))
        self._catalog.snapshot(writes.table.name, version)
        writes.back_to = version

    def apply(self) -> None:
        """Write what was collected; called once, when the block has ended well.

        Raises
        ------
        InvalidInputError
            If a key occurs in two writes to one table.
        CommitConflictError
            If other writers won `ATTEMPTS` times.
        """
        if not self._writes:
            return
        last = next(reversed(self._writes))
        if self._storage.exists(last) and self._storage.open(last).transaction_version(self._app_id) is not None:
            self.versions = {name: self._catalog.latest(name) for name in self._writes}
            self.changed = dict.fromkeys(self._writes, 0)
            self.deleted = dict.fromkeys(self._writes, 0)
            return
        for name, writes in self._writes.items():
            if writes.back_to is not None and (writes.frames or writes.wheres):
                raise InvalidInputError(f"{name}.version", writes.back_to, "a rollback is the table's only write")
        for name, writes in self._writes.items():
            self.versions[name], plan = self._apply_table(writes)
            self.changed[name], self.deleted[name] = plan.changed, plan.deleted

    def _writes_of(self, table: str | Table) -> _Writes:
        if isinstance(table, str):
            table = fixed_table(table)
        return self._writes.setdefault(table.name, _Writes(table))

    def _existing(self, table: str | Table) -> Table:
        return self._catalog.declaration(self._catalog.find(table)) if isinstance(table, str) else table

    def _apply_table(self, writes: _Writes) -> tuple[int, _Plan]:
        table = writes.table
        frame = pl.concat([pl.DataFrame(schema=polars_schema(table)), *writes.frames])
        if len(writes.frames) > 1:
            frame = conform(frame, table)  # a key may occur in two of them
        if not self._storage.exists(table.name):
            self._fence()
            self._storage.create(table)
        boxes = _boxes(frame, writes)
        plan: _Plan | None = None
        for attempt in range(ATTEMPTS):
            opened = self._storage.open(table.name)
            growth = growth_of(opened, table)
            files = read_files(opened, self._storage.uri(table.name))
            if plan is not None and plan.adds and plan.adds[0].path in {file.path for file in files}:
                return int(opened.version()), plan  # the failure was only in the answer
            scope = [f for f in files if writes.back_to is not None or any(_overlaps(f, box) for box in boxes)]
            if plan is not None and plan.read != frozenset(file.path for file in scope):
                self._storage.discard(table.name, [add.path for add in plan.adds])
                plan = None
            if plan is None:
                plan = self._plan(writes, frame, scope) if writes.back_to is None else self._plan_back(writes, scope)
            if not plan.adds and not plan.removes:
                return int(opened.version()), plan
            try:
                self._fence()
            except Exception:
                self._storage.discard(table.name, [add.path for add in plan.adds])
                raise
            try:
                widen(opened, growth)
                note = {"job": self._app_id, "attempt": str(self._attempt)}
                swap(opened, table, plan.adds, plan.removes, app=(self._app_id, self._attempt), note=note)
                return int(opened.version()) + 1, plan
            except CommitFailedError:
                pause(attempt)
        raise CommitConflictError(f"{table.name}: other writers won {ATTEMPTS} times; nothing was written to it")

    def _plan(self, writes: _Writes, frame: pl.DataFrame, scope: list[DataFile]) -> _Plan:
        plan = _Plan(read=frozenset(file.path for file in scope))
        determined = writes.table.key_partitions
        files: dict[tuple[Any, ...], list[DataFile]] = {}
        for file in scope:
            files.setdefault(tuple(file.partition[name] for name in determined), []).append(file)
        groups = frame.select(determined).unique(maintain_order=True).rows() if determined else [()]
        for group in [*groups, *(key for key in files if key not in groups)]:
            rows = frame.filter(_matches(dict(zip(determined, group, strict=True)))) if determined else frame
            self._plan_group(plan, writes, rows, files.get(group, []))
        return plan

    def _plan_back(self, writes: _Writes, files: list[DataFile]) -> _Plan:
        assert writes.back_to is not None
        target = self._catalog.snapshot(writes.table.name, writes.back_to)
        adds, removes = bring_back(self._storage, target, files)
        changed = sum(file.rows for file in target.files) - sum(f.rows for f in files) + sum(f.rows for f in removes)
        return _Plan(adds, removes, frozenset(f.path for f in files), changed, sum(f.rows for f in removes))

    def _plan_group(self, plan: _Plan, writes: _Writes, incoming: pl.DataFrame, files: list[DataFile]) -> None:
        table, key = writes.table, list(writes.table.key)
        matches = pl.any_horizontal([_matches(where) for where in writes.wheres]) if writes.wheres else pl.lit(False)
        needed = list(dict.fromkeys([*key, *(name for where in writes.wheres for name in where)]))
        keys = incoming.select(key)
        output: list[pl.DataFrame] = []
        for file in files:
            known = self._read(table, file).select(needed).with_columns(_wanted=matches).collect()
            hit = known["_wanted"].any() or known.join(keys, on=key, how="semi").height
            if not hit:
                continue
            rows = self._read(table, file).collect()
            same = _unchanged(rows, incoming, key)
            incoming = incoming.join(same, on=key, how="anti")
            replaced = rows.filter(matches).select(key).vstack(rows.join(keys, on=key, how="semi").select(key))
            replaced = replaced.join(same, on=key, how="anti")
            plan.deleted += replaced.unique().join(keys, on=key, how="anti").height
            if replaced.height:
                plan.removes.append(file)
                output.append(rows.join(replaced, on=key, how="anti"))
        plan.changed += incoming.height
        if incoming.height or output:
            plan.adds.extend(write_files(self._storage, table, pl.concat([*output, incoming])))

    def _read(self, table: Table, file: DataFile) -> pl.LazyFrame:
        return scan_files([file], table, self._storage)


def _unchanged(rows: pl.DataFrame, incoming: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    # keys whose row is the same in both; sorted by key, the rows that share one line up
    old = rows.join(incoming, on=key, how="semi").sort(key)
    new = incoming.join(old, on=key, how="semi").sort(key)
    same = pl.repeat(True, old.height, dtype=pl.Boolean, eager=True)
    for name in old.columns:
        same &= old[name].eq_missing(new[name])
    return old.select(key).filter(same)


def _boxes(frame: pl.DataFrame, writes: _Writes) -> list[dict[str, tuple[Any, Any]]]:
    # bounds of the rows that may be replaced; a file outside all of them is never opened
    boxes = [{name: (value, value) for name, value in where.items()} for where in writes.wheres]
    determined = writes.table.key_partitions
    if frame.height:
        names = list(dict.fromkeys([*determined, *writes.table.key]))
        bounds = [pl.col(name).min().alias(f"{name}<") for name in names] + [
            pl.col(name).max().alias(f"{name}>") for name in names
        ]
        grouped = frame.group_by(determined).agg(bounds) if determined else frame.select(bounds)
        boxes += [{name: (row[f"{name}<"], row[f"{name}>"]) for name in names} for row in grouped.iter_rows(named=True)]
    return boxes


def _overlaps(file: DataFile, box: Mapping[str, tuple[Any, Any]]) -> bool:
    return all(file.may_hold(name, low, high) for name, (low, high) in box.items())


def _parse_where(table: Table, where: Mapping[str, object]) -> dict[str, Any]:
    types = polars_schema(table)
    if not where or not set(where) <= set(types):
        raise InvalidInputError(f"{table.name}.where", dict(where), f"it names columns among {', '.join(types)}")
    try:
        return {column: pl.Series([value]).cast(types[column]).item() for column, value in where.items()}
    except pl.exceptions.PolarsError as error:
        raise InvalidInputError(f"{table.name}.where", dict(where), str(error).splitlines()[0]) from None


def _matches(where: Mapping[str, Any]) -> pl.Expr:
    return pl.all_horizontal([pl.col(name).eq_missing(pl.lit(value)) for name, value in where.items()])
