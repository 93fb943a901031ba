"""Figures of reports as expressions read them: one row per item and filing, dated by when it became known."""

from collections.abc import Collection

import polars as pl

from lake.tables import TABLES
from qbrain_core.errors import UnknownNameError
from qbrain_core.factors.kernels.statements import quarter_of

__all__ = ["ITEMS", "read_items", "statement_rows"]

_ABOUT = ("instrument", "market", "item_set", "period_end", "known_at", "known_year", "fiscal_year")

ITEMS = tuple(c.name for c in TABLES["fundamentals"].columns if str(c.type) == "double" and c.name not in _ABOUT)
"""Figures of the table `fundamentals`."""

_FLOWS = frozenset({
    "revenue", "operating_income", "net_income", "eps", "eps_diluted", "dividend_per_share", "operating_cash_flow",
    "investing_cash_flow", "financing_cash_flow",
})  # fmt: skip
# of a stretch of time, not of a day: a whole year's is not its last quarter's

_SCHEMA = {
    "instrument": pl.String,
    "period": pl.Int32,
    "known_at": pl.Date,
    "field": pl.String,
    "value": pl.Float64,
}


def read_items(items: Collection[str]) -> tuple[str, ...]:
    """Name the columns of `fundamentals` that items are read from.

    Parameters
    ----------
    items : collection of str
        Names behind `$$`; `_q` or `_a` at the end says quarters or years, and quarters are meant without.

    Returns
    -------
    tuple of str

    Raises
    ------
    UnknownNameError
        If there is no such figure.
    """
    columns = []
    for item in items:
        column = _column(item)
        if column not in ITEMS:
            raise UnknownNameError("item", item, ITEMS)
        columns.append(column)
    return tuple(dict.fromkeys(columns))


def statement_rows(rows: pl.DataFrame, items: Collection[str]) -> pl.DataFrame:
    """Turn filings into rows of items.

    Parameters
    ----------
    rows : DataFrame
        Of the table `fundamentals`.
    items : collection of str
        As for `read_items`.

    Returns
    -------
    DataFrame, columns (instrument, period, known_at, field, value)
        `period` is yyyyqq of a quarter and yyyy of a year; `field` the item as it was asked for. A quarter's flow
        (revenue, income, cash flow) that was reported for the whole year is the year less the three quarters as they
        were known that day; where one of them is missing, so is it.
    """
    parts = [pl.DataFrame(schema=_SCHEMA)]
    for item in items:
        column = _column(item)
        yearly = item.endswith("_a")
        own = rows.filter(pl.col("item_set") == ("annual" if yearly else "quarterly"))
        if not yearly and column in _FLOWS:
            own = _last_quarters(own, column)
        year = pl.coalesce(pl.col("fiscal_year"), pl.col("period_end").dt.year())
        parts.append(
            own.filter(pl.col(column).is_not_null()).select(
                "instrument",
                (year if yearly else quarter_of(pl.col("period_end"))).cast(pl.Int32).alias("period"),
                "known_at",
                pl.lit(item).alias("field"),
                pl.col(column).alias("value"),
            )
        )
    return pl.concat(parts).sort("field", "instrument", "known_at", "period")


def _column(item: str) -> str:
    return item if item in ITEMS else item.removesuffix("_q").removesuffix("_a")


def _last_quarters(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    # the year's figure less the quarters before, each as it was known on the day of the year's report
    whole = pl.col("fiscal_period") == "FY"
    years, quarters = rows.filter(whole), rows.filter(~whole.fill_null(False))
    if years.is_empty():
        return rows
    by = ["instrument", "fiscal_year"]
    left = pl.col(column)
    for name in ("Q1", "Q2", "Q3"):
        own = quarters.filter(pl.col("fiscal_period") == name).select(*by, "known_at", pl.col(column).alias(f"_{name}"))
        years = years.sort("known_at").join_asof(
            own.sort("known_at"), on="known_at", by=by, strategy="backward", check_sortedness=False
        )
        left = left - pl.col(f"_{name}")
    return pl.concat([quarters, years.with_columns(left.alias(column)).select(rows.columns)])
