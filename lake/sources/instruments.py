"""Instruments from a file's rows: ids from symbols, names by script, nothing known forgotten."""

from typing import Any

import polars as pl

from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import Market
from qbrain_core.names import pinyin_initials
from qbrain_core.symbols import EXCHANGE_MIC, to_instrument

__all__ = ["instrument_rows", "with_instruments"]

_HAN = r"[\x{3400}-\x{9fff}]"
_KEPT = ("name_en", "name_zh", "pinyin", "sector", "industry", "exchange", "listed", "delisted")


def with_instruments(frame: pl.DataFrame, market: Market) -> pl.DataFrame:
    """Translate the symbols of a file into instrument ids.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, …)
        `instrument` is the vendor's symbol.
    market : Market

    Returns
    -------
    DataFrame
        With `symbol` as it was and `instrument` translated, null where it is no symbol of the market; in the order of
        `frame`.
    """
    symbols = frame["instrument"].drop_nulls().unique()
    codec = pl.DataFrame(
        {"symbol": symbols, "instrument": [_id_or_none(s, market.code) for s in symbols]},
        schema={"symbol": pl.String, "instrument": pl.String},
    )
    return frame.rename({"instrument": "symbol"}).join(codec, on="symbol", how="left", maintain_order="left")


def instrument_rows(
    frame: pl.DataFrame, known: pl.DataFrame, market: Market, *, kind: str, currency: str
) -> pl.DataFrame:
    """Make rows of table `instruments`, keeping what is known and not brought anew.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, [kind, name, name_en, name_zh, pinyin, sector, industry: str], \
[listed, delisted: date])
        One row per instrument. `name` is taken as Chinese or English by its script.
    known : DataFrame
        Rows of table `instruments`.
    market : Market
    kind : str
        Kind where `frame` does not say.
    currency : str
        ISO code.

    Returns
    -------
    DataFrame
        Rows of table `instruments`; a null in `frame` keeps the known value.
    """
    blank: dict[str, Any] = {c: pl.lit(None, pl.Date if c.endswith("listed") else pl.String) for c in _KEPT}
    has = set(frame.columns)
    rows = frame.with_columns(**{c: e for c, e in blank.items() if c not in has})
    if "name" in has:
        chinese = pl.col("name").str.contains(_HAN)
        rows = rows.with_columns(
            name_zh=pl.coalesce("name_zh", pl.when(chinese).then("name")),
            name_en=pl.coalesce("name_en", pl.when(~chinese).then("name")),
        )
    suffix = pl.col("instrument").str.extract(r"\.([^.]*)$", 1)
    rows = rows.with_columns(
        market=pl.lit(market.code),
        ticker=pl.col("instrument").str.replace(r"\.[^.]*$", ""),
        kind=pl.coalesce("kind", pl.lit(kind)) if "kind" in has else pl.lit(kind),
        exchange=pl.coalesce("exchange", suffix.replace_strict(EXCHANGE_MIC, default=None, return_dtype=pl.String)),
        pinyin=pl.col("pinyin").str.to_uppercase(),
        currency=pl.lit(currency),
    ).with_columns(lot=pl.when(pl.col("kind") == "index").then(1).otherwise(market.lot).cast(pl.Int32))
    before = known.select("instrument", *(pl.col(c).alias(f"known {c}") for c in _KEPT))
    rows = rows.join(before, on="instrument", how="left").with_columns(
        pl.coalesce(c, f"known {c}").alias(c) for c in _KEPT
    )
    lacking = rows.filter(pl.col("pinyin").is_null() & pl.col("name_zh").is_not_null())["name_zh"].unique()
    initials = {name: pinyin_initials(name) for name in lacking}
    rows = rows.with_columns(
        pinyin=pl.coalesce("pinyin", pl.col("name_zh").replace_strict(initials, default=None, return_dtype=pl.String))
    )
    return rows.select(known.columns)


def _id_or_none(symbol: str, market: str) -> str | None:
    try:
        return to_instrument(symbol, market)
    except InvalidInputError:
        return None
