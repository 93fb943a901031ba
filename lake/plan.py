"""Work out a change of rows as a change of files: which go, and which are written instead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from deltalake.transaction import AddAction

from lake.catalog import Catalog
from lake.changes import changes_since
from lake.expiry import Expiry, expire
from lake.files import DataFile
from lake.rollback import bring_back
from lake.scan import scan_files
from lake.staging import Staged
from lake.storage import Storage
from lake.swap import write_files
from lake.tables import Table
from lake.where import matches
from qbrain_core.errors import CommitConflictError

__all__ = ["Plan", "Writes", "make_plan", "touches"]


@dataclass
class Writes:
    """What one block asks of one table.

    Attributes
    ----------
    table : Table
    frames : list of DataFrame
        Rows to be there afterwards, as the table declares them.
    wheres : list of dict
        Columns and values of rows that go unless they are in `frames`.
    back_to : int, optional
        Version whose rows are to be the table's; then nothing else is asked.
    gone : list of DataFrame
        Keys of rows that go.
    expiry : Expiry, optional
        Which rows are too old; then nothing else is asked.
    staged : Staged, optional
        Files to take in; then nothing else is asked.
    work : str
        Piece of work that the log is to say was done in this version, "" for none.
    facts : mapping of str to object
        What the log keeps of that work; JSON values.
    """

    table: Table
    frames: list[pl.DataFrame] = field(default_factory=list)
    wheres: list[dict[str, Any]] = field(default_factory=list)
    back_to: int | None = None
    gone: list[pl.DataFrame] = field(default_factory=list)
    expiry: Expiry | None = None
    staged: Staged | None = None
    work: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """A word or two for the table's history."""
        if self.back_to is not None:
            return f"rollback to {self.back_to}"
        if self.expiry is not None:
            return "retain"
        if self.staged is not None:
            return "replace"
        if self.frames:
            return "replace" if self.wheres or self.gone else "upsert"
        return "delete" if self.wheres or self.gone else "mark"

    @property
    def alone(self) -> str:
        """What suffers no other write beside it, "" where there is no such thing."""
        asked = {"rollback": self.back_to, "expiry": self.expiry, "staged files": self.staged}
        alone = [what for what, value in asked.items() if value is not None]
        return alone[0] if alone and (len(alone) > 1 or self.frames or self.wheres or self.gone) else ""


@dataclass
class Plan:
    """A change of files.

    Attributes
    ----------
    adds : list of AddAction
        Written already, and named by no version yet.
    removes : list of DataFile
    read : frozenset of str
        Paths of the files it was worked out from: while they are the table's, it holds.
    changed, deleted : int
        Rows inserted or changed, and rows that are gone.
    """

    adds: list[AddAction] = field(default_factory=list)
    removes: list[DataFile] = field(default_factory=list)
    read: frozenset[str] = frozenset()
    changed: int = 0
    deleted: int = 0


def touches(frame: pl.DataFrame, writes: Writes) -> Callable[[DataFile], bool]:
    """Tell which files a change may concern; the others are never opened.

    Parameters
    ----------
    frame : DataFrame
        Every row to be written.
    writes : Writes

    Returns
    -------
    callable
        Takes a file of the table; false only when it is certain.
    """
    boxes = _boxes(frame, writes)

    def touched(file: DataFile) -> bool:
        return writes.back_to is not None or any(
            all(file.may_hold(name, low, high) for name, (low, high) in box.items()) for box in boxes
        )

    return touched


def make_plan(catalog: Catalog, writes: Writes, frame: pl.DataFrame, scope: list[DataFile]) -> Plan:
    """Work out a change, and write the files it adds.

    Parameters
    ----------
    catalog : Catalog
    writes : Writes
    frame : DataFrame
        Every row to be written, as the table declares them.
    scope : list of DataFile
        The table's files that the change may concern: see `touches`.

    Returns
    -------
    Plan
        Without files to add or to remove where the table is already as asked.

    Raises
    ------
    InvalidInputError
        If files of the version to go back to have been cleaned up.
    """
    if writes.back_to is not None:
        return _plan_back(catalog, writes, scope)
    if writes.staged is not None:
        return _plan_exchange(catalog, writes.table.name, writes.staged, scope)
    if writes.expiry is not None:
        adds, removes, gone = expire(catalog.storage, writes.table, writes.expiry, scope)
        return Plan(adds, removes, frozenset(file.path for file in scope), 0, gone)
    plan = Plan(read=frozenset(file.path for file in scope))
    determined = writes.table.key_partitions
    files: dict[tuple[Any, ...], list[DataFile]] = {}
    for file in scope:
        files.setdefault(tuple(file.partition[name] for name in determined), []).append(file)
    groups = frame.select(determined).unique(maintain_order=True).rows() if determined else [()]
    for group in [*groups, *(key for key in files if key not in groups)]:
        rows = frame.filter(matches(dict(zip(determined, group, strict=True)))) if determined else frame
        _plan_group(catalog.storage, plan, writes, rows, files.get(group, []))
    return plan


