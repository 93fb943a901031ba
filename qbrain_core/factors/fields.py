"""Turn stored bars into the fields that expressions read."""

from collections.abc import Collection

import polars as pl

from qbrain_core.errors import UnknownNameError

__all__ = ["BAR_COLUMNS", "FIELDS", "expression_fields"]

FIELDS = ("open", "high", "low", "close", "volume", "vwap", "amount", "factor")
"""What `expression_fields` makes unless told otherwise."""

_PRICES = ("open", "high", "low", "close")

BAR_COLUMNS: dict[str, tuple[str, ...]] = {
    **{price: (price, "factor", "halted") for price in _PRICES},
    "volume": ("volume", "factor", "halted"),
    "vwap": ("amount", "volume", "factor", "halted"),
    "amount": ("amount", "halted"),
    "turnover": ("turnover", "halted"),
    "factor": ("factor",),
}
"""Columns of stored bars that each field is made of."""


def expression_fields(bars: pl.DataFrame, fields: Collection[str] = FIELDS) -> pl.DataFrame:
    """Give bars Qlib's meaning: prices and volume comparable across corporate actions, halts without values.

    Parameters
    ----------
    bars : DataFrame, columns (instrument, session, and those of `BAR_COLUMNS` that the fields need)
        As stored in the lake: prices and amount in currency, volume in shares, `factor` cumulative (adjusted =
        price × factor), `turnover` a fraction of the float.
    fields : collection of str
        Names in `BAR_COLUMNS`.

    Returns
    -------
    DataFrame, columns (instrument, session, then the fields), float64
        Same rows in the same order. Prices × factor; volume ÷ factor; `vwap` = amount ÷ volume × factor, null where the
        source has no amount or nothing was traded; `amount` and `turnover` as stored. All but `factor` are null on
        halted sessions.

    Raises
    ------
    UnknownNameError
        If bars give no such field.
    """
    factor, traded = pl.col("factor"), ~pl.col("halted")
    vwap = pl.when(pl.col("volume") > 0).then(pl.col("amount") / pl.col("volume") * factor)
    values = {
        **{price: pl.col(price) * factor for price in _PRICES},
        "volume": pl.col("volume") / factor,
        "vwap": vwap,
        "amount": pl.col("amount"),
        "turnover": pl.col("turnover"),
    }
    shown = []
    for name in fields:
        if name not in BAR_COLUMNS:
            raise UnknownNameError("fields", name, BAR_COLUMNS)
        value = factor if name == "factor" else pl.when(traded).then(values[name])
        shown.append(value.cast(pl.Float64).alias(name))
    return bars.select("instrument", "session", *shown)
