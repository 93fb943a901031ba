"""What followed each session: who could be bought after it, and what that earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InsufficientDataError, InvalidInputError
from qbrain_core.layout import Layout
from qbrain_core.membership import member_mask
from qbrain_core.sections import RowOrder

__all__ = ["Label", "Yardstick", "lay_spells", "make_yardstick"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Yardstick:
    """Labels and who counts; arrays have the shape (n_signals, n_instruments) unless said otherwise.

    Attributes
    ----------
    layout : Layout
        Sessions of the signals, and the instruments.
    later : tuple of date
        The market's sessions after them, as far as labels reach.
    price : ndarray, shape (n_signals + n_later, n_instruments)
        Adjusted close of the last session in which the instrument traded; NaN before its first.
    members : ndarray of bool
        In the universe, and traded, in the session of the signal.
    bought : ndarray of bool
        Members that could be bought at the close of the next session.
    counts : dict of str to int
        Cells: `rows` with a bar, `members` of them, and of those `halted` (no trade in the next session),
        `locked` (its close at a price limit), `no_close_after` (the bars end), `evaluated`.
    """

    layout: Layout
    later: tuple[date, ...]
    price: Floats
    members: Mask
    bought: Mask
    counts: dict[str, int]

    @cached_property
    def session_returns(self) -> Floats:
        """Return of each session, close to close; NaN in the first, and before an instrument's second.

        Shape (n_signals + n_later, n_instruments).
        """
        result = np.full(self.price.shape, np.nan)
        result[1:] = self.price[1:] / self.price[:-1] - 1
        return result

    def label(self, horizon: int) -> Floats:
        """Return from the close of t + 1 to the close of t + 1 + `horizon`.

        Parameters
        ----------
        horizon : int
            Sessions held, from 1.

        Returns
        -------
        ndarray, shape (n_signals, n_instruments)
            Decimal fraction; NaN for who could not be bought, and where the bars end before.
        """
        return self._between(1, 1 + horizon)

    def later_return(self, session: int) -> Floats:
        """Return of one session alone, the `session`-th after the purchase.

        Parameters
        ----------
        session : int
            From 1: the close of t + 1 to the close of t + 2.

        Returns
        -------
        ndarray, shape (n_signals, n_instruments)
            As of `label`.
        """
        return self._between(session, session + 1)

    def _between(self, first: int, last: int) -> Floats:
        signals = len(self.layout.sessions)
        reach = max(0, min(signals, len(self.price) - last))
        result = np.full(self.layout.shape, np.nan)
        bought = self.bought[:reach]
        before, after = self.price[first : first + reach], self.price[last : last + reach]
        result[:reach] = np.where(bought, after / before - 1, np.nan)
        return result


@dataclass(frozen=True)
class Label:
    """A label with its order, made once for all factors.

    Attributes
    ----------
    values : ndarray, shape (n_signals, n_instruments)
        NaN where there is none.
    order : RowOrder
    known : ndarray of bool, same shape
    """

    values: Floats
    order: RowOrder
    known: Mask

    @classmethod
    def of(cls, values: Floats) -> "Label":
        """Sort a label.

        Parameters
        ----------
        values : ndarray, shape (n_signals, n_instruments)

        Returns
        -------
        Label
        """
        return cls(values, RowOrder.of(values), np.isfinite(values))


def make_yardstick(
    bars: pl.DataFrame, *, sessions: Sequence[date], start: date | None = None, end: date | None = None,
    spells: pl.DataFrame | None = None, keep_locked: bool = False, tick: float = 0.01, horizon: int = 1,
) -> Yardstick:  # fmt: skip
    """Lay bars out as labels.

    Parameters
    ----------
    bars : DataFrame, columns (instrument, session, close, factor: f64, volume: f64, halted: bool, \
[limit_up, limit_down: f64])
        As stored in the lake, of every instrument that may be a member; rows before `start` give the prices that
        halts are carried over from.
    sessions : sequence of date
        The market's sessions, ascending.
    start, end : date, optional
        First and last session of a signal.
    spells : DataFrame, columns (instrument, start, end), optional
        The universe; every instrument with a bar when left out.
    keep_locked : bool
        Count names whose close of t + 1 stands at a price limit, too.
    tick : float
        Smallest price step, in currency.
    horizon : int
        Sessions held, for `counts`.

    Returns
    -------
    Yardstick

    Raises
    ------
    InsufficientDataError
        If no session lies in the span, or nobody is a member in it.
    InvalidInputError
        If bars repeat an instrument and session.
    """
    if horizon < 1:
        raise InvalidInputError("horizon", horizon, "at least one session is held")
    asked = f"between {start or 'the first session'} and {end or 'the last'}"
    first = next((i for i, s in enumerate(sessions) if start is None or s >= start), len(sessions))
    last = next((i for i in range(len(sessions), first, -1) if end is None or sessions[i - 1] <= end), first)
    if first == last:
        raise InsufficientDataError(f"the bars have no session {asked}")
    if spells is not None:
        bars = bars.join(spells.select("instrument").unique(), on="instrument", how="semi")
    whole = Layout.of(bars, sessions=sessions)
    cells = whole.cells(bars)
    inside = cells >= 0
    if not inside.all():
        bars, cells = bars.filter(pl.Series(inside)), cells[inside]
    traded_rows = bars.select(
        (~pl.col("halted") & (pl.col("volume").fill_null(0) > 0) & pl.col("close").is_finite()).fill_null(False)
    ).to_series()
    price = pl.Series("price", np.where(traded_rows, bars["close"] * bars["factor"], np.nan))
    close = whole.dense(bars.with_columns(price), "price", cells=cells)
    traded = ~np.isnan(close)
    locked = np.zeros(whole.shape, np.bool_)
    if not keep_locked and {"limit_up", "limit_down"} <= set(bars.columns):
        at_limit = (pl.col("close") >= pl.col("limit_up") - tick / 2) | (
            pl.col("close") <= pl.col("limit_down") + tick / 2
        )
        locked.ravel()[cells] = bars.select(at_limit.fill_null(False)).to_series().to_numpy()
    present = np.zeros(whole.shape, np.bool_)
    belongs = np.ones(len(cells), np.bool_) if spells is None else member_mask(bars, spells).to_numpy()
    present.ravel()[cells] = belongs
    members = (present & traded)[first:last]
    if not members.any():
        raise InsufficientDataError(f"no member of the universe traded {asked}")
    follows = np.zeros((2, *whole.shape), np.bool_)
    follows[:, :-1] = traded[1:], locked[1:]
    trades, stuck = follows[0, first:last] & members, follows[1, first:last]
    bought = trades & ~stuck
    beyond = np.arange(first, last) + 1 + horizon >= len(sessions)
    counts = {
        "rows": int(np.count_nonzero(present[first:last])), "members": int(np.count_nonzero(members)),
        "halted": int(np.count_nonzero(members & ~trades)), "locked": int(np.count_nonzero(trades & stuck)),
        "no_close_after": int(np.count_nonzero(bought & beyond[:, None])),
        "evaluated": int(np.count_nonzero(bought & ~beyond[:, None])),
    }  # fmt: skip
    return Yardstick(
        Layout(whole.sessions[first:last], whole.instruments), whole.sessions[last:], _carried(close)[first:], members,
        bought, counts,
    )  # fmt: skip


def lay_spells(spells: pl.DataFrame, layout: Layout, column: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Lay dated groups out as codes.

    Parameters
    ----------
    spells : DataFrame, columns (instrument: str, start: date or null, end: date or null, `column`: str)
        Which group an instrument belonged to when; later spells win.
    layout : Layout
    column : str

    Returns
    -------
    codes : ndarray of int, shape (n_sessions, n_instruments)
        Position in the names, -1 for none.
    names : tuple of str
        Ascending.
    """
    known = spells.filter(pl.col("instrument").is_in(layout.instruments), pl.col(column).is_not_null())
    names = tuple(known[column].unique().sort().to_list())
    position = {name: code for code, name in enumerate(names)}
    days = np.array(layout.sessions, dtype="datetime64[D]")
    codes = np.full(layout.shape, -1, np.int64)
    spans = known.select("instrument", "start", "end", column).sort("instrument", "start", nulls_last=False)
    for instrument, start, end, name in spans.iter_rows():
        first = 0 if start is None else int(np.searchsorted(days, np.datetime64(start)))
        last = len(days) if end is None else int(np.searchsorted(days, np.datetime64(end), side="right"))
        codes[first:last, layout.columns[instrument]] = position[name]
    return codes, names


def _carried(values: Floats) -> Floats:
    # last value at or before each row
    rows = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    np.maximum.accumulate(rows, axis=0, out=rows)
    return np.take_along_axis(values, rows, axis=0)
