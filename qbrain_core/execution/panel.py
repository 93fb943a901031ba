"""Bars as dense arrays, sessions × instruments, with everything an order has to look at."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import Market

__all__ = ["Panel", "build_panel", "order_sizes"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_COLUMNS = ("open", "high", "low", "close", "volume", "factor", "limit_up", "limit_down")


@dataclass(frozen=True)
class Panel:
    """Prices and trading state; arrays have shape (n_sessions, n_instruments) unless said otherwise.

    Attributes
    ----------
    sessions : tuple of date
        Row 0 is the session before the first one traded.
    instruments : tuple of str
        Ascending.
    open, low : array
        In the bars' own basis, currency; NaN without a bar.
    mark : array
        Adjusted close of the last session in which the instrument traded: what a unit is worth. A halted session's
        price is a copy of an older one and may miss a factor step, so it is not used. NaN before the first bar.
    factor : array
        Adjustment factor, carried over sessions without a bar.
    present, halted : array of bool
        Whether there is a bar; whether nothing could be traded in it (halted, or volume 0).
    limit_up, limit_down : array
        Price bounds in the bars' own basis; NaN where there is none.
    gone : array of int, shape (n_instruments,)
        First row after the instrument's last bar ever; n_sessions where it goes on to the end or beyond.
    lot, smallest : array, shape (n_instruments,)
        Shares by which a buy may grow, and fewest shares of one.
    tick : float
        Smallest price step, in currency.
    """

    sessions: tuple[date, ...]
    instruments: tuple[str, ...]
    open: Floats
    low: Floats
    mark: Floats
    factor: Floats
    present: Flags
    halted: Flags
    limit_up: Floats
    limit_down: Floats
    gone: NDArray[np.int64]
    lot: Floats
    smallest: Floats
    tick: float


def build_panel(
    bars: pl.DataFrame,
    sessions: Sequence[date],
    *,
    market: Market,
    lots: Mapping[str, int] | None = None,
    last_bars: Mapping[str, date] | None = None,
) -> Panel:
    """Lay bars out as a panel.

    Parameters
    ----------
    bars : DataFrame, columns of the table `bars`
        One row per (instrument, session), stored basis; rows of other sessions are ignored.
    sessions : sequence of date
        The market's sessions, ascending, from the one before the first traded to the last.
    market : Market
    lots : mapping of str to int, optional
        Shares in a lot by instrument; the market's lot for the rest.
    last_bars : mapping of str to date, optional
        Session of each instrument's last bar ever, where `bars` may end before it; the last in `bars` for the rest.

    Returns
    -------
    Panel

    Raises
    ------
    InvalidInputError
        If there are fewer than two sessions, or two bars of one instrument in one session.
    """
    if len(sessions) < 2:
        raise InvalidInputError("sessions", len(sessions), "a backtest needs one to decide on and one to trade in")
    ends = dict(bars.group_by("instrument").agg(pl.col("session").max()).iter_rows()) | dict(last_bars or {})
    calendar = pl.DataFrame({"session": list(sessions), "row": range(len(sessions))})
    names = tuple(bars["instrument"].unique().sort())
    columns = pl.DataFrame(
        {"instrument": names, "column": range(len(names))}, schema_overrides={"instrument": pl.String}
    )
    cells = bars.join(calendar, on="session").join(columns, on="instrument")
    if cells.select("row", "column").is_duplicated().any():
        raise InvalidInputError("bars", "duplicate rows", "an instrument has one bar per session")
    at = (cells["row"].to_numpy(), cells["column"].to_numpy())
    shape = (len(sessions), len(names))

    def dense(column: str) -> Floats:
        out = np.full(shape, np.nan)
        if column in cells.columns:
            out[at] = cells[column].cast(pl.Float64).to_numpy()
        return out

    a = {column: dense(column) for column in _COLUMNS}
    present = np.zeros(shape, dtype=bool)
    present[at] = True
    halted = np.zeros(shape, dtype=bool)
    halted[at] = cells["halted"].to_numpy()
    halted |= a["volume"] == 0
    factor = _carry(a["factor"])
    adjusted = a["close"] * a["factor"]
    traded = _carry(np.where(halted, np.nan, adjusted))
    rules = [order_sizes(name, market, (lots or {}).get(name, market.lot)) for name in names]
    gone = [bisect_right(sessions, ends[n]) for n in names]
    return Panel(
        sessions=tuple(sessions), instruments=names, open=a["open"], low=a["low"],
        mark=np.where(np.isnan(traded), _carry(adjusted), traded), factor=np.where(np.isnan(factor), 1.0, factor),
        present=present, halted=halted, limit_up=a["limit_up"], limit_down=a["limit_down"],
        gone=np.array(gone, dtype=np.int64), lot=np.array([r[0] for r in rules], dtype=float),
        smallest=np.array([r[1] for r in rules], dtype=float), tick=market.tick,
    )  # fmt: skip


def order_sizes(instrument: str, market: Market, lot: int) -> tuple[int, int]:
    """Find the step and the least size of a buy order.

    Parameters
    ----------
    instrument : str
    market : Market
    lot : int
        Shares in the instrument's board lot.

    Returns
    -------
    tuple of int
        (step, smallest), in shares: (lot, lot), but (1, 200) on Shanghai's STAR market [1]_ and (1, 100) in
        Beijing [2]_.

    References
    ----------
    .. [1] SSE, Special Rules for Trading of STAR Market Stocks (2019), art. 20.
    .. [2] BSE, Trading Rules (trial, 2021), art. 3.3.7.
    """
    if market.code == "CN" and instrument.endswith(".SH") and instrument.startswith(("688", "689")):
        return 1, 200
    if market.code == "CN" and instrument.endswith(".BJ"):
        return 1, 100
    return lot, lot


def _carry(a: Floats) -> Floats:
    # last value at or before each row, NaN where there is none yet
    rows = np.where(np.isnan(a), 0, np.arange(len(a))[:, None])
    np.maximum.accumulate(rows, axis=0, out=rows)
    return np.take_along_axis(a, rows, axis=0)
