"""Run checks over what the lake holds, in pieces that fit into memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from lake.catalog import AsOf
from lake.lakehouse import Lake
from lake.quality.check import EXAMPLES, Check, Finding, finding
from lake.quality.registry import CHECKS, checks_of
from lake.quality.surroundings import Surroundings
from qbrain_core.markets import Market
from qbrain_core.reporting import NULL_REPORTER, Reporter

__all__ = ["CHECKED_TABLES", "CONTEXT_TABLES", "StandingRun", "TableFindings", "standing_checks"]

CHECKED_TABLES = tuple(
    dict.fromkeys(table for check in CHECKS.values() if "stored" in check.stages for table in check.tables)
)
"""Tables that some check of stored rows judges."""

CONTEXT_TABLES = ("bars", "instruments", "corporate_actions", "calendar_overrides")
"""Tables that checks of other tables look into."""

_PIECE_ROWS = 3_000_000
"""Rows judged at once where each instrument is judged by itself."""

_ORDER = {"bars": ["instrument", "session"], "bars_intraday": ["instrument", "frequency", "ts"]}


@dataclass(frozen=True)
class TableFindings:
    """What was found in one table at one version."""

    table: str
    version: int
    rows: int
    findings: list[Finding]


def standing_checks(table: str, names: Sequence[str] = (), *, notes: bool = False) -> tuple[Check, ...]:
    """List the checks that judge a stored table.

    Parameters
    ----------
    table : str
    names : sequence of str
        Only these; empty: all that apply.
    notes : bool
        Whether notes are told, too; a note that is named is told anyway.

    Returns
    -------
    tuple of Check
    """
    stored = [c for c in checks_of(table, stage="stored") if c.tables]
    return tuple(c for c in stored if (c.name in names if names else notes or c.severity != "note"))


class StandingRun:
    """Checks over one market of a lake at one point of its history.

    Parameters
    ----------
    lake : Lake
    market : Market
    as_of : optional
    sessions : callable, optional
        The market's calendar, where it is not the exchange's.
    now : datetime
        The moment freshness is judged at.
    reporter : Reporter
    """

    def __init__(
        self, lake: Lake, market: Market, *, now: datetime, as_of: AsOf = None,
        sessions: Callable[[date, date], pl.Series] | None = None, reporter: Reporter = NULL_REPORTER,
    ) -> None:  # fmt: skip
        self._lake, self._market, self._as_of, self._reporter = lake, market, as_of, reporter
        self._around = Surroundings(market, read=self._read, sessions=sessions, now=now)

    def judge(self, table: str, names: Sequence[str] = (), *, notes: bool = False) -> TableFindings | None:
        """Run the checks of one table.

        Parameters
        ----------
        table : str
        names : sequence of str
            Only these checks; empty: all that apply.
        notes : bool
            Whether notes are told, too.

        Returns
        -------
        TableFindings or None
            None where no check applies, or the market has no rows in the table.
        """
        checks = standing_checks(table, names, notes=notes)
        version = self._lake.snapshot(table, as_of=self._as_of).version
        rows = self._rows(table)
        height = int(rows.select(pl.len()).collect().item()) if checks else 0
        if not height:
            return None
        found: dict[str, Finding] = {}
        whole = self._sorted(table, rows) if height <= _PIECE_ROWS else None
        for piece in self._pieces(table, rows, height) if whole is None else [whole]:
            for check in (c for c in checks if whole is not None or c.scope == "instrument"):
                self._reporter.check()
                _take(found, check, piece, self._around)
        for check in (c for c in checks if whole is None and c.scope == "market"):
            self._reporter.check()
            wanted = {*check.needs, *_ORDER.get(table, []), *check.shown, "halted", "factor"}
            known = rows.collect_schema().names()
            narrow = rows.select(c for c in known if c in wanted) if table in _ORDER else rows
            _take(found, check, self._sorted(table, narrow), self._around)
        return TableFindings(table, version, height, [found[c.name] for c in checks if c.name in found])

    def _pieces(self, table: str, rows: pl.LazyFrame, height: int) -> Iterator[pl.DataFrame]:
        names = rows.select(pl.col("instrument").unique().sort()).collect()["instrument"]
        size = max(1, int(len(names) * _PIECE_ROWS / height))
        for start in range(0, len(names), size):
            self._reporter.stage("check", fraction=start / len(names), detail=table)
            yield self._sorted(table, rows.filter(pl.col("instrument").is_in(names.slice(start, size).implode())))

    def _sorted(self, table: str, rows: pl.LazyFrame) -> pl.DataFrame:
        # one integer sorts three times as fast as texts
        collected = rows.collect()
        if table not in _ORDER:
            return collected
        texts = [c for c in _ORDER[table] if collected.schema[c] == pl.String]
        kinds = {c: pl.Enum(collected[c].unique().sort()) for c in texts}
        order = [pl.col(c).cast(kinds[c]).to_physical() if c in kinds else pl.col(c) for c in _ORDER[table]]
        return collected.sort(order)

    def _rows(self, table: str) -> pl.LazyFrame:
        rows = self._lake.scan(table, as_of=self._as_of)
        known = rows.collect_schema()
        if "market" in known:
            return rows.filter(pl.col("market") == self._market.code)
        if "instrument" not in known:
            return rows  # of every market alike, as interest rates are
        suffix = pl.col("instrument").str.extract(r"\.([^.]+)$", 1)
        return rows.filter(suffix.is_in(list(self._market.suffixes)))

    def _read(self, table: str) -> pl.DataFrame:
        if table == "bar_spans":
            spans = self._rows("bars").group_by("instrument")
            return spans.agg(first=pl.col("session").min(), last=pl.col("session").max()).collect()
        return self._rows(table).collect()


def _take(found: dict[str, Finding], check: Check, rows: pl.DataFrame, around: Surroundings) -> None:
    if not check.applies(rows):
        return
    concerned = check.find(rows, around)
    if concerned.is_empty():
        return
    new, old = finding(check, concerned), found.get(check.name)
    found[check.name] = new if old is None else _joined(old, new)


def _joined(one: Finding, other: Finding) -> Finding:
    days = (
        [d for d in (one.session_from, other.session_from) if d],
        [d for d in (one.session_to, other.session_to) if d],
    )
    return Finding(
        one.check, one.severity, one.rows + other.rows, [*one.examples, *other.examples][:EXAMPLES],
        (one.instruments or 0) + (other.instruments or 0) if one.instruments is not None else None,
        min(days[0], default=None), max(days[1], default=None),
    )  # fmt: skip
