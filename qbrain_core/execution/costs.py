"""What a trade costs: commission with its minimum, duty on sells, slippage."""

from dataclasses import dataclass
from datetime import date

from qbrain_core.markets import Market, stamp_duty_bps
from qbrain_core.specs import ExecutionSpec

__all__ = ["Costs"]

_BPS = 1e-4


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs in force, the market's own where the spec leaves a field empty.

    Attributes
    ----------
    commission_bps : float
        Per side, of traded value.
    min_commission : float
        Least commission of one order, in currency.
    slippage_bps : float
        Against us, of the price.
    duty_bps : float or None
        On sells, of traded value; None: the rate the law had on the session.
    market : Market
        Whose law that is.
    """

    commission_bps: float
    min_commission: float
    slippage_bps: float
    duty_bps: float | None
    market: Market

    @classmethod
    def of(cls, spec: ExecutionSpec, market: Market) -> "Costs":
        """Fill a spec's empty fields with the market's own rule.

        Parameters
        ----------
        spec : ExecutionSpec
        market : Market

        Returns
        -------
        Costs
        """
        commission, least = spec.commission_bps, spec.min_commission
        return cls(
            commission_bps=market.commission_bps if commission is None else commission,
            min_commission=market.min_commission if least is None else least,
            slippage_bps=spec.slippage_bps,
            duty_bps=spec.stamp_duty_bps,
            market=market,
        )

    @property
    def slippage(self) -> float:
        """Slippage as a fraction of the price."""
        return self.slippage_bps * _BPS

    def duty_rate(self, session: date) -> float:
        """Duty on sells in force on a session.

        Parameters
        ----------
        session : date

        Returns
        -------
        float
            Fraction of the sold value.
        """
        return (stamp_duty_bps(self.market, session) if self.duty_bps is None else self.duty_bps) * _BPS

    def terms(self, value: float, *, sell: bool, session: date) -> tuple[float, float]:
        """Split the fees of one order into a rate and a fixed part.

        Parameters
        ----------
        value : float
            Traded value after slippage, in currency.
        sell : bool
        session : date

        Returns
        -------
        tuple of float
            (rate, fixed): fees are value × rate + fixed. A sale never costs more than it brings.
        """
        duty = self.duty_rate(session) if sell else 0.0
        commission = self.commission_bps * _BPS
        rate, fixed = (
            (commission + duty, 0.0) if value * commission >= self.min_commission else (duty, self.min_commission)
        )
        if sell and value * rate + fixed > value:
            return 0.0, value
        return rate, fixed

    def affordable(self, cash: float, price: float) -> float:
        """Most shares that cash can buy, commission included.

        Parameters
        ----------
        cash : float
            In currency.
        price : float
            Price after slippage, in currency.

        Returns
        -------
        float
            Shares, not rounded, at least 0.
        """
        proportional = cash / (price * (1 + self.commission_bps * _BPS))
        return max(min(proportional, (cash - self.min_commission) / price), 0.0)
