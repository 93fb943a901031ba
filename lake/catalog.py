"""Which tables there are, which version of each is meant, and which files make up a version."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from lake.evolution import growth_of
from lake.files import Snapshot, read_files
from lake.log import read_entry
from lake.storage import Storage
from lake.tables import FACTOR_PREFIX, TABLES, Table, factor_table
from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["AsOf", "Catalog"]

AsOf = datetime | str | Mapping[str, int] | None
"""A moment, the versions of some tables (the rest at their newest), a text that means either, a pin's name, or now."""

_SNAPSHOTS_KEPT = 256


class Catalog:
    """Resolves names and versions; thread-safe, and remembers what cannot change.

    Parameters
    ----------
    storage : Storage
    pins : callable
        Gives the table versions of a pin's name, or None where there is no such pin.
    """

    def __init__(self, storage: Storage, pins: Callable[[str], Mapping[str, int] | None]) -> None:
        self.storage = storage
        self._pins = pins
        self._heads: dict[str, DeltaTable] = {}
        self._created: dict[str, int] = {}
        self._declared: dict[str, Table] = dict(TABLES)
        self._snapshots: OrderedDict[tuple[str, int], Snapshot] = OrderedDict()
        self._changes: dict[tuple[str, int], bool] = {}
        self._made: dict[tuple[str, int], int] = {}
        self._states: dict[tuple[str, int], str] = {}
        self._lock = threading.RLock()

    def names(self) -> list[str]:
        """List every table there is.

        Returns
        -------
        list of str
            Fixed tables in declared order, then factor tables.
        """
        return [*TABLES, *self.storage.factor_tables()]

    def find(self, name: str) -> str:
        """Resolve what people call a table.

        Parameters
        ----------
        name : str
            Its name, its view, `factors/<set>`, `factors_<set>`, or a factor set (the newest table of the set).

        Returns
        -------
        str
            The table's name.

        Raises
        ------
        UnknownNameError
            If nothing is called so.
        """
        if name in TABLES:
            return name
        names = {view: table for table, view in self.views().items()} | self.aliases()
        wanted = name.replace("/", "_").replace("-", "_")
        for candidate in (wanted, f"factors_{wanted}"):
            if candidate in names:
                return names[candidate]
        raise UnknownNameError(
            "table", name, [*self.names(), *(view.removeprefix("factors_") for view in self.aliases())]
        )

    def views(self) -> dict[str, str]:
        """Map every table to its SQL view.

        Returns
        -------
        dict of str to str
        """
        return {name: name.replace("/", "_").replace("-", "_") for name in self.names()}

    def aliases(self) -> dict[str, str]:
        """Map the view of every factor set, `factors_<set>`, to the set's newest table.

        Returns
        -------
        dict of str to str
        """
        newest: dict[str, tuple[int, str]] = {}
        for name in self.storage.factor_tables():
            view = name.rpartition("-")[0].replace("/", "_").replace("-", "_")
            newest[view] = max(newest.get(view, (-1, "")), (self._created_at(name), name))
        return {view: name for view, (_, name) in newest.items()}

    def declaration(self, name: str) -> Table:
        """Find the declaration of an existing table.

        Parameters
        ----------
        name : str
            As `find` returns it.

        Returns
        -------
        Table
            Of a factor table: rebuilt from its own schema.

        Raises
        ------
        UnknownNameError
            If there is no such table.
        """
        with self._lock:
            if name not in self._declared:
                schema = pa.schema(self._head(name).schema().to_arrow())
                fixed = {column.name for column in factor_table("x", "x", ()).columns}
                factor_set, _, digest = name.removeprefix(FACTOR_PREFIX).rpartition("-")
                columns = tuple(column for column in schema.names if column not in fixed)
                self._declared[name] = factor_table(factor_set, digest, columns)
            return self._declared[name]

    def latest(self, name: str) -> int:
        """Find the newest version of a table.

        Parameters
        ----------
        name : str

        Returns
        -------
        int

        Raises
        ------
        UnknownNameError
            If there is no such table.
        """
        with self._lock:
            return int(self._head(name).version())

    def snapshot(self, name: str, version: int | None = None) -> Snapshot:
        """List the files of one version of a table, or of the newest version with the very same rows.

        Parameters
        ----------
        name : str
        version : int, optional
            The newest when left out.

        Returns
        -------
        Snapshot

        Raises
        ------
        UnknownNameError
            If there is no such table.
        InvalidInputError
            If there is no such version, its files were cleaned up, or the declaration contradicts it.
        """
        with self._lock:
            head = self._head(name)
            latest = int(head.version())
            asked = latest if version is None else self._check(name, version, latest)
            version = self._settle(name, asked, latest)
            found = self._snapshots.get((name, version))
            if found is None:
                opened = head if version == head.version() else self._open(name, version)
                files = read_files(opened, self.storage.uri(name))
                if opened is not head and self.storage.lacks(name, [file.path for file in files]):
                    rule = "its files have been cleaned up; a pin would have kept them"
                    raise InvalidInputError(f"as_of.{name}", asked, rule)
                table = self.declaration(name)
                found = Snapshot(table, version, files, growth_of(opened, table, reading=True).everywhere)
                self._snapshots[name, version] = found
            self._snapshots.move_to_end((name, version))
            while len(self._snapshots) > _SNAPSHOTS_KEPT:
                self._snapshots.popitem(last=False)
            return found if found.version == asked else replace(found, version=asked)

    def data_version(self, name: str, version: int) -> int:
        """Find the oldest version with the very same rows: compaction makes versions and changes none.

        Parameters
        ----------
        name : str
        version : int
            An existing one.

        Returns
        -------
        int
            What keys of caches are made of: equal for two neighbouring versions only when their rows are equal.
        """
        while version > 0 and not self._changes_data(name, version):
            version -= 1
        return version

    def state(self, name: str, version: int) -> str:
        """Name the rows of a version, for keys of caches that outlive this process and this copy of the lake.

        Parameters
        ----------
        name : str
        version : int
            An existing one.

        Returns
        -------
        str
            Data version and digest of the commit that made it: equal for two versions of tables that were ever at this
            place only if their rows are equal, also where a lake was made anew or brought back from a copy.
        """
        version = self.data_version(name, version)
        with self._lock:
            if (name, version) not in self._states:
                try:
                    made_by = self.storage.log_entry(name, version)
                except FileNotFoundError:  # the log was cleaned up: the files are as good a mark
                    made_by = "\n".join(file.path for file in self.snapshot(name, version).files).encode()
                self._states[name, version] = f"{version}-{hashlib.sha256(made_by).hexdigest()[:16]}"
            return self._states[name, version]

    def settled_version(self, name: str, version: int) -> int:
        """Find the newest version with the very same rows, whose files are the best to read.

        Parameters
        ----------
        name : str
        version : int
            An existing one.

        Returns
        -------
        int
        """
        return self._settle(name, version, self.latest(name))

    def resolve(self, as_of: AsOf, names: list[str] | None = None) -> dict[str, int]:
        """Turn a point in the lake's history into table versions.

        Parameters
        ----------
        as_of : datetime, str, mapping or None
            A moment (without a zone: UTC; a date alone: its midnight), `bars=12,factors_alpha158=3`, a pin's name,
            versions by table, or None for now. A table that the versions or the pin do not name is at its newest;
            at a moment before its creation it is at version 0, which has no rows.
        names : list of str, optional
            Tables wanted; every table when left out.

        Returns
        -------
        dict of str to int

        Raises
        ------
        UnknownNameError
            If a table or a pin is unknown.
        InvalidInputError
            If the text means nothing, or a table has no such version.
        """
        wanted = self.names() if names is None else names
        if isinstance(as_of, str):
            as_of = self._parse(as_of)
        if isinstance(as_of, datetime):
            moment = as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)
            return {name: self._version_at(name, moment) for name in wanted}
        given = {self._find_pinned(name): int(version) for name, version in (as_of or {}).items()}
        latest = {name: self.latest(name) for name in wanted}
        return {name: self._check(name, given.get(name, newest), newest) for name, newest in latest.items()}

    def _settle(self, name: str, version: int, latest: int) -> int:
        while version < latest and not self._changes_data(name, version + 1):
            version += 1
        return version

    def _changes_data(self, name: str, version: int) -> bool:
        with self._lock:
            known = self._changes.get((name, version))
            if known is None:
                try:
                    known = read_entry(self.storage, name, version).changes_data
                except FileNotFoundError:  # somebody cleaned the log up: nothing is known, so nothing is taken as equal
                    known = True
                self._changes[name, version] = known
            return known

    def _parse(self, text: str) -> datetime | Mapping[str, int]:
        if "=" in text:
            pairs = [part.partition("=") for part in text.split(",")]
            try:
                return {name.strip(): int(version) for name, _, version in pairs}
            except ValueError:
                raise InvalidInputError("as_of", text, "versions are written 'bars=12,instruments=3'") from None
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pinned = self._pins(text)
        if pinned is None:
            rule = "it is neither a time (2026-01-31T16:00Z), nor versions (bars=12,instruments=3), nor a pin's name"
            raise InvalidInputError("as_of", text, rule)
        return pinned

    def _find_pinned(self, name: str) -> str:
        if name == FACTOR_PREFIX.rstrip("/"):
            tables = self.storage.factor_tables()
            if len(tables) == 1:
                return tables[0]
            rule = f"it must name one of the factor tables: {', '.join(tables) or 'there is none'}"
            raise InvalidInputError("as_of", name, rule)
        return self.find(name)

    def _version_at(self, name: str, moment: datetime) -> int:
        # by the writers' clocks, which the log keeps: a copy of a lake has the same history, and files of another day
        moment_ms, oldest, newest = moment.timestamp() * 1000, 0, self.latest(name)
        try:
            while oldest < newest:
                middle = (oldest + newest + 1) // 2
                if self._made_ms(name, middle) <= moment_ms:
                    oldest = middle
                else:
                    newest = middle - 1
        except FileNotFoundError:  # somebody cleaned the log up: delta-rs knows what is left
            return int(self.storage.open(name, version=moment).version())
        return oldest

    def _made_ms(self, name: str, version: int) -> int:
        with self._lock:
            if (name, version) not in self._made:
                entry = read_entry(self.storage, name, version)
                self._made[name, version], self._changes[name, version] = entry.made_ms, entry.changes_data
            return self._made[name, version]

    def _check(self, name: str, version: int, latest: int) -> int:
        if not 0 <= version <= latest:
            raise InvalidInputError(f"as_of.{name}", version, f"the table has versions 0 to {latest}")
        return version

    def _head(self, name: str) -> DeltaTable:
        # the probe for the next log entry is what keeps a repeated query from listing the log
        head = self._heads.get(name)
        if head is None:
            try:
                head = self._heads[name] = self.storage.open(name)
            except TableNotFoundError:
                raise UnknownNameError("table", name, self.names()) from None
        elif self.storage.exists(name, head.version() + 1):
            self.storage.update(head)
        return head

    def _open(self, name: str, version: int) -> DeltaTable:
        try:
            return self.storage.open(name, version=version)
        except DeltaError:
            rule = f"the table has versions 0 to {self.latest(name)}, less those that were cleaned up"
            raise InvalidInputError(f"as_of.{name}", version, rule) from None

    def _created_at(self, name: str) -> int:
        with self._lock:
            if name not in self._created:
                self._created[name] = int(self._head(name).metadata().created_time or 0)
            return self._created[name]
