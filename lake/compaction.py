"""Rewrite partitions of many small files as few sorted ones: the same rows, quicker to read."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction

from lake.commit_events import CommitEvent, publish
from lake.evolution import growth_of
from lake.files import DataFile, read_files
from lake.scan import scan_files
from lake.storage import Storage
from lake.swap import pause, rows_per_file, swap, write_files
from lake.tables import Table
from qbrain_core.errors import InvalidInputError

if TYPE_CHECKING:
    from lake.lakehouse import Lake

__all__ = ["MIN_FILES", "Compacted", "compact"]

MIN_FILES = 4
"""Files of a partition that may hold the same instrument, from which a rewrite pays."""

_ATTEMPTS = 20
_CLOSES: dict[str, Callable[[date], Any]] = {
    "year": lambda day: day.year,
    "known_year": lambda day: day.year,
    "month": lambda day: f"{day:%Y-%m}",
}  # period columns, and the period a day falls in: earlier ones are closed


@dataclass(frozen=True)
class Compacted:
    """What became of one partition.

    Attributes
    ----------
    table : str
    partition : mapping of str to object
    rows : int
    files_before, files_after : int
    outcome : {"rewritten", "planned", "lost"}
        "planned" on a dry run; "lost" where others changed the partition first: nothing was done to it.
    """

    table: str
    partition: Mapping[str, Any]
    rows: int
    files_before: int
    files_after: int
    outcome: Literal["rewritten", "planned", "lost"]


def compact(
    lake: "Lake", tables: Sequence[str] | None = None, *, include_open: bool = False, min_files: int = MIN_FILES,
    today: date | None = None, dry_run: bool = False, job_id: str = "", fence: Callable[[], None] | None = None,
) -> list[Compacted]:  # fmt: skip
    """Rewrite partitions of many small files in the order their table declares.

    Each partition is one commit that changes no data: `Catalog.data_version` stays, and so does every read. Other
    processes may write meanwhile; what they change is planned anew or left alone.

    Parameters
    ----------
    lake : Lake
    tables : sequence of str, optional
        All when left out.
    include_open : bool
        Also partitions whose year or month still lasts.
    min_files : int
        See `MIN_FILES`; at least 2.
    today : date, optional
        The day that tells which periods are over; now, UTC, when left out.
    dry_run : bool
        Only tell what would be done.
    job_id : str
        Kept with each commit.
    fence : callable, optional
        Called right before each commit; raises when the caller no longer owns its job.

    Returns
    -------
    list of Compacted
        One per partition that was worth it.

    Raises
    ------
    UnknownNameError
        If a table is unknown.
    InvalidInputError
        If a table was written by a newer version of the product, or has rows without a value to sort by.
    """
    catalog, day = lake.catalog, today or datetime.now(UTC).date()
    done: list[Compacted] = []
    for name in [catalog.find(table) for table in tables] if tables is not None else catalog.names():
        table = catalog.declaration(name)
        partitions: defaultdict[tuple[Any, ...], list[DataFile]] = defaultdict(list)
        for file in catalog.snapshot(name).files:
            partitions[tuple(file.partition[column] for column in table.partitions)].append(file)
        for values, files in partitions.items():
            partition = dict(zip(table.partitions, values, strict=True))
            if (include_open or _is_closed(partition, day)) and _is_worth(files, table, min_files):
                rewrite = _Rewrite(lake, table, partition, job_id)
                done.append(rewrite.plan(files) if dry_run else rewrite.run(min_files, fence or (lambda: None)))
    return done


class _Rewrite:
    def __init__(self, lake: "Lake", table: Table, partition: Mapping[str, Any], job_id: str) -> None:
        self._lake = lake
        self._storage: Storage = lake.catalog.storage
        self._job_id = job_id
        self._table = table
        self._partition = partition

    def plan(self, files: Sequence[DataFile]) -> Compacted:
        after = math.ceil(sum(file.rows for file in files) / rows_per_file(self._table))
        return self._report(files, after, "planned")

    def run(self, min_files: int, fence: Callable[[], None]) -> Compacted:
        sources: list[DataFile] = []
        adds: list[AddAction] = []
        for attempt in range(_ATTEMPTS + 1):
            opened = self._storage.open(self._table.name)
            growth_of(opened, self._table)  # an older declaration must not rewrite: it would leave columns out
            files = read_files(opened, self._storage.uri(self._table.name))
            live = {file.path for file in files}
            if adds and adds[0].path in live:
                return self._report(sources, len(adds), "rewritten")  # the failure was only in the answer
            if not {file.path for file in sources} <= live or attempt == _ATTEMPTS:
                self._discard(adds)
                sources, adds = [], []
            if not sources:
                sources = [file for file in files if file.partition == self._partition]
                if attempt == _ATTEMPTS or not _is_worth(sources, self._table, min_files):
                    return self._report(sources, len(sources), "lost")
                adds = self._write(sources)
            try:
                fence()
            except Exception:  # whatever it was, the files written are nobody's now
                self._discard(adds)
                raise
            try:
                note = {"compacted": "true", "job": self._job_id}
                swap(opened, self._table, adds, sources, note=note, data_change=False)
                self._announce(int(opened.version()) + 1)
                return self._report(sources, len(adds), "rewritten")
            except CommitFailedError:
                pause(attempt)
            except self._storage.unanswered:  # it may have been done all the same: the next look tells
                pause(attempt)
        raise AssertionError("the last attempt returns")

    def _write(self, sources: Sequence[DataFile]) -> list[AddAction]:
        # a range of the leading column at a time, so that memory holds one file's rows however large the partition
        lead, adds, written = _lead(self._table), [], 0
        counts = scan_files(sources, self._table, self._storage).group_by(lead).len().sort(lead).collect()
        for low, high in _ranges(counts, rows_per_file(self._table)):
            fitting = [file for file in sources if file.may_hold(lead, low, high)]
            within = pl.col(lead).is_between(pl.lit(low), pl.lit(high))
            rows = scan_files(fitting, self._table, self._storage).filter(within).collect()
            adds += write_files(self._storage, self._table, rows, data_change=False)
            written += rows.height
        if written != counts["len"].sum():
            self._discard(adds)
            raise InvalidInputError(f"{self._table.name}.{lead}", None, "some rows have none, and it sorts the table")
        return adds

    def _announce(self, version: int) -> None:
        name = self._table.name
        event = CommitEvent(name, version, self._lake.catalog.data_version(name, version), self._job_id)
        publish(self._lake.settings, [event])

    def _discard(self, adds: Sequence[AddAction]) -> None:
        self._storage.discard(self._table.name, [add.path for add in adds])

    def _report(
        self, files: Sequence[DataFile], after: int, outcome: Literal["rewritten", "planned", "lost"]
    ) -> Compacted:
        rows = sum(file.rows for file in files)
        return Compacted(self._table.name, self._partition, rows, len(files), after, outcome)


def _is_closed(partition: Mapping[str, Any], day: date) -> bool:
    return all(partition[name] < period(day) for name, period in _CLOSES.items() if name in partition)


def _is_worth(files: Sequence[DataFile], table: Table, min_files: int) -> bool:
    # too many files for the rows, or too many that may hold one value of the leading column; neither is so afterwards
    few = 2 * math.ceil(sum(file.rows for file in files) / rows_per_file(table)) - 1
    if len(files) < max(min_files, 2):
        return False
    return len(files) > few or _depth(files, _lead(table)) >= max(min_files, 2)


def _lead(table: Table) -> str:
    return (table.sort or table.key)[0]


def _depth(files: Sequence[DataFile], lead: str) -> int:
    # files over one point; a file of one value is no help to merge: its neighbours of that value are full
    if any(file.low.get(lead) is None or file.high.get(lead) is None for file in files):
        return len(files)
    spans = [(file.low[lead], file.high[lead]) for file in files if file.low[lead] < file.high[lead]]
    return max((sum(low <= start <= high for low, high in spans) for start, _ in spans), default=0)


def _ranges(counts: pl.DataFrame, most: int) -> Iterator[tuple[Any, Any]]:
    # consecutive values whose rows, at most so many, fit into one file
    first, last, size = None, None, 0
    for value, rows in counts.iter_rows():
        if size and size + rows > most:
            yield first, last
            size = 0
        first, last, size = (value if not size else first), value, size + rows
    if size:
        yield first, last
