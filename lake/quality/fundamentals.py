"""Checks of reported figures: when they became known, what is repeated, and what a period's figures mean."""

import polars as pl

from lake.quality.check import Check
from lake.quality.surroundings import Surroundings

__all__ = ["FUNDAMENTAL_CHECKS"]

_TABLE = ("fundamentals",)
_PERIOD = ("instrument", "item_set", "period_end")
_NOT_FIGURES = {
    "row", "symbol", "instrument", "market", "item_set", "period_end", "known_at", "known_year", "fiscal_year",
    "fiscal_period", "form", "amended", "reported_in", "unreadable", "damage",
}  # fmt: skip
_QUARTER_DAYS, _LONGEST_QUARTER = 91.3, 120
_NULL_SHARE = 0.1
_RATIOS = ("pe_ttm", "pb", "ps_ttm", "pcf_ttm", "dividend_yield_ttm")


def _figures(rows: pl.DataFrame) -> list[str]:
    return [c for c in rows.columns if c not in _NOT_FIGURES and rows.schema[c].is_numeric()]


def _repeated(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    content = [c for c in rows.columns if c not in ("row", "known_at", "known_year")]
    ordered = rows.sort(*(c for c in _PERIOD if c in rows.columns), "known_at")
    return ordered.filter(~pl.struct(content).is_first_distinct())


def _missing(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    quarterly = rows.filter(pl.col("item_set") == "quarterly") if "item_set" in rows.columns else rows
    periods = quarterly.select("instrument", "period_end").unique().sort("instrument", "period_end")
    same = pl.col("instrument") == pl.col("instrument").shift(1)
    gap = pl.when(same).then((pl.col("period_end") - pl.col("period_end").shift(1)).dt.total_days())
    return (
        periods.with_columns(_gap=gap).filter(pl.col("_gap") > _LONGEST_QUARTER)
        .with_columns(missing=(pl.col("_gap") / _QUARTER_DAYS).round().cast(pl.Int64) - 1).drop("_gap")
    )  # fmt: skip


def _year_to_date(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    # a cash flow that grows by about the same from quarter to quarter of one fiscal year counts from its start
    flows = rows.filter(pl.col("fiscal_period").is_in(["Q1", "Q2", "Q3"])).sort("known_at")
    years = (
        flows.group_by("instrument", "fiscal_year", "fiscal_period").agg(pl.col("operating_cash_flow").last())
        .pivot("fiscal_period", index=["instrument", "fiscal_year"], values="operating_cash_flow")
    )  # fmt: skip
    if not {"Q1", "Q2", "Q3"} <= set(years.columns):
        return years.clear()
    second, third = pl.col("Q2") / pl.col("Q1"), pl.col("Q3") / pl.col("Q1")
    grows = second.is_between(1.5, 2.7) & third.is_between(2.25, 4.3) & (pl.col("Q3").abs() > pl.col("Q2").abs())
    return years.filter(grows).sort("instrument", "fiscal_year")


def _nulls(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    counted = [(c, rows[c].null_count()) for c in _figures(rows)]
    found = [(c, n) for c, n in counted if _NULL_SHARE * rows.height < n < rows.height]
    return pl.DataFrame(found, schema={"column": pl.String, "nulls": pl.Int64}, orient="row")


def _no_ratio(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    # a ratio that the source knows of most rows and not of these
    named = [c for c in _RATIOS if c in rows.columns and 0 < rows[c].null_count() < 0.5 * rows.height]
    parts = [rows.filter(pl.col(c).is_null()).with_columns(column=pl.lit(c)) for c in named]
    return pl.concat(parts) if parts else rows.clear()


def _assumed(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    # reports do not all come the same number of days after their period
    lags = rows.select(lag=(pl.col("known_at") - pl.col("period_end")).dt.total_days()).drop_nulls()["lag"]
    return rows if lags.len() >= 20 and lags.n_unique() == 1 else rows.clear()


def _jump(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    ordered = rows.drop_nulls("assets").sort("instrument", "period_end", "known_at")
    same = pl.col("instrument") == pl.col("instrument").shift(1)
    ratio = pl.when(same).then(pl.col("assets") / pl.col("assets").shift(1))
    big = pl.max_horizontal(ratio, 1 / ratio)
    return ordered.with_columns(ratio=ratio).filter(big.is_between(900, 1100) | big.is_between(9e5, 1.1e6))


def _any_of(rows: pl.DataFrame, *conditions: pl.Expr) -> pl.DataFrame:
    return rows.filter(pl.any_horizontal(*conditions).fill_null(False))


def _contradictory(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    slack, has = 1.0001, set(rows.columns)
    parts = [pl.col("assets") * slack < pl.col(c) for c in ("current_assets", "cash") if c in has]
    return _any_of(rows, pl.col("assets") < 0, *parts)


_SHOWN = ("known_at", "fiscal_period", "form")

FUNDAMENTAL_CHECKS = (
    Check("null_period", "error", _TABLE, "The end of the reporting period is missing or not a date.",
          pl.col("period_end").is_null(), needs=("period_end",), stages=("incoming",)),
    Check("null_known_at", "error", _TABLE, "The day the figures became known is missing: nothing may use them.",
          pl.col("known_at").is_null(), needs=("known_at",), stages=("incoming",)),
    Check("known_before_period_end", "error", _TABLE, "The figures became known before their period was over.",
          pl.col("known_at") < pl.col("period_end"), _SHOWN, ("known_at", "period_end")),
    Check("assumed_known_at", "warning", _TABLE, "Every figure became known the same number of days after its period: "
          "the day is assumed, not reported.", _assumed, _SHOWN, ("known_at", "period_end"), scope="market"),
    Check("repeated_filing", "warning", _TABLE, "The same figures of the same period were delivered again later.",
          _repeated, _SHOWN, ("instrument", "period_end", "known_at")),
    Check("amended_filing", "note", _TABLE, "The filing corrects an earlier one of the same period.", pl.col("amended"),
          _SHOWN, ("amended",)),
    Check("full_year_row", "note", _TABLE, "Figures of a whole year among those of quarters; the fourth quarter has "
          "to be derived.", (pl.col("fiscal_period") == "FY") & (pl.col("item_set") == "quarterly"), _SHOWN,
          ("fiscal_period", "item_set")),
    Check("form_period_mismatch", "warning", _TABLE, "The filing's form does not fit its period: a quarterly report "
          "of a whole year, or an annual one of a quarter.",
          (pl.col("form").str.starts_with("10-Q") & (pl.col("fiscal_period") == "FY"))
          | (pl.col("form").str.starts_with("10-K") & (pl.col("fiscal_period") != "FY")),
          _SHOWN, ("form", "fiscal_period")),
    Check("missing_period", "warning", _TABLE, "Quarters are missing between an instrument's first and last report; "
          "shown is the one after them.", _missing, ("missing",), ("instrument", "period_end"), counts="missing"),
    Check("year_to_date_flow", "warning", _TABLE, "Cash flows grow through the fiscal year as if they counted from its "
          "start instead of the quarter's.", _year_to_date, ("fiscal_year", "Q1", "Q2", "Q3"),
          ("fiscal_period", "fiscal_year", "operating_cash_flow", "known_at")),
    Check("null_figures", "note", _TABLE, "More than a tenth of the reports lack this figure: banks and insurers, or "
          "the "
          "source does not know it.", _nulls, ("nulls",), ("instrument", "period_end"), scope="market", counts="nulls"),
    Check("no_ratio", "note", ("valuation",), "The ratio is missing though the source knows it of most rows.",
          _no_ratio,
          (), ("instrument", "session")),
    Check("unit_jump", "warning", _TABLE, "Assets jump a thousandfold or a millionfold between reports: other units.",
          _jump, ("ratio",), ("instrument", "period_end", "known_at", "assets")),
    Check("balance_contradiction", "warning", _TABLE, "Assets are negative, or less than a part of them.",
          _contradictory,
          _SHOWN, ("assets",)),
)  # fmt: skip
"""Checks of filings, one row per instrument, period and day it became known."""
