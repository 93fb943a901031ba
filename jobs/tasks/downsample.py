"""Combine intraday bars into longer ones, month by month, and store them beside what sources delivered."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import exchange_calendars
import polars as pl

from jobs.context import TaskContext
from lake.changes import Change, changes_since
from lake.commit import Transaction
from lake.reads.intraday import in_order, month_ranges
from lake.tables import TABLES
from lake.watermarks import read_watermark, set_watermark
from qbrain_core.errors import CommitConflictError, InsufficientDataError
from qbrain_core.resample import finer_frequencies
from qbrain_core.specs import DownsampleSpec, JobSpec

__all__ = ["BLOCK_ROWS", "run"]

BLOCK_ROWS = 2_000_000
"""Bars combined at a time: what bounds memory. An instrument's month is never cut."""

_RULES = 1
# raised when `qbrain_core.resample` gives other bars than before, so that everything is made anew
_TABLE = TABLES["bars_intraday"]
_PAIR = ["instrument", "session"]
_BEFORE, _AFTER = timedelta(days=1), timedelta(days=2)
# a bar's session is the day of its close in UTC, or at most so far from it (midnights; weekends of currencies)
_COUNTS = ("months", "rows_in", "rows_made", "rows_changed", "rows_deleted")
_TRIES = 5
_MARKED_AFTER = 100  # commits that need not be looked at again


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Make the bars that are missing or whose source has changed; done again it changes nothing.

    Every month is one commit, made of the newest bars there are, whatever `context.versions` says (unless `spec.pins`
    name them): what an older attempt read must not replace what a newer one made. Where a source delivered bars of an
    instrument and session at a frequency, none are made. Bars made of ones that are gone by now stay, so that minutes
    may expire earlier than hours.

    Parameters
    ----------
    spec : DownsampleSpec
    context : TaskContext

    Returns
    -------
    dict
        `months` that were looked at, `rows_in`, `rows_made` (whether or not they were so before), `rows_changed`,
        `rows_deleted`, and `versions` of the tables afterwards.

    Raises
    ------
    InsufficientDataError
        If the lake has no bars of that market and frequency.
    CommitConflictError
        If other writers kept winning, or kept changing the bars that were being combined.
    JobCancelledError
        If the user asked for it; the months done by then stay done.
    """
    assert isinstance(spec, DownsampleSpec)
    work = _Downsampling(spec, context)
    ranges = [piece for span in work.spans() for piece in month_ranges(*span)]
    for nth, (first, last) in enumerate(ranges):
        context.reporter.check()
        context.reporter.stage("compute", fraction=nth / len(ranges), detail=f"{first:%Y-%m}")
        work.make(first, last)
    work.finish(bool(ranges))
    return work.result


class _MovedError(Exception):
    # what a month is made of, or what it would replace, is no longer what was read
    pass


class _Downsampling:
    # one run: what it has to look at, and what it has done so far

    def __init__(self, spec: DownsampleSpec, context: TaskContext) -> None:
        self._spec, self._context, self._lake = spec, context, context.lake
        self._storage, self._pins = self._lake.catalog.storage, spec.pins or None
        self._whole = not (spec.instruments or spec.start or spec.end or spec.pins)
        self._source = self._lake.snapshot(_TABLE.name, as_of=self._pins)
        self._work = self._identity()
        self._oldest: date | None = None
        self._walked = 0
        self.result: dict[str, Any] = dict.fromkeys(_COUNTS, 0) | {"versions": {}}

    def _identity(self) -> str:
        # whatever decides the bars besides the ones they are made of
        overrides = self._lake.calendar_overrides(self._spec.market, as_of=self._pins)
        basis = [_RULES, exchange_calendars.__version__, json.loads(overrides.write_json())]
        digest = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:8]
        to = "+".join(sorted(self._spec.to_frequencies))
        return f"downsample-{self._spec.market}-{self._spec.from_frequency}-{to}-{digest}"

    def spans(self) -> list[tuple[date, date]]:
        found = self._every_session()
        since = read_watermark(self._storage, _TABLE, self._work) if self._whole else None
        if since is None:
            return [found]
        self._walked = self._source.version - since
        changes = changes_since(self._storage, _TABLE.name, since, self._source.version, ignore=self._is_own)
        if changes is None:
            return [found]
        return _merged(filter(None, map(self._sessions_of, changes)), *found)

    def _every_session(self) -> tuple[date, date]:
        spec = self._spec
        wanted = {"frequency": spec.from_frequency, "market": spec.market}
        months = [
            str(file.partition["month"]) for file in self._source.files if wanted.items() <= file.partition.items()
        ]
        if not months:
            raise InsufficientDataError(f"market {spec.market} has no bars of {spec.from_frequency}; ingest some first")
        first, last = date.fromisoformat(f"{min(months)}-01") - _BEFORE, _last_day(max(months)) + _AFTER
        opening = self._lake.scan_intraday(
            spec.from_frequency, market=spec.market, end=_last_day(min(months)), as_of=self._pins
        )
        self._oldest = opening.select(pl.col("session").min()).collect().item()
        return max(first, spec.start or first), min(last, spec.end or last)

    def _is_own(self, job: str) -> bool:
        # what this work wrote itself, and minutes that were let go, ask for no new bars
        return f"#{self._work}@" in job or "#retain@" in job

    def _sessions_of(self, change: Change) -> tuple[date, date] | None:
        concerned = {None, self._spec.from_frequency, *self._spec.to_frequencies}
        if change.partition["market"] != self._spec.market or change.partition.get("frequency") not in concerned:
            return None
        if "year" in change.partition:
            return date(int(change.partition["year"]), 1, 1), date(int(change.partition["year"]), 12, 31)
        month = change.partition["month"]
        low, high = change.low.get("ts"), change.high.get("ts")
        if not low or not high:  # of a removed file nothing is known
            return date.fromisoformat(f"{month}-01") - _BEFORE, _last_day(month) + _AFTER
        return datetime.fromisoformat(low).date() - _BEFORE, datetime.fromisoformat(high).date() + _AFTER

    def make(self, first: date, last: date) -> None:
        for _ in range(_TRIES):
            try:
                return self._make(first, last)
            except _MovedError:
                self._context.reporter.log(f"{first:%Y-%m}: bars have changed meanwhile; looking again")
        raise CommitConflictError(f"{first} to {last}: others changed its bars {_TRIES} times while they were combined")

    def _make(self, first: date, last: date) -> None:
        spec, made, rows_in = self._spec, dict[str, list[pl.DataFrame]](), 0
        tables = [_TABLE.name, *(["bars"] if "1d" in spec.to_frequencies else [])]
        read = {name: self._lake.catalog.latest(name) for name in tables}
        for bars in self._blocks(first, last, self._pins or read):
            self._context.reporter.check()
            rows_in += bars.height
            for to in spec.to_frequencies:
                part = self._lake.combine_intraday(bars, to, spec.from_frequency, spec.market, as_of=self._pins)
                made.setdefault(to, []).append(part)
        if not made:
            return

        def fence() -> None:
            # a commit succeeds only on the very version this has looked at
            self._context.fence()
            if any(self._moved(name, since, first, last) for name, since in read.items()):
                raise _MovedError

        # what was read is part of the id: another attempt may find more to do
        rows_made, job = 0, f"{self._context.job_id}#{self._work}@{first}@{read[_TABLE.name]}"
        with self._lake.commit(job, self._context.attempt, fence=fence) as transaction:
            for frequency in spec.to_frequencies:
                rows = pl.concat(made.pop(frequency))
                table = "bars" if frequency == "1d" else _TABLE.name
                rows = self._daily(rows) if frequency == "1d" else rows
                rows_made += self._replace(transaction, table, frequency, rows, first, last)
        self.result["versions"] |= transaction.versions
        figures = {
            "months": 1, "rows_in": rows_in, "rows_made": rows_made,
            "rows_changed": sum(transaction.changed.values()), "rows_deleted": sum(transaction.deleted.values()),
        }  # fmt: skip
        for name, figure in figures.items():
            self.result[name] += figure

    def _moved(self, name: str, since: int, first: date, last: date) -> bool:
        changes = changes_since(self._storage, name, since, self._lake.catalog.latest(name), ignore=self._is_own)
        spans = [(date.min, date.max)] if changes is None else filter(None, map(self._sessions_of, changes))
        return any(low <= last and high >= first for low, high in spans)

    def _blocks(self, first: date, last: date, versions: Mapping[str, int]) -> Iterator[pl.DataFrame]:
        spec = self._spec
        rows = self._lake.scan_intraday(
            spec.from_frequency, market=spec.market, instruments=spec.instruments or None, start=first, end=last,
            as_of=versions,
        )  # fmt: skip
        sizes = rows.group_by("instrument").len().sort("instrument").collect()
        block = (sizes["len"].cum_sum() - 1) // BLOCK_ROWS
        for names in sizes.group_by(block, maintain_order=True).agg("instrument")["instrument"]:
            low, high = pl.lit(names[0]), pl.lit(names[-1])
            yield in_order(rows.filter(pl.col("instrument").is_between(low, high)).collect())

    def _replace(
        self, transaction: Transaction, table: str, frequency: str, rows: pl.DataFrame, first: date, last: date
    ) -> int:
        stored = self._stored(table, frequency, first, last)
        finer = stored["made_from"].is_null() | stored["made_from"].is_in(finer_frequencies(self._spec.from_frequency))
        rows = rows.join(stored.filter(finer), on=_PAIR, how="anti")
        own = stored.filter(pl.col("made_from") == self._spec.from_frequency)
        if "ts" in rows.columns:
            rows = rows.join(_expiring(rows.filter(pl.col("session") == self._oldest), own), on=_PAIR, how="anti")
        key = list(TABLES[table].key)
        delivered = own.join(stored.filter(finer), on=_PAIR, how="semi")
        gone = own.join(rows, on=key, how="anti").join(rows, on=_PAIR, how="semi")
        places = [*TABLES[table].partitions, *_PAIR, "made_from"]
        for where in pl.concat([gone, delivered]).select(places).unique().iter_rows(named=True):
            transaction.delete(table, where=where)
        transaction.upsert(table, rows)
        return rows.height

    def _stored(self, table: str, frequency: str, first: date, last: date) -> pl.DataFrame:
        # as it is now, not as it was: what others wrote meanwhile is not replaced either
        spec = self._spec
        if table == "bars":
            found = self._lake.bars(market=spec.market, instruments=spec.instruments or None, start=first, end=last)
            return found.select(*TABLES[table].key, *TABLES[table].partitions, "made_from")
        rows = self._lake.scan_intraday(
            frequency, market=spec.market, instruments=spec.instruments or None, start=first, end=last
        )
        return rows.select(*TABLES[table].key, "session", "market", "month", "made_from").collect()

    def _daily(self, rows: pl.DataFrame) -> pl.DataFrame:
        # the factor of the source's bar before, else of the one after: what is made here knows of no action
        names = rows["instrument"].unique().to_list()
        known = self._lake.bars(instruments=names, columns=["factor", "made_from"], as_of=self._pins)
        known = known.filter(pl.col("made_from").is_null()).drop("made_from").sort("session")
        rows = rows.drop("frequency", "ts", "month").sort("session")
        before, after = (
            rows.join_asof(known, on="session", by="instrument", strategy=way, check_sortedness=False)["factor"]
            for way in ("backward", "forward")
        )
        factor = before.fill_null(after).fill_null(1.0)
        return rows.with_columns(factor, halted=pl.lit(False), year=pl.col("session").dt.year())

    def finish(self, changed: bool) -> None:
        if self._whole and (changed or self._walked >= _MARKED_AFTER):
            job = f"{self._context.job_id}#{self._work}@end"
            set_watermark(
                self._storage, _TABLE, self._work, self._source.version, job_id=job, fence=self._context.fence
            )


def _expiring(rows: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    # where the oldest session begins later than what was made of it, the rest of its bars has expired
    opening = rows.group_by(_PAIR).agg(pl.col("ts").min())
    earlier = own.group_by(_PAIR).agg(made=pl.col("ts").min())
    return opening.join(earlier, on=_PAIR).filter(pl.col("made") < pl.col("ts")).select(_PAIR)


def _merged(spans: Iterator[tuple[date, date]], first: date, last: date) -> list[tuple[date, date]]:
    merged: list[tuple[date, date]] = []
    for low, high in sorted((max(low, first), min(high, last)) for low, high in spans):
        if merged and low <= merged[-1][1] + timedelta(days=1):
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        elif low <= high:
            merged.append((low, high))
    return merged


def _last_day(month: str) -> date:
    return (date.fromisoformat(f"{month}-28") + timedelta(days=4)).replace(day=1) - timedelta(days=1)