def _plan_back(catalog: Catalog, writes: Writes, files: list[DataFile]) -> Plan:
    assert writes.back_to is not None
    target = catalog.snapshot(writes.table.name, writes.back_to)
    adds, removes = bring_back(catalog.storage, target, files)
    changed = sum(file.rows for file in target.files) - sum(f.rows for f in files) + sum(f.rows for f in removes)
    return Plan(adds, removes, frozenset(f.path for f in files), changed, sum(f.rows for f in removes))


def _plan_exchange(catalog: Catalog, name: str, staged: Staged, files: list[DataFile]) -> Plan:
    # the staged rows were compared with the rows of one version: those must still be the partitions' rows
    if catalog.storage.exists(name):
        since = changes_since(catalog.storage, name, staged.version, catalog.latest(name))
        parts = [{column: str(value) for column, value in part.items()} for part in staged.partitions]
        if since is None or any(change.partition == part for change in since for part in parts):
            raise CommitConflictError(f"{name}: others wrote to it while its rows were being made")
    adds = [file.add() for file in staged.files]
    return Plan(adds, files, frozenset(f.path for f in files), staged.changed, staged.deleted)


def _plan_group(storage: Storage, plan: Plan, writes: Writes, incoming: pl.DataFrame, files: list[DataFile]) -> None:
    table, key = writes.table, list(writes.table.key)
    unwanted = pl.any_horizontal([matches(where) for where in writes.wheres]) if writes.wheres else pl.lit(False)
    needed = list(dict.fromkeys([*key, *(name for where in writes.wheres for name in where)]))
    keys = incoming.select(key)
    gone = pl.concat([keys.clear(), *(frame.select(key) for frame in writes.gone)]).join(keys, on=key, how="anti")
    output: list[pl.DataFrame] = []
    for file in files:
        known = scan_files([file], table, storage).select(needed).with_columns(_unwanted=unwanted).collect()
        hit = known["_unwanted"].any() or any(known.join(some, on=key, how="semi").height for some in (keys, gone))
        if not hit:
            continue
        rows = scan_files([file], table, storage).collect()
        same = _unchanged(rows, incoming, key)
        incoming = incoming.join(same, on=key, how="anti")
        listed = [rows.join(some, on=key, how="semi").select(key) for some in (keys, gone)]
        replaced = pl.concat([rows.filter(unwanted).select(key), *listed])
        replaced = replaced.join(same, on=key, how="anti")
        plan.deleted += replaced.unique().join(keys, on=key, how="anti").height
        if replaced.height:
            plan.removes.append(file)
            output.append(rows.join(replaced, on=key, how="anti"))
    plan.changed += incoming.height
    if incoming.height or output:
        plan.adds.extend(write_files(storage, table, pl.concat([*output, incoming])))


def _unchanged(rows: pl.DataFrame, incoming: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    # keys whose row is the same in both; sorted by key, the rows that share one line up
    old = rows.join(incoming, on=key, how="semi").sort(key)
    new = incoming.join(old, on=key, how="semi").sort(key)
    same = pl.repeat(True, old.height, dtype=pl.Boolean, eager=True)
    for name in old.columns:
        same &= old[name].eq_missing(new[name])
    return old.select(key).filter(same)


def _boxes(frame: pl.DataFrame, writes: Writes) -> list[dict[str, tuple[Any, Any]]]:
    # bounds of the rows that may be replaced; a file outside all of them is never opened
    boxes = [{name: (value, value) for name, value in where.items()} for where in writes.wheres]
    determined = writes.table.key_partitions
    if writes.staged is not None:
        boxes += [{name: (value, value) for name, value in part.items()} for part in writes.staged.partitions]
    if writes.expiry is not None:
        boxes.append(writes.expiry.box(writes.table))
    for rows in (frame, *writes.gone):
        if not rows.height:
            continue
        names = list(dict.fromkeys([*determined, *writes.table.key]))
        bounds = [pl.col(name).min().alias(f"{name}<") for name in names] + [
            pl.col(name).max().alias(f"{name}>") for name in names
        ]
        grouped = rows.group_by(determined).agg(bounds) if determined else rows.select(bounds)
        boxes += [{name: (row[f"{name}<"], row[f"{name}>"]) for name in names} for row in grouped.iter_rows(named=True)]
    return boxes
