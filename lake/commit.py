"""Write: rows collected in a block, applied table by table, each table in one Delta commit.

A commit succeeds only at exactly the version after the one it was planned on (delta-rs with no retries of its own
compares and swaps; with retries its conflict checker lets two appends of one key both through). A loser looks whether
the files it planned on are still the partition's files: if so it commits the same plan again, else it plans anew.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from lake.catalog import Catalog
from lake.evolution import growth_of, widen
from lake.expiry import Expiry
from lake.files import read_files
from lake.plan import Plan, Writes, make_plan, touches
from lake.rows import conform, conform_keys, polars_schema
from lake.staging import Staged
from lake.storage import Storage
from lake.swap import pause, swap
from lake.tables import Table
from lake.tables import table as fixed_table
from lake.where import matches, parse_where
from qbrain_core.errors import CommitConflictError, InvalidInputError

__all__ = ["ATTEMPTS", "POLITE", "UNANSWERED", "Transaction"]

ATTEMPTS = 40
"""How often a commit is tried while other writers of the table win."""

POLITE = 3
"""How often a commit is tried beside others; from then on it holds the other writers of this machine back."""

UNANSWERED = 5
"""How often a commit is tried whose answer an object store owes; what it did in truth is looked up each time."""


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
    written : dict of str to int
        Version this block made, by table; tables that were already as asked are left out.
    """

    def __init__(self, catalog: Catalog, app_id: str, attempt: int, fence: Callable[[], None]) -> None:
        self.versions: dict[str, int] = {}
        self.changed: dict[str, int] = {}
        self.deleted: dict[str, int] = {}
        self.written: dict[str, int] = {}
        self._catalog = catalog
        self._storage: Storage = catalog.storage
        self._app_id = app_id
        self._attempt = attempt
        self._fence = fence
        self._writes: dict[str, Writes] = {}

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
        values = parse_where(writes.table, where)
        rows = conform(frame, writes.table)
        strangers = rows.filter(~matches(values)).height
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
        writes.wheres.append(parse_where(writes.table, where))

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

    def expire(self, table: str | Table, expiry: Expiry) -> None:
        """Delete the rows that are too old; files of nothing else are not opened.

        Parameters
        ----------
        table : str or Table
        expiry : Expiry

        Raises
        ------
        UnknownNameError
            If the table is unknown.
        """
        self._writes_of(self._existing(table)).expiry = expiry

    def remove(self, table: str | Table, keys: pl.DataFrame) -> None:
        """Delete the rows of some keys; keys that are not there change nothing.

        Parameters
        ----------
        table : str or Table
        keys : DataFrame
            Key columns of the table, castable to their types. `market` where there is `instrument`, and `year`,
            `known_year`, `month` where the day they derive from is there, can be left out.

        Raises
        ------
        InvalidInputError
            If a key column is missing or of another type.
        UnknownNameError
            If the table is unknown.
        """
        writes = self._writes_of(table)
        writes.gone.append(conform_keys(keys, writes.table))

    def exchange(self, table: str | Table, staged: Staged) -> None:
        """Take files in that were written beside the table, as all there is of their partitions.

        The files stay where they are, whether or not the commit succeeds: who staged them discards them.

        Parameters
        ----------
        table : str or Table
        staged : Staged

        Raises
        ------
        UnknownNameError
            If the table is unknown.
        """
        self._writes_of(table).staged = staged

    def note(self, table: str | Table, work: str, facts: Mapping[str, object]) -> None:
        """Keep facts with the commit, by which a recurring piece of work knows what it did last: see `read_facts`.

        Parameters
        ----------
        table : str or Table
        work : str
            What identifies the work.
        facts : mapping of str to object
            JSON values.

        Raises
        ------
        UnknownNameError
            If the table is unknown.
        """
        writes = self._writes_of(table)
        writes.work, writes.facts = work, facts

    def apply(self) -> None:
        """Write what was collected; called once, when the block has ended well.

        Raises
        ------
        InvalidInputError
            If a key occurs in two writes to one table.
        CommitConflictError
            If other writers won `ATTEMPTS` times.
        TransientError
            If the object store did not answer; whether it did as asked, a further attempt at the job finds out.
        """
        if not self._writes:
            return
        last = next(reversed(self._writes))
        opened = self._storage.open(last) if self._storage.exists(last) else None
        if opened is not None and opened.transaction_version(self._app_id) is not None:
            self.versions = {name: self._catalog.latest(name) for name in self._writes}
            self.changed = dict.fromkeys(self._writes, 0)
            self.deleted = dict.fromkeys(self._writes, 0)
            return
        for name, writes in self._writes.items():
            if writes.alone:
                raise InvalidInputError(name, writes.alone, "in one block it is the table's only write")
        for name, writes in self._writes.items():
            self.versions[name], plan = self._apply_table(writes, opened if len(self._writes) == 1 else None)
            self.changed[name], self.deleted[name] = plan.changed, plan.deleted
            if plan.adds or plan.removes:
                self.written[name] = self.versions[name]

    def _discard(self, writes: Writes, plan: Plan) -> None:
        if writes.staged is None:  # those are their writer's
            self._storage.discard(writes.table.name, [add.path for add in plan.adds])

    def _writes_of(self, table: str | Table) -> Writes:
        if isinstance(table, str):
            table = fixed_table(table)
        return self._writes.setdefault(table.name, Writes(table))

    def _existing(self, table: str | Table) -> Table:
        return self._catalog.declaration(self._catalog.find(table)) if isinstance(table, str) else table

    def _apply_table(self, writes: Writes, fresh: DeltaTable | None) -> tuple[int, Plan]:
        table = writes.table
        frame = pl.concat([pl.DataFrame(schema=polars_schema(table)), *writes.frames])
        if len(writes.frames) > 1:
            frame = conform(frame, table)  # a key may occur in two of them
        if not self._storage.exists(table.name):
            self._fence()
            self._storage.create(table)
        touched = touches(frame, writes)
        plan: Plan | None = None
        unanswered = 0
        for attempt in range(ATTEMPTS):
            with ExitStack() as turn:
                if attempt >= POLITE:
                    turn.enter_context(self._storage.turn.taken(table.name, alone=True))
                opened, fresh = fresh or self._storage.open(table.name), None
                growth = growth_of(opened, table)
                files = read_files(opened, self._storage.uri(table.name))
                if plan is not None and opened.transaction_version(self._app_id) == self._attempt:
                    return int(opened.version()), plan  # the failure was only in the answer
                scope = [file for file in files if touched(file)]
                if plan is not None and plan.read != frozenset(file.path for file in scope):
                    self._discard(writes, plan)
                    plan = None
                if plan is None:
                    plan = make_plan(self._catalog, writes, frame, scope)
                if not plan.adds and not plan.removes and not writes.work:
                    return int(opened.version()), plan
                try:
                    self._fence()
                except Exception:  # whatever it was, the files written are nobody's now
                    self._discard(writes, plan)
                    raise
                if attempt < POLITE:
                    turn.enter_context(self._storage.turn.taken(table.name, alone=False))
                try:
                    widen(opened, growth)
                    note = {"job": self._app_id, "attempt": str(self._attempt), "did": writes.kind}
                    if writes.work:
                        note["facts"] = json.dumps({writes.work: dict(writes.facts)})
                    app = (self._app_id, self._attempt)
                    swap(opened, table, plan.adds, plan.removes, app=app, note=note, mark=writes.work)
                    return int(opened.version()) + 1, plan
                except CommitFailedError:
                    pass  # another was faster
                except self._storage.unanswered as error:  # it may have been done all the same: the next look tells
                    unanswered += 1
                    if unanswered == UNANSWERED:
                        raise self._storage.failure(error) from error
            pause(attempt)
        raise CommitConflictError(f"{table.name}: other writers won {ATTEMPTS} times; nothing was written to it")
