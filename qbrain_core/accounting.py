"""Keep the books of a simulation with vectorbt, and refuse to go on when they do not balance."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import QBrainError
from qbrain_core.execution import Simulation

__all__ = ["TOLERANCE", "AccountingError", "Accounts", "account"]

TOLERANCE = 1e-9
"""Largest difference between two books of the same money, as a fraction of equity."""

_NUDGE = 1 + 1e-12  # keeps n lots from being floored to n - 1 by rounding


class AccountingError(QBrainError, ArithmeticError):
    """Two independent books of the same fills disagree: a defect, never the user's fault."""


@dataclass(frozen=True)
class Accounts:
    """The books of one run.

    Attributes
    ----------
    equity : DataFrame
        One row per traded session: session, equity, cash, positions_value, n_positions, fees, slippage, turnover,
        net_return, gross_return (currency; returns and turnover as fractions).
    positions : DataFrame
        One row per session and instrument held at its close: session, instrument, shares, price (bars' own basis),
        value, weight.
    """

    equity: pl.DataFrame
    positions: pl.DataFrame


def account(simulation: Simulation, *, cash: float) -> Accounts:
    """Book the fills in vectorbt's rust engine and compare with the simulation's own running accounts.

    Everything is in adjusted units (shares ÷ factor) at adjusted prices, two rows per session: what happens at the
    open, and what happens between open and close. vectorbt checks by itself that every purchase is whole lots
    (size granularity lot ÷ factor), that the cash suffices, and that nothing is sold that is not held.

    Parameters
    ----------
    simulation : Simulation
    cash : float
        Start capital.

    Returns
    -------
    Accounts

    Raises
    ------
    AccountingError
        If vectorbt fills an order differently, or cash, equity, or cash + positions differ by more than `TOLERANCE`
        of equity at any session.
    """
    panel = simulation.panel
    book, held = _book(simulation, cash)
    mark = np.nan_to_num(panel.mark, nan=0.0)[1:]
    values = held * mark
    worth = values.sum(axis=1)
    for name, ours, theirs in (
        ("cash", simulation.cash[1:], book.cash),
        ("equity", simulation.equity[1:], book.equity),
        ("cash + positions", book.cash + worth, book.equity),
    ):
        _balance(name, ours, theirs, book.equity, simulation)
    before = np.concatenate([[cash], book.equity[:-1]])
    fees, slippage, traded = np.zeros((3, len(before)))
    for fill in simulation.fills:
        fees[fill.row - 1] += fill.fees
        slippage[fill.row - 1] += fill.slippage
        traded[fill.row - 1] += fill.value
    equity = pl.DataFrame(
        {
            "session": panel.sessions[1:],
            "equity": book.equity,
            "cash": book.cash,
            "positions_value": worth,
            "n_positions": (held > 0).sum(axis=1).astype(np.int32),
            "fees": fees,
            "slippage": slippage,
            "turnover": traded / before,
            "net_return": book.equity / before - 1,
            "gross_return": (book.equity + fees + slippage) / before - 1,
        },
        schema_overrides={"session": pl.Date},
    )
    return Accounts(equity, _positions(simulation, held, values, book.equity))


@dataclass(frozen=True)
class _Book:
    cash: NDArray[np.float64]
    equity: NDArray[np.float64]


def _book(simulation: Simulation, cash: float) -> tuple[_Book, NDArray[np.float64]]:
    # vectorbt's cash and equity at each close, and the units held, shape (n_sessions, n_instruments)
    panel, fills = simulation.panel, simulation.fills
    n, width = len(panel.sessions) - 1, len(panel.instruments)
    held = np.zeros((n, width))
    if not fills:
        return _Book(np.full(n, cash), np.full(n, cash)), held
    from vectorbt.portfolio.base import Portfolio  # here, because importing it takes seconds
    from vectorbt.portfolio.enums import RejectedOrderError

    columns = sorted({f.column for f in fills})
    place = {c: k for k, c in enumerate(columns)}
    shape = (2 * n, len(columns))
    size, price, granularity = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    rate, fixed, slippage, smallest = np.zeros((4, *shape))
    sequence: dict[int, list[int]] = {}
    for f in fills:
        at = (2 * (f.row - 1) + (f.phase == "intraday"), place[f.column])
        factor = panel.factor[f.row, f.column]
        price[at], slippage[at] = f.quote * factor, abs(f.price / f.quote - 1)
        rate[at], fixed[at] = f.fee_rate, f.fee_fixed
        if f.side == "buy":
            size[at] = f.units * _NUDGE
            granularity[at] = panel.lot[f.column] / factor
            smallest[at] = panel.smallest[f.column] / factor / _NUDGE
        else:
            size[at] = -f.units
        sequence.setdefault(at[0], []).append(at[1])
    order = np.tile(np.arange(len(columns), dtype=np.int64), (2 * n, 1))
    for row, first in sequence.items():
        taken = set(first)
        order[row] = first + [k for k in range(len(columns)) if k not in taken]
    # a price is asked for even where nothing is held
    close = np.repeat(np.nan_to_num(panel.mark[1:, columns], nan=1.0), 2, axis=0)
    try:
        portfolio = Portfolio.from_orders(
            close, size=size, price=price, direction="longonly", fees=rate, fixed_fees=fixed, slippage=slippage,
            size_granularity=granularity, min_size=smallest, allow_partial=False, raise_reject=True, init_cash=cash,
            cash_sharing=True, group_by=True, call_seq=order, max_orders=len(fills), freq="D", engine="rust",
        )  # fmt: skip
    except RejectedOrderError as error:
        raise AccountingError(f"vectorbt refuses an order that was filled: {error}") from error
    if len(portfolio.order_records) != len(fills):
        raise AccountingError(f"vectorbt filled {len(portfolio.order_records)} orders of {len(fills)}")
    held[:, columns] = portfolio.assets(engine="rust").to_numpy()[1::2]
    books = (portfolio.cash(engine="rust"), portfolio.value(engine="rust"))
    return _Book(*(np.asarray(b, dtype=np.float64)[1::2] for b in books)), held


def _balance(
    name: str,
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    equity: NDArray[np.float64],
    simulation: Simulation,
) -> None:
    gap = np.abs(ours - theirs)
    wrong = ~(gap <= TOLERANCE * np.abs(equity))
    if wrong.any():
        row = int(np.argmax(wrong))
        session = simulation.panel.sessions[row + 1]
        raise AccountingError(f"{name} is {ours[row]!r} in one book and {theirs[row]!r} in the other on {session}")


def _positions(
    simulation: Simulation, held: NDArray[np.float64], values: NDArray[np.float64], equity: NDArray[np.float64]
) -> pl.DataFrame:
    panel = simulation.panel
    rows, columns = np.nonzero(held > 0)
    factor = panel.factor[1:][rows, columns]
    value = values[rows, columns]
    return pl.DataFrame(
        {
            "session": np.array(panel.sessions[1:], dtype="datetime64[D]")[rows],
            "instrument": [panel.instruments[c] for c in columns],
            "shares": held[rows, columns] * factor,
            "price": panel.mark[1:][rows, columns] / factor,
            "value": value,
            "weight": value / equity[rows],
        },
        schema_overrides={"session": pl.Date, "instrument": pl.String},
    )
