"""What became of an order: filled, wholly or partly, or rejected with the reason."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.execution.panel import Panel

__all__ = ["REJECTIONS", "Fill", "Phase", "Reason", "Rejection", "Side", "Simulation"]

Side = Literal["buy", "sell"]
Phase = Literal["open", "intraday"]
Reason = Literal["enter", "drop", "stop", "delisted"]
Refusal = Literal["limit_up", "limit_down", "halt", "t_plus_1", "lot", "cash", "no_bar"]

REJECTIONS: dict[str, str] = {
    "no_bar": "the instrument has no bar, or no opening price, in the session",
    "halt": "trading was halted, or nothing was traded, in the session",
    "limit_up": "a buy while the price stood at the upper limit",
    "limit_down": "a sale while the price stood at the lower limit",
    "t_plus_1": "a sale of shares bought in the same session, where the market settles later",
    "lot": "the slot's money is less than the smallest order",
    "cash": "the cash left is less than the order, or the rest of it",
}
"""Reasons for which an order is not filled, in the order in which they are checked."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One filled order; `row` and `column` index the panel.

    Attributes
    ----------
    shares : float
        In the bars' own basis.
    units : float
        Shares ÷ factor: what the ledger holds.
    quote : float
        Price before slippage, in the bars' own basis.
    price : float
        Price paid, in the bars' own basis.
    fee_rate, fee_fixed : float
        Fees are shares × price × rate + fixed.
    """

    order_id: int
    row: int
    column: int
    side: Side
    reason: Reason
    phase: Phase
    shares: float
    units: float
    quote: float
    price: float
    fee_rate: float
    fee_fixed: float

    @property
    def value(self) -> float:
        """Shares × price, in currency."""
        return self.shares * self.price

    @property
    def fees(self) -> float:
        """Commission and duty, in currency."""
        return self.value * self.fee_rate + self.fee_fixed

    @property
    def slippage(self) -> float:
        """Cost against the quote, in currency."""
        return abs(self.price - self.quote) * self.shares

    @property
    def cash_flow(self) -> float:
        """What the fill brings to (or, negative, takes from) the cash."""
        return (self.value if self.side == "sell" else -self.value) - self.fees


@dataclass(frozen=True, slots=True)
class Rejection:
    """An order, or the rest of one, that was not filled."""

    order_id: int
    row: int
    column: int
    side: Side
    reason: Refusal
    phase: Phase
    shares: float
    price: float | None
    detail: str


@dataclass(frozen=True)
class Simulation:
    """Everything that happened, and the loop's own running accounts.

    Attributes
    ----------
    fills, rejections : tuple
        By `order_id`; the filled and the unfilled part of one order carry the same number.
    cash, equity : array, shape (n_sessions,)
        At each close, in currency; row 0 is the session before the first one traded.
    """

    panel: Panel
    fills: tuple[Fill, ...]
    rejections: tuple[Rejection, ...]
    cash: NDArray[np.float64]
    equity: NDArray[np.float64]

    def fill_frame(self) -> pl.DataFrame:
        """Tell the fills as the table `backtest_fills` has them, without run and month.

        Returns
        -------
        DataFrame
            One row per fill, by `order_id`; empty with the same columns when nothing was filled.
        """
        rows = [
            (
                f.order_id, self.panel.sessions[f.row], self.panel.instruments[f.column], f.side, f.reason, f.phase,
                f.shares, f.price, float(self.panel.factor[f.row, f.column]), f.value, f.fees, f.slippage,
            )
            for f in self.fills
        ]  # fmt: skip
        names = ("shares", "price", "factor", "value", "fees", "slippage")
        return pl.DataFrame(rows, schema={**_order_schema(), **dict.fromkeys(names, pl.Float64)}, orient="row")

    def rejection_frame(self) -> pl.DataFrame:
        """Tell the rejections as the table `backtest_rejections` has them, without run and month.

        Returns
        -------
        DataFrame
            One row per rejection, by `order_id`; empty with the same columns when there was none.
        """
        rows = [
            (
                r.order_id, self.panel.sessions[r.row], self.panel.instruments[r.column], r.side, r.reason, r.phase,
                r.shares, r.price, r.detail,
            )
            for r in self.rejections
        ]  # fmt: skip
        schema = {**_order_schema(), "shares": pl.Float64(), "price": pl.Float64(), "detail": pl.String()}
        return pl.DataFrame(rows, schema=schema, orient="row")


def _order_schema() -> dict[str, pl.DataType]:
    text = dict.fromkeys(("instrument", "side", "reason", "phase"), pl.String())
    return {"order_id": pl.Int64(), "session": pl.Date(), **text}
