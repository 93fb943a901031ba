"""Typed reads of bars within a session, at any frequency that the stored ones can be combined into."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from lake.catalog import AsOf
from lake.files import Snapshot
from lake.reads.calendars import CalendarReads
from lake.reads.market import markets_of
from lake.rows import polars_schema
from lake.scan import scan_rows
from lake.tables import TABLES
from qbrain_core.adjust import Adjustment, apply_adjustment
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.markets import MARKETS
from qbrain_core.resample import FREQUENCIES, finer_frequencies, resample

__all__ = ["IntradayReads", "in_order", "month_ranges"]

_TABLE = "bars_intraday"
_SCHEMA = polars_schema(TABLES[_TABLE])
_KEY, _SESSION = ("instrument", "ts"), ("instrument", "session")
_PRICES = ("open", "high", "low", "close", "vwap")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Scope:
    # which bars are meant: of whom, of which sessions, and closing between which instants
    markets: Sequence[str] | None
    instruments: Sequence[str] | None
    first: date | None
    last: date | None
    low: datetime | None = None
    high: datetime | None = None

    @classmethod
    def of(
        cls, markets: Sequence[str] | None, instruments: Sequence[str] | None, start: date | None, end: date | None
    ) -> "_Scope":
        first, last = (value.date() if isinstance(value, datetime) else value for value in (start, end))
        if not isinstance(start, datetime) and not isinstance(end, datetime):
            return cls(markets, instruments, first, last)
        # a day beside an instant counts from its first moment to its last, UTC
        low, high = _instant(start, time.min), _instant(end, time.max)
        # a session may begin on the day before the instant, or after it
        first, last = (first - _DAY if first else None), (last + 2 * _DAY if last else None)
        return cls(markets, instruments, first, last, low, high)

    def holds(self, column: str) -> pl.Expr:
        fits = pl.lit(True)
        if self.low is not None:
            fits &= pl.col(column) >= self.low
        return fits if self.high is None else fits & (pl.col(column) <= self.high)


def _instant(value: date | None, clock: time) -> datetime | None:
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.combine(value, clock)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class IntradayReads(CalendarReads):
    """Reads of bars within a session."""

    def intraday(
        self, frequency: str, *, market: str | None = None, instruments: Sequence[str] | None = None,
        start: date | None = None, end: date | None = None, columns: Sequence[str] | None = None,
        adjust: Adjustment = "none", as_of: AsOf = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Read bars within sessions; where the frequency is not stored, they are made of the finest one that is.

        That is decided for every instrument and session apart: stored bars are taken as they are, and only sessions
        that have none are combined from finer ones (`qbrain_core.resample` says how: the market's regular hours only,
        never across a break). 1d is never stored here, so always made.

        Parameters
        ----------
        frequency : str
            1m, 5m, 15m, 30m, 1h or 1d.
        market : str, optional
        instruments : sequence of str, optional
        start, end : date or datetime, optional
            Both included: sessions, or instants (of bars' closes; UTC where they have no zone).
        columns : sequence of str, optional
            Besides `instrument` and `ts`; all when left out.
        adjust : {"none", "forward", "backward"}
            As for `bars`, by the factors of the daily bars; forward looks from the last daily bar in the lake. A
            session without a daily bar takes the factor of the one before.
        as_of : optional

        Returns
        -------
        DataFrame
            Columns of `bars_intraday` (`made_from` tells which rows are combined ones) and `vwap`: amount ÷ volume,
            null where either is missing or zero. Sorted by instrument, ts.

        Raises
        ------
        UnknownNameError
            If a column or the market is unknown.
        InvalidInputError
            If the frequency or the adjustment is unknown, `instruments` is a text, or adjusted bars are asked for of an
            instrument whose daily bars have another price basis.
        """
        if isinstance(instruments, str):
            raise InvalidInputError("instruments", instruments, "it is a list of instrument ids")
        if market is not None and market not in MARKETS:
            raise UnknownNameError("market", market, MARKETS)
        finer = finer_frequencies(frequency)
        names = [*_SCHEMA, "vwap"]
        for name in columns or ():
            if name not in names:
                raise UnknownNameError(f"{_TABLE}.columns", name, names)
        snapshot = self.snapshot(_TABLE, as_of=as_of)
        scope = _Scope.of([market] if market else markets_of(instruments), instruments, start, end)
        parts = [self._stored(snapshot, frequency, scope).collect()]
        there = {file.partition["frequency"] for file in snapshot.files}
        sources = [name for name in finer if name in there]
        if sources:
            covered = self._stored(snapshot, frequency, replace(scope, low=None, high=None))
            parts += self._made(snapshot, frequency, sources, scope, covered.select(_SESSION).unique().collect(), as_of)
        rows = in_order(pl.concat(parts))
        rows = rows.with_columns(vwap=pl.when(pl.col("volume") > 0).then(pl.col("amount") / pl.col("volume")))
        rows = self._adjusted(rows, adjust, as_of)
        return rows if columns is None else rows.select(list(dict.fromkeys([*_KEY, *columns])))

    def scan_intraday(
        self, frequency: str, *, market: str | None = None, instruments: Sequence[str] | None = None,
        start: date | None = None, end: date | None = None, as_of: AsOf = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """Scan bars within sessions as they are stored at one frequency; nothing is combined.

        Parameters
        ----------
        frequency : str
        market, instruments : optional
        start, end : date, optional
            First and last session.
        as_of : optional

        Returns
        -------
        LazyFrame
            Columns of `bars_intraday`, in no particular row order.
        """
        scope = _Scope.of([market] if market else markets_of(instruments), instruments, start, end)
        return self._stored(self.snapshot(_TABLE, as_of=as_of), frequency, scope)

    def _stored(self, snapshot: Snapshot, frequency: str, scope: "_Scope") -> pl.LazyFrame:
        # the month is that of the bar's close in UTC, which may fall on the day before or after its session
        first, last = scope.first, scope.last
        months = (f"{first - _DAY:%Y-%m}" if first else None, f"{last + 2 * _DAY:%Y-%m}" if last else None)
        bounds = {"session": (first, last), "month": months, "ts": (scope.low, scope.high)}
        values = {"frequency": [frequency], "market": scope.markets, "instrument": scope.instruments}
        return scan_rows(snapshot, self.catalog.storage, bounds, values)

    def _made(
        self, snapshot: Snapshot, frequency: str, sources: Sequence[str], scope: "_Scope", covered: pl.DataFrame,
        as_of: AsOf,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        # bars of the buckets that close between the bounds, and no others
        reach = replace(scope, low=scope.low - FREQUENCIES[frequency] if scope.low else None)
        if frequency == "1d":
            reach = replace(scope, low=None, high=None)
        for source in sources:
            found = [f for f in snapshot.files if f.partition["frequency"] == source]
            months = [str(f.partition["month"]) for f in found]
            earliest, latest = date.fromisoformat(f"{min(months)}-01") - _DAY, _month_end(max(months))
            span = max(scope.first or earliest, earliest), min(scope.last or latest, latest)
            for first, last in month_ranges(*span):
                whole = self._stored(snapshot, source, replace(scope, first=first, last=last, low=None, high=None))
                missing = whole.select(_SESSION).unique().collect().join(covered, on=_SESSION, how="anti")
                if missing.is_empty():
                    continue
                covered = pl.concat([covered, missing])
                rows = self._stored(snapshot, source, replace(reach, first=first, last=last))
                wanted = rows.join(missing.lazy(), on=_SESSION, how="semi").collect()
                for (code,), part in wanted.partition_by("market", as_dict=True).items():
                    made = self.combine_intraday(in_order(part), frequency, source, str(code), as_of=as_of)
                    yield made.filter(scope.holds("ts"))

    def combine_intraday(
        self, bars: pl.DataFrame, frequency: str, source: str, market: str, *, as_of: AsOf = None
    ) -> pl.DataFrame:
        """Combine bars of one market and frequency into rows of `bars_intraday` of a longer one.

        Parameters
        ----------
        bars : DataFrame
            Rows of `bars_intraday`, sorted by instrument, ts.
        frequency : str
            See `qbrain_core.resample.resample`.
        source : str
            Frequency of `bars`.
        market : str
        as_of : optional
            Of the calendar's overrides.

        Returns
        -------
        DataFrame
            Columns of `bars_intraday`, sorted by instrument, ts; `made_from` is `source`.
        """
        if bars.is_empty():
            return pl.DataFrame(schema=_SCHEMA)
        hours = self.calendar(market, bars["session"].min(), bars["session"].max(), as_of=as_of)  # type: ignore[arg-type]
        basis = bars.group_by(_SESSION).agg(pl.col("price_basis").first())
        made = resample(bars, frequency, hours, auction_at_open=MARKETS[market].auction_at_open)
        return (
            made.join(basis, on=_SESSION, how="left", maintain_order="left")
            .with_columns(
                frequency=pl.lit(frequency), market=pl.lit(market), month=pl.col("ts").dt.strftime("%Y-%m"),
                made_from=pl.lit(source),
            )
            .select(pl.col(name).cast(dtype) for name, dtype in _SCHEMA.items())
        )  # fmt: skip

    def _adjusted(self, rows: pl.DataFrame, mode: Adjustment, as_of: AsOf) -> pl.DataFrame:
        if mode == "none" or rows.is_empty():
            return rows
        names = rows["instrument"].unique().to_list()
        values = {"market": rows["market"].unique().to_list(), "instrument": names}
        daily = self._rows("bars", as_of, {}, values).select("instrument", "session", "factor", "price_basis")
        factors = daily.sort("instrument", "session").collect()
        bases = factors.select("instrument", daily="price_basis").unique().join(
            rows.select("instrument", "price_basis").unique(), on="instrument"
        )  # fmt: skip
        for name, of_days, own in bases.filter(pl.col("daily") != pl.col("price_basis")).head(1).iter_rows():
            rule = f"the daily bars of {name}, which have the factors, are {of_days} and these are {own}"
            raise InvalidInputError("adjust", mode, rule)
        scales = apply_adjustment(factors.with_columns(close=1.0), mode).select("instrument", "session", scale="close")
        keyed = rows.sort("session").join_asof(
            scales.sort("session"), on="session", by="instrument", strategy="backward", check_sortedness=False
        )  # fmt: skip
        scaled = keyed.with_columns(pl.col(name) * pl.col("scale").fill_null(1.0) for name in _PRICES)
        return in_order(scaled.drop("scale"))


def month_ranges(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Cut a range of days at the ends of months.

    Parameters
    ----------
    first, last : date
        Both included.

    Yields
    ------
    tuple of (date, date)
        First and last day of each piece, ascending.
    """
    while first <= last:
        end = min(_month_end(f"{first:%Y-%m}"), last)
        yield first, end
        first = end + _DAY


def _month_end(month: str) -> date:
    return (date.fromisoformat(f"{month}-28") + 4 * _DAY).replace(day=1) - _DAY


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort bars by instrument and ts.

    Parameters
    ----------
    rows : DataFrame, columns (instrument: str, ts: datetime, …)

    Returns
    -------
    DataFrame
    """
    # integers sort several times as fast as texts
    names = pl.Enum(rows["instrument"].unique().sort())
    return rows.with_columns(_place=pl.col("instrument").cast(names)).sort("_place", "ts").drop("_place")
