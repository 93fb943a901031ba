"""Days and numbers that belong to no instrument: currencies, days on which a market differs from its calendar."""

import polars as pl

from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import Market
from qbrain_core.sessions import trading_sessions

__all__ = ["calendar_override_rows", "fx_rows"]


def fx_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Make rows of table `fx_rates`.

    Parameters
    ----------
    frame : DataFrame, columns (session: date, rate: f64, [ask: f64], pair: str or base: str and quote: str)
        `pair` is the two currencies' codes, as EURUSD or EUR/USD. With `ask`, the rate is the middle of both.

    Returns
    -------
    DataFrame
        With `base`, `quote` and `rate`; null where the pair is none.

    Raises
    ------
    InvalidInputError
        If nothing says which currencies they are.
    """
    if "pair" in frame.columns:
        letters = pl.col("pair").str.to_uppercase().str.replace_all("[^A-Z]", "")
        whole = letters.str.len_chars() == 6
        frame = frame.with_columns(
            base=pl.when(whole).then(letters.str.slice(0, 3)), quote=pl.when(whole).then(letters.str.slice(3, 3))
        )
    elif not {"base", "quote"} <= set(frame.columns):
        raise InvalidInputError("columns", frame.columns, "exchange rates need pair, or base and quote")
    if "ask" in frame.columns:
        frame = frame.with_columns(rate=(pl.col("rate") + pl.coalesce("ask", "rate")) / 2)
    return frame


def calendar_override_rows(frame: pl.DataFrame, market: Market) -> pl.DataFrame:
    """Make rows of table `calendar_overrides`.

    Parameters
    ----------
    frame : DataFrame, columns (session: date, [is_open: bool], [opens: str], [closes: str], [reason: str])
        Without `is_open`, every day of the span on which the market was open.
    market : Market

    Returns
    -------
    DataFrame
        Of a list of open days only those that differ from the market's calendar.
    """
    if "is_open" in frame.columns:
        absent = [pl.lit(None, pl.String).alias(c) for c in ("opens", "closes", "reason") if c not in frame.columns]
        rows = frame.with_columns(*absent)
    else:
        days = frame.select("session").unique()
        span = days["session"]
        usual = trading_sessions(market, span.min(), span.max()).to_frame()  # type: ignore[arg-type]
        extra = days.join(usual, on="session", how="anti").with_columns(is_open=pl.lit(True))
        closed = usual.join(days, on="session", how="anti").with_columns(is_open=pl.lit(False))
        none = [pl.lit(None, pl.String).alias(c) for c in ("opens", "closes")]
        rows = pl.concat([extra, closed]).with_columns(*none, reason=pl.lit("the source's list of open days"))
    return rows.select(
        pl.lit(market.code).alias("market"), "session", "is_open", "opens", "closes", "reason"
    ).sort("session")  # fmt: skip
