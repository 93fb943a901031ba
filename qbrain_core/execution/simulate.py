"""Replay decisions session by session: orders at the open, resting stops in between, every refusal with its reason."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError
from qbrain_core.execution.costs import Costs
from qbrain_core.execution.orders import Fill, Phase, Reason, Refusal, Rejection, Side, Simulation
from qbrain_core.execution.panel import Panel
from qbrain_core.reporting import NULL_REPORTER, Reporter
from qbrain_core.specs import StrategySpec
from qbrain_core.strategy import Decision, topk_dropout

__all__ = ["simulate"]

_WHOLE = 1e-9  # lots; 3 lots that rounding has made 2.9999999999 are 3
_RESERVE = 1e-9  # of the start capital; never spent, so that rounding cannot overdraw the ledger
_REPORT_EVERY = 50  # sessions


@dataclass(slots=True)
class _Position:
    units: float
    entered: int  # row
    stop: float | None  # adjusted price
    leaving: bool = False  # its stop has gone off but the sale has not filled


@dataclass
class _Replay:
    panel: Panel
    costs: Costs
    strategy: StrategySpec
    cash: float
    reserve: float
    row: int = 0
    next_id: int = 0
    positions: dict[int, _Position] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def equity(self, row: int) -> float:
        return self.cash + math.fsum(p.units * float(self.panel.mark[row, c]) for c, p in self.positions.items())

    def decide(self, scores: NDArray[np.float64]) -> Decision:
        staying = [c for c, p in self.positions.items() if not p.leaving]
        least = self.strategy.min_hold_sessions
        return topk_dropout(
            scores, staying, topk=self.strategy.topk, n_drop=self.strategy.n_drop,
            locked={c for c in staying if self.row - self.positions[c].entered < least}, barred=set(self.positions),
        )  # fmt: skip

    def trade_open(self, decision: Decision, slot: float) -> set[int]:
        # returns the columns that were offered for sale, filled or not
        row, panel, offered = self.row, self.panel, set[int]()
        for column in sorted(self.positions):
            p = self.positions[column]
            if row >= panel.gone[column]:
                self.fill_sale(column, "delisted", "open", float(panel.mark[row, column] / panel.factor[row, column]))
                offered.add(column)
            elif p.leaving or self.opens_through(column, p.stop):
                p.leaving = True
                self.sell_open(column, "stop")
                offered.add(column)
        for column in decision.sell:
            if column not in offered:
                self.sell_open(column, "drop")
                offered.add(column)
        for column in decision.buy:
            self.buy_open(column, slot)
        return offered

    def trade_intraday(self, offered: set[int]) -> None:
        # resting stops that the session's low has reached
        row, panel = self.row, self.panel
        for column in sorted(set(self.positions) - offered):
            p = self.positions[column]
            low = float(panel.low[row, column])
            if p.stop is None or panel.halted[row, column] or not low * panel.factor[row, column] <= p.stop:
                continue
            price = p.stop / float(panel.factor[row, column])
            p.leaving = True
            if p.entered == row and self.costs.market.settlement_sessions > 0:
                detail = f"low {low:.4g} reached the stop {price:.4g} in the session of the purchase"
                self.reject(self.new_id(), column, "sell", "t_plus_1", "intraday", self.shares(column), price, detail)
            elif price <= panel.limit_down[row, column] + panel.tick / 2:
                detail = f"stop {price:.4g} stands at the limit {panel.limit_down[row, column]:.4g}"
                self.reject(self.new_id(), column, "sell", "limit_down", "intraday", self.shares(column), price, detail)
            else:
                self.fill_sale(column, "stop", "intraday", price)

    def opens_through(self, column: int, stop: float | None) -> bool:
        row, panel = self.row, self.panel
        if stop is None or panel.halted[row, column]:
            return False
        return bool(panel.open[row, column] * panel.factor[row, column] <= stop)

    def shares(self, column: int) -> float:
        return self.positions[column].units * float(self.panel.factor[self.row, column])

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def refusal(self, column: int, side: Side) -> tuple[Refusal, str] | None:
        # what the exchange would not have let happen at this open
        row, panel = self.row, self.panel
        quote = float(panel.open[row, column])
        if not panel.present[row, column]:
            return "no_bar", "no bar in the session"
        if panel.halted[row, column]:
            return "halt", "halted or nothing traded"
        if not quote > 0:
            return "no_bar", "no opening price"
        if side == "buy" and quote >= panel.limit_up[row, column] - panel.tick / 2:
            return "limit_up", f"open {quote:.4g} at the limit {panel.limit_up[row, column]:.4g}"
        if side == "sell" and quote <= panel.limit_down[row, column] + panel.tick / 2:
            return "limit_down", f"open {quote:.4g} at the limit {panel.limit_down[row, column]:.4g}"
        return None

    def quote(self, column: int) -> float | None:
        price = float(self.panel.open[self.row, column])
        return price if price > 0 else None

    def reject(
        self, order_id: int, column: int, side: Side, reason: Refusal, phase: Phase, shares: float,
        price: float | None, detail: str,
    ) -> None:  # fmt: skip
        self.rejections.append(Rejection(order_id, self.row, column, side, reason, phase, shares, price, detail))

    def sell_open(self, column: int, reason: Reason) -> None:
        refused = self.refusal(column, "sell")
        if refused is None:
            self.fill_sale(column, reason, "open", float(self.panel.open[self.row, column]))
            return
        why, detail = refused
        self.reject(self.new_id(), column, "sell", why, "open", self.shares(column), self.quote(column), detail)

    def fill_sale(self, column: int, reason: Reason, phase: Phase, quote: float) -> None:
        row, panel = self.row, self.panel
        # nothing trades beyond the day's limit, slippage or not; NaN loses in fmax
        price = float(np.fmax(quote * (1 - self.costs.slippage), panel.limit_down[row, column]))
        shares = self.shares(column)
        units = self.positions.pop(column).units
        rate, fixed = self.costs.terms(shares * price, sell=True, session=panel.sessions[row])
        self.book(Fill(self.new_id(), row, column, "sell", reason, phase, shares, units, quote, price, rate, fixed))

    def buy_open(self, column: int, slot: float) -> None:
        row, panel, order_id = self.row, self.panel, self.new_id()
        step, smallest = float(panel.lot[column]), float(panel.smallest[column])
        factor, known = float(panel.factor[row, column]), float(panel.mark[row - 1, column])
        # the order was sized after the last close: its price is known then, today's open is not
        wanted = slot / known * factor if known > 0 else 0.0
        shares = _whole(wanted, step)
        refused = self.refusal(column, "buy")
        if refused is None and not known > 0:
            refused = "no_bar", "no close to size the order by"
        if refused is None and shares < smallest:
            refused = "lot", f"slot {slot:.2f} buys {wanted:.1f} shares, the smallest order is {smallest:.0f}"
        if refused is not None:
            self.reject(order_id, column, "buy", refused[0], "open", shares or wanted, self.quote(column), refused[1])
            return
        quote = float(panel.open[row, column])
        price = float(np.fmin(quote * (1 + self.costs.slippage), panel.limit_up[row, column]))
        spendable = self.cash - self.reserve
        filled = min(shares, math.floor(self.costs.affordable(spendable, price) / step) * step)
        if filled < smallest:
            filled = 0.0
        if filled < shares:
            detail = f"cash {self.cash:.2f} buys {filled:.0f} of {shares:.0f} shares"
            self.reject(order_id, column, "buy", "cash", "open", shares - filled, quote, detail)
        if filled > 0:
            rate, fixed = self.costs.terms(filled * price, sell=False, session=panel.sessions[row])
            units, stop = filled / factor, self.strategy.stop_loss
            self.positions[column] = _Position(units, row, None if stop is None else price * factor * (1 - stop))
            self.book(Fill(order_id, row, column, "buy", "enter", "open", filled, units, quote, price, rate, fixed))

    def book(self, fill: Fill) -> None:
        self.cash += fill.cash_flow
        self.fills.append(fill)


def simulate(
    panel: Panel,
    scores: NDArray[np.float64],
    *,
    strategy: StrategySpec,
    costs: Costs,
    cash: float,
    reporter: Reporter = NULL_REPORTER,
) -> Simulation:
    """Trade a strategy over a panel.

    In each session, in this order: positions whose instrument has had its last bar are paid out at it; stops that the
    open has passed, or that could not be filled before, are sold at the open; then the strategy's sales, then its
    purchases from the best score down; then the resting stops that the low has reached, at the stop's price. A purchase
    is sized after the close before: equity × `risk_degree` ÷ `topk`, in whole lots at that close. Cash that does not
    suffice fills what it can. An order lives for one session; a stop that has gone off is offered again at every open.

    Parameters
    ----------
    panel : Panel
    scores : array, shape (n_sessions, n_instruments)
        Row t is known at the close of t and trades at the open of t + 1; NaN where there is no score.
    strategy : StrategySpec
    costs : Costs
    cash : float
        Start capital, in the market's currency.
    reporter : Reporter

    Returns
    -------
    Simulation

    Raises
    ------
    InvalidInputError
        If the scores do not have the panel's shape.
    """
    if scores.shape != panel.mark.shape:
        raise InvalidInputError("scores", scores.shape, f"the panel has shape {panel.mark.shape}")
    replay = _Replay(panel, costs, strategy, cash=cash, reserve=cash * _RESERVE)
    n = len(panel.sessions)
    ledger, equity = np.full(n, cash), np.full(n, cash)
    for row in _reported(range(1, n), n, reporter):
        replay.row = row
        slot = equity[row - 1] * strategy.risk_degree / strategy.topk
        offered = replay.trade_open(replay.decide(scores[row - 1]), float(slot))
        replay.trade_intraday(offered)
        ledger[row], equity[row] = replay.cash, replay.equity(row)
    return Simulation(panel, tuple(replay.fills), tuple(replay.rejections), ledger, equity)


def _reported(rows: Iterable[int], n: int, reporter: Reporter) -> Iterable[int]:
    for row in rows:
        if row % _REPORT_EVERY == 1:
            reporter.check()
            reporter.stage("simulate", fraction=row / n)
        yield row


def _whole(shares: float, step: float) -> float:
    return math.floor(shares / step + _WHOLE) * step
