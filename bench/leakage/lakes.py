"""Leaks that read a real lake, by typed reads or SQL, and tables of reports that are dated wrongly."""

from collections.abc import Callable
from datetime import date

import polars as pl

from bench.leakage.planted import KEY, Leak
from lake import Lake

__all__ = ["LAKES"]


def _sql(value: str, join: str = "") -> Callable[[Lake], pl.DataFrame]:
    query = f"SELECT bars.instrument, session, {value} AS x FROM bars {join} WHERE bars.instrument <> 'DEMO300.DEMO'"
    return lambda lake: lake.sql(query).sort(KEY)


def _of_members(lake: Lake) -> pl.DataFrame:
    members = lake.universe("moving").filter(pl.col("end").is_null())["instrument"].to_list()
    return lake.bars(market="DEMO", columns=["close"], instruments=members or ["none.DEMO"])


_LAKES: dict[str, Callable[[Lake], pl.DataFrame]] = {
    "read adjusted from the last bar": lambda lake: lake.bars(market="DEMO", columns=["close"], adjust="forward"),
    "LEAD of the close": _sql("lead(close) OVER (PARTITION BY instrument ORDER BY session)"),
    "mean of a frame of rows on both sides": _sql(
        "avg(close) OVER (PARTITION BY instrument ORDER BY session ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING)"
    ),
    "percent rank over a name's rows": _sql("percent_rank() OVER (PARTITION BY instrument ORDER BY close)"),
    "window without an order": _sql("close / avg(close) OVER (PARTITION BY instrument)"),
    "newest report of all": _sql(
        "f.eps",
        "JOIN (SELECT instrument, arg_max(eps, period_end) AS eps FROM fundamentals GROUP BY ALL) f USING (instrument)",
    ),
    "ASOF join by the period's end": _sql(
        "f.net_income",
        "ASOF JOIN (FROM fundamentals WHERE item_set = 'quarterly' QUALIFY row_number() OVER"
        " (PARTITION BY instrument, period_end ORDER BY known_at) = 1) f"
        " ON bars.instrument = f.instrument AND bars.session >= f.period_end",
    ),
    "members of the newest list": _of_members,
    "sector of the table of instruments": _sql(
        "avg(close) OVER (PARTITION BY i.sector, session)", "JOIN instruments i USING (instrument)"
    ),
    "only names that were never delisted": _sql(
        "close", "JOIN (FROM instruments WHERE delisted IS NULL) i USING (instrument)"
    ),
}


def _by_period(reports: pl.DataFrame) -> pl.DataFrame:
    return reports.with_columns(known_at=pl.col("period_end"))


_REPORTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "reports dated by the end of their period": _by_period,
    "reports without a day": lambda r: r.with_columns(known_at=pl.lit(None, pl.Date)),
    "annual reports dated by the year's first day": lambda r: r.with_columns(
        known_at=pl.col("period_end").dt.truncate("1y")
    ),
    "a fifth of the reports dated by their period": lambda r: r.with_columns(
        known_at=pl.when(pl.int_range(pl.len()) % 5 == 0).then("period_end").otherwise("known_at")
    ),
    "days left out of a source's later rows": lambda r: r.with_columns(
        known_at=pl.when(pl.col("period_end") < date(2020, 6, 1)).then("known_at")
    ),
}


LAKES = (
    *(Leak("through a real lake", words, "lake", make) for words, make in _LAKES.items()),
    *(Leak("reports dated wrongly", words, "reports", make) for words, make in _REPORTS.items()),
)
