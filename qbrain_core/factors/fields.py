"""Turn stored bars into the fields that expressions read."""

import polars as pl

__all__ = ["FIELDS", "expression_fields"]

FIELDS = ("open", "high", "low", "close", "volume", "vwap", "amount", "factor")
"""What `expression_fields` makes."""


def expression_fields(bars: pl.DataFrame) -> pl.DataFrame:
    """Give bars Qlib's meaning: prices and volume comparable across corporate actions, halts without values.

    Parameters
    ----------
    bars : DataFrame, columns (instrument, session, open, high, low, close, volume, amount, factor, halted)
        As stored in the lake: prices and amount in currency, volume in shares, `factor` cumulative (adjusted =
        price × factor).

    Returns
    -------
    DataFrame, columns (instrument, session, open, high, low, close, volume, vwap, amount, factor), float64
        Same rows in the same order. Prices × factor; volume ÷ factor; `vwap` = amount ÷ volume × factor, null where the
        source has no amount or nothing was traded; `amount` as stored. All but `factor` are null on halted sessions.
    """
    factor, traded = pl.col("factor"), ~pl.col("halted")
    vwap = pl.when(pl.col("volume") > 0).then(pl.col("amount") / pl.col("volume") * factor)
    values = {
        **{price: pl.col(price) * factor for price in ("open", "high", "low", "close")},
        "volume": pl.col("volume") / factor,
        "vwap": vwap,
        "amount": pl.col("amount"),
    }
    shown = [pl.when(traded).then(value).cast(pl.Float64).alias(name) for name, value in values.items()]
    return bars.select("instrument", "session", *shown, factor.cast(pl.Float64))
