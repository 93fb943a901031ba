"""Pair fills into round trips: a purchase and the sale that ended it."""

import polars as pl

__all__ = ["round_trips"]


def round_trips(fills: pl.DataFrame) -> pl.DataFrame:
    """Pair each purchase with the sale that closed it.

    Parameters
    ----------
    fills : DataFrame, columns of the table `backtest_fills`
        One purchase opens a position and one sale closes all of it.

    Returns
    -------
    DataFrame, columns (instrument, entered: date, left: date, reason, value: f64, pnl: f64, return: f64)
        One row per closed round trip, by `left` then instrument. `value` is what was paid before fees; `pnl` is after
        fees and slippage, dividends reinvested; `return` is pnl ÷ (value + fees of the purchase). Positions still held
        are not in it.
    """
    turn = pl.int_range(pl.len()).over("instrument", "side")
    ordered = fills.sort("order_id").with_columns(turn=turn)
    bought = ordered.filter(side="buy").select(
        "instrument", "turn", "value", entered="session", paid=pl.col("value") + pl.col("fees")
    )
    sold = ordered.filter(side="sell").select(
        "instrument", "turn", "reason", left="session", received=pl.col("value") - pl.col("fees")
    )
    pnl = pl.col("received") - pl.col("paid")
    return (
        bought.join(sold, on=["instrument", "turn"])
        .with_columns(pnl=pnl, **{"return": pnl / pl.col("paid")})
        .select("instrument", "entered", "left", "reason", "value", "pnl", "return")
        .sort("left", "instrument")
    )
