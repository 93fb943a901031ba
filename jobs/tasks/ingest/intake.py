"""Files on their way in: what is left of them, what was refused, what was noticed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from jobs.tasks.ingest.delivery import delivery_of, source_name
from lake import Lake
from lake.quality import (
    EXAMPLES,
    Finding,
    Surroundings,
    check_named,
    conflicting_duplicate,
    delivery_findings,
    examine,
    findings_frame,
    incoming_errors,
    incoming_warnings,
    last_delivery,
    take_repeats,
    unknown_columns,
    warn,
)
from lake.sources import SourceRows
from lake.sources.instruments import with_instruments
from lake.sources.symbols import resolve_symbols
from lake.sources.universes import listed_changes
from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import MARKETS, Market
from qbrain_core.specs import IngestSpec

__all__ = ["Intake", "Writes"]


@dataclass(frozen=True)
class Writes:
    """What an ingest writes.

    Attributes
    ----------
    rows : dict of str to DataFrame
        By table, in the order they are written; the spec's own table is the last.
    replaced : list of (table, frame, where)
        Parts of tables that are written whole.
    """

    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    replaced: list[tuple[str, pl.DataFrame, dict[str, Any]]] = field(default_factory=list)


class Intake:
    """One ingest's rows on their way in.

    Parameters
    ----------
    spec : IngestSpec
    source : SourceRows
    lake : Lake

    Attributes
    ----------
    market : Market
    rows : DataFrame
        Rows as read, with `symbol` and `instrument` where the table has instruments, and a boolean `unreadable`.
    refused : DataFrame, columns (row: u32, check: str)
    findings : list of Finding
    written : int
        Good rows.
    """

    def __init__(self, spec: IngestSpec, source: SourceRows, lake: Lake) -> None:
        self.spec, self.source, self.lake = spec, source, lake
        self.market: Market = MARKETS[spec.market]
        changes = spec.table == "universes" and not {"added", "removed"}.isdisjoint(source.rows.columns)
        rows = (listed_changes(source.rows) if changes else source.rows).with_columns(
            unreadable=pl.col("row").is_in(source.unreadable["row"].unique().implode())
            if source.unreadable.height
            else pl.lit(False)
        )
        if "instrument" in rows.columns:
            rows = with_instruments(rows, self.market)
            if spec.resolve_symbols and "session" in rows.columns:
                history = lake.scan("symbol_history").filter(pl.col("market") == self.market.code).collect()
                rows = resolve_symbols(rows, history)
        self.rows = rows
        self.refused = pl.DataFrame(schema={"row": pl.UInt32, "check": pl.String})
        self.findings: list[Finding] = []
        if spec.extra_columns == "report":
            self.findings += unknown_columns(source.extra_columns, rows.height)
        if source.empty:
            shown = [{"file": name} for name in source.empty[:EXAMPLES]]
            self.findings.append(Finding("empty_delivery", "warning", len(source.empty), shown))
        self.written = 0
        self.source_name = source_name(spec)
        self._previous = last_delivery(lake.scan("deliveries"), self.source_name, spec.table)
        self._looked_at = rows

    def refuse(self, key: Sequence[str]) -> pl.DataFrame:
        """Part the good rows from the bad.

        Parameters
        ----------
        key : sequence of str
            Columns in which no two good rows agree.

        Returns
        -------
        DataFrame
            The good rows, sorted by `key`, without `unreadable` and `damage`.

        Raises
        ------
        InvalidInputError
            If no row is good.
        """
        around = Surroundings(market=self.market)
        good, refused, findings = examine(self.rows, incoming_errors(self.spec.table), around)
        self.findings += findings
        good = good.drop("unreadable", "damage", "text", "out_of_spell", strict=False)
        ordered, doubled = _order(good, key)
        if not ordered:
            good = good.sort(*key)
            _, doubled = _order(good, key)
        doubles = refused.clear()
        if doubled:
            good, repeats = take_repeats(good)
            good, doubles, conflicts = examine(good, [conflicting_duplicate(*key)], around)
            self.findings += [*repeats, *conflicts]
        return self._kept(good, pl.concat([refused, doubles]))

    def set_aside(self, rows: pl.DataFrame, check: str) -> pl.DataFrame:
        """Part what the lake speaks against from rows that are good by themselves.

        Parameters
        ----------
        rows : DataFrame
            Good rows, with the boolean column that the check looks at, called as it is.
        check : str
            Name of a check.

        Returns
        -------
        DataFrame
            The rows left, without that column.

        Raises
        ------
        InvalidInputError
            If no row is left.
        """
        good, refused, findings = examine(rows, [check_named(check)], Surroundings(market=self.market))
        self.findings += findings
        return self._kept(good.drop(check), refused)

    def _kept(self, good: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
        # rows that were side by side in the file have one number there
        self.refused = pl.concat([self.refused, refused]).unique("row", keep="first").sort("row")
        if good.is_empty():
            causes = ", ".join(f"{f.check} {f.rows}" for f in self.findings if f.severity == "error")
            rule = f"none of its {self.rows.height} rows can be used ({causes}); nothing was written"
            raise InvalidInputError("path", self.spec.path, rule)
        self.written = good.height
        return good

    def warn(self, rows: pl.DataFrame, stored: pl.DataFrame | None = None) -> None:
        """Look for what is odd in good rows.

        Parameters
        ----------
        rows : DataFrame
            As the checks of the spec's table want them.
        stored : DataFrame, optional
            Rows of the table in the lake, of the same instruments.
        """
        around = Surroundings(
            market=self.market, stored=stored, same_source=self._previous is not None, read=self._read
        )
        self.findings += warn(rows, incoming_warnings(self.spec.table), around)

    def _read(self, table: str) -> pl.DataFrame:
        # of other tables the incoming checks need the days on which the market differs from its calendar
        return self.lake.calendar_overrides(self.market.code) if table == "calendar_overrides" else pl.DataFrame()

    def account(self, job_id: str, at: datetime) -> dict[str, pl.DataFrame]:
        """Make the rows that tell of this ingest.

        Parameters
        ----------
        job_id : str
        at : datetime

        Returns
        -------
        dict of str to DataFrame
            Rows of the tables findings, quarantine and deliveries.
        """
        delivery = delivery_of(
            self.spec, self.source, self._looked_at, written=self.written, refused=self.refused.height
        )
        self.findings += delivery_findings(delivery, self._previous)
        # a check that finds in two places is told once
        self.findings = list({f.check: f for f in reversed(self.findings)}.values())[::-1]
        originals = self.source.originals(self.refused["row"])
        quarantine = self.refused.join(originals, on="row").select(
            pl.lit(job_id).alias("job_id"), "row", "check", pl.lit(self.spec.table).alias("table"), "source", "content",
            pl.lit(at).alias("created_at"),
        )  # fmt: skip
        findings = findings_frame(
            self.findings, job_id=job_id, table=self.spec.table, source=Path(self.spec.path).name, at=at,
            market=self.market.code,
        )  # fmt: skip
        return {"findings": findings, "quarantine": quarantine, "deliveries": delivery.frame(job_id=job_id, at=at)}


def _order(rows: pl.DataFrame, key: Sequence[str]) -> tuple[bool, bool]:
    # whether rows stand in the key's order, and whether two neighbours have one key: far cheaper than to sort and hash
    later, same = pl.lit(False), pl.lit(True)
    for column in key:
        value, before = pl.col(column), pl.col(column).shift(1)
        later, same = later | (same & (value > before)), same & (value == before)
    judged = rows.select((later | same).fill_null(False).alias("ordered"), same.fill_null(False).alias("doubled"))
    return bool(judged["ordered"].slice(1).all()), bool(judged["doubled"].any())
