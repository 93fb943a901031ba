"""What each market is: its calendar, currency, lot, settlement and costs that the law sets, as data."""

from dataclasses import dataclass, field
from datetime import date

from qbrain_core.errors import UnknownNameError

__all__ = ["MARKETS", "Market", "market_of", "stamp_duty_bps"]


@dataclass(frozen=True, slots=True)
class Market:
    """Trading rules of one market.

    Attributes
    ----------
    code : str
        Value of the `market` column.
    suffixes : tuple of str
        What may stand after the last dot of an instrument id of this market.
    calendar : str
        Calendar name in `exchange_calendars`.
    currency : str
        ISO 4217 code.
    lot : int
        Shares in a board lot; buys are whole lots.
    settlement_sessions : int
        0: shares may be sold in the session they were bought; 1 (T+1): from the next session on.
    tick : float
        Smallest price step, in currency.
    price_limits : bool
        Whether the exchange bounds a session's prices.
    sessions_per_year : int
        Used to annualise.
    stamp_duty : tuple of (date, float)
        From which session which rate applies to sells, in basis points, ascending.
    commission_bps, min_commission : float
        A usual broker's commission per side in basis points, and its minimum per order in currency.
    synthetic : bool
        True where the prices are generated.
    auction_at_open : bool
        Nothing trades before the open but its auction, which sources of minutes label at the open.
    benchmarks : tuple of str
        Instruments that stand for the market, the most usual first.
    """

    code: str
    suffixes: tuple[str, ...]
    calendar: str
    currency: str
    lot: int = 1
    settlement_sessions: int = 0
    tick: float = 0.01
    price_limits: bool = False
    sessions_per_year: int = 252
    stamp_duty: tuple[tuple[date, float], ...] = field(default=())
    commission_bps: float = 1.0
    min_commission: float = 0.0
    synthetic: bool = False
    auction_at_open: bool = False
    benchmarks: tuple[str, ...] = ()


_A_SHARE_DUTY = ((date(2008, 9, 19), 10.0), (date(2023, 8, 28), 5.0))
# Ministry of Finance: 0.1 % on sells from 2008-09-19, halved from 2023-08-28.

MARKETS: dict[str, Market] = {
    m.code: m
    for m in (
        Market(
            "CN", ("SH", "SZ", "BJ"), "XSHG", "CNY", lot=100, settlement_sessions=1, price_limits=True,
            sessions_per_year=243, stamp_duty=_A_SHARE_DUTY, commission_bps=2.5, min_commission=5.0,
            auction_at_open=True, benchmarks=("000300.SH",),
        ),
        Market("US", ("US",), "XNYS", "USD", benchmarks=("SPX.US", "SPY.US")),
        Market("HK", ("HK",), "XHKG", "HKD", lot=100, sessions_per_year=246, commission_bps=3.0, auction_at_open=True,
               benchmarks=("HSI.HK",)),
        Market("FX", ("FX",), "24/5", "USD", tick=1e-5, sessions_per_year=260, commission_bps=0.2),
        Market("CRYPTO", ("CRYPTO",), "24/7", "USDT", tick=1e-8, sessions_per_year=365, commission_bps=5.0,
               benchmarks=("BTCUSDT.CRYPTO",)),
        Market(
            "DEMO", ("DEMO",), "XSHG", "CNY", lot=100, settlement_sessions=1, price_limits=True,
            sessions_per_year=243, stamp_duty=_A_SHARE_DUTY, commission_bps=2.5, min_commission=5.0, synthetic=True,
            auction_at_open=True, benchmarks=("DEMO300.DEMO",),
        ),
    )
}  # fmt: skip
"""Markets by code."""


def market_of(instrument: str) -> Market:
    """Find the market an instrument id belongs to.

    Parameters
    ----------
    instrument : str
        `TICKER.SUFFIX`; the last dot splits.

    Returns
    -------
    Market

    Raises
    ------
    UnknownNameError
        If the suffix belongs to no market.
    """
    suffix = instrument.rpartition(".")[2]
    for market in MARKETS.values():
        if suffix in market.suffixes:
            return market
    raise UnknownNameError("instrument", instrument, [s for m in MARKETS.values() for s in m.suffixes])


def stamp_duty_bps(market: Market, session: date) -> float:
    """Stamp duty on sells in force on a session.

    Parameters
    ----------
    market : Market
    session : date

    Returns
    -------
    float
        Basis points of the sold value; 0 where the market has none or before its first rate.
    """
    rate = 0.0
    for start, bps in market.stamp_duty:
        if session >= start:
            rate = bps
    return rate
