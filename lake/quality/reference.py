"""Checks of what instruments are called: names, kinds, symbols that were used again."""

import unicodedata

import polars as pl

from lake.quality.check import Check
from lake.quality.sequence import before
from lake.quality.surroundings import Surroundings

__all__ = ["REFERENCE_CHECKS"]

_KINDS = ["stock", "etf", "index", "currency"]
_REUSE_DAYS, _REUSE_RATIO, _REUSE_ANYWAY_DAYS = 365, 1.6, 3000
"""Days without a bar and change of price level after which a ticker is likely another company's; whatever its price
after so long a time."""

_WIDE = r"[\x{FF01}-\x{FF5E}]"


def _full_width(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    named = [c for c in ("name", "name_zh", "name_en") if c in rows.columns]
    found = rows.filter(pl.any_horizontal(pl.col(c).str.contains(_WIDE) for c in named)) if named else rows.clear()
    if found.is_empty():
        return found
    plain = pl.coalesce(named).map_elements(lambda name: unicodedata.normalize("NFKC", name), return_dtype=pl.String)
    return found.with_columns(plain=plain)


def _st_name(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    named = [c for c in ("name", "name_zh") if c in rows.columns]
    if not named:
        return rows.clear()
    return rows.filter(pl.coalesce(named).str.contains(r"^(\*?ST|S\*?ST)|退").fill_null(False))


def _no_industry(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    stocks = rows.filter(pl.col("kind") == "stock") if "kind" in rows.columns else rows
    lacks = pl.col("industry").is_null() | (pl.col("industry").str.strip_chars() == "")
    return stocks.filter(lacks) if stocks["industry"].null_count() < 0.5 * stocks.height else stocks.clear()


def _same_name(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    named = [c for c in ("name", "name_zh", "name_en") if c in rows.columns]
    if not named:
        return rows.clear()
    name = pl.coalesce(named)
    return rows.filter(name.is_not_null() & name.is_duplicated())


def _without_bars(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    spans = around.table("bar_spans")
    if spans is None:
        return rows.clear()
    silent = rows.join(spans, on="instrument", how="anti", maintain_order="left")
    return silent.filter(pl.col("delisted").is_null()) if "delisted" in rows.columns else silent


def _reused_bars(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    gap = (pl.col("session") - before("session")).dt.total_days()
    ratio = pl.col("close") / before("close")
    found = rows.with_columns(last=before("session"), days=gap, ratio=ratio).filter(pl.col("days") > _REUSE_DAYS)
    other_level = pl.max_horizontal(pl.col("ratio"), 1 / pl.col("ratio")) > _REUSE_RATIO
    return found.filter(other_level | (pl.col("days") > _REUSE_ANYWAY_DAYS))


def _reused_symbol(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    owners = pl.col("instrument").n_unique().over("market", "symbol")
    return rows.filter(owners > 1).sort("symbol", "start")


def _renamed(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    return rows.filter(pl.col("symbol").n_unique().over("instrument") > 1).sort("instrument", "start")


def _symbol_overlap(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    ordered = rows.sort("market", "symbol", "start")
    same = (pl.col("symbol") == pl.col("symbol").shift(1)) & (pl.col("market") == pl.col("market").shift(1))
    reached = pl.when(same).then(pl.col("end").fill_null(pl.date(9999, 12, 31)).shift(1))
    return ordered.filter(pl.col("start") <= reached)


_SPELLS = ("symbol_history",)

REFERENCE_CHECKS = (
    Check("unknown_kind", "error", ("instruments",), f"The kind is none of {', '.join(_KINDS)}.",
          ~pl.col("kind").is_in(_KINDS), ("kind",), ("kind",), stages=("incoming",)),
    Check("delisted_before_listed", "error", ("instruments",), "It was delisted before it was listed.",
          pl.col("delisted") < pl.col("listed"), ("listed", "delisted"), ("listed", "delisted")),
    Check("full_width_name", "warning", ("instruments",), "The name has full-width letters; a search for the plain "
          "ones has to find it all the same.", _full_width, ("name", "name_zh", "plain"), ("instrument",)),
    Check("st_name", "note", ("instruments",), "The name says that the stock is under special treatment or about to "
          "leave.", _st_name, ("name", "name_zh"), ("instrument",)),
    Check("no_industry", "warning", ("instruments",), "The instrument has no industry although most have.",
          _no_industry,
          ("name", "name_zh"), ("instrument", "industry")),
    Check("instrument_without_bars", "note", ("instruments",), "The instrument is listed and has no bars: newer than "
          "the prices, or never delivered.", _without_bars, ("name_en", "name_zh"), ("instrument",), stages=("stored",),
          scope="market"),
    Check("same_name", "note", ("instruments",), "Several instruments have one name: share classes, or one of them "
          "twice.", _same_name, ("name", "name_en", "name_zh"), ("instrument",), scope="market"),
    Check("symbol_reuse", "warning", ("bars",), "After a year or more without bars the price is another: the ticker "
          "was given to another company.", _reused_bars, ("last", "days", "ratio"), ("instrument", "session", "close")),
    Check("reused_symbol", "warning", _SPELLS, "Several instruments traded under this symbol, one after the other.",
          _reused_symbol, ("start", "end"), ("symbol", "instrument", "market", "start")),
    Check("symbol_overlap", "warning", _SPELLS, "Two instruments have one symbol at the same time.", _symbol_overlap,
          ("start", "end"), ("symbol", "instrument", "market", "start", "end")),
    Check("renamed_symbol", "note", _SPELLS, "The instrument traded under several symbols.", _renamed, ("start", "end"),
          ("symbol", "instrument", "start")),
)  # fmt: skip
"""Checks of instruments and their symbols."""
