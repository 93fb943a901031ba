"""Simulate the prices of a market that does not exist, with everything that makes real ones awkward.

The result is a set of arrays, shape (n_sessions, n_instruments); `lake.demo` turns them into tables.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qbrain_core.limits import limit_bound

__all__ = ["SimulatedPrices", "simulate_prices"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SIGNAL_STRENGTH = 0.10  # drift of one session per unit of signal, in units of the instrument's volatility
_REVERSAL_SESSIONS = 10
_QUIET_SESSIONS, _USUAL_SESSIONS = 5, 60
_FREE_SESSIONS = 5  # a new listing's sessions without price limits
_TICK = 0.01
_CRASHES = (0.17, 0.4, 0.62, 0.81, 0.93)  # where in the span a day like 2015-08-24 or 2025-04-07 falls
_CRASH = (-0.085, -0.02, 0.03, 0.012, 0.012, 0.012, 0.01, 0.01)  # the market's returns on that day and after it


@dataclass(frozen=True)
class SimulatedPrices:
    """Arrays of shape (n_sessions, n_instruments); NaN or False where an instrument is not listed.

    Attributes
    ----------
    open, high, low, close : array
        In currency, whole ticks; all four are the last close while halted.
    volume, amount : array
        Shares (whole lots) and currency.
    factor : array
        Cumulative adjustment, 1 at the first bar.
    limit_up, limit_down : array
        NaN where there is no limit.
    listed, halted, special_treatment : array of bool
    dividend, split : array
        Currency per share and new shares per old; 0 where there is none.
    reference : array
        Ex-right previous close.
    shares : array, shape (n_instruments,)
        Outstanding at the first bar.
    sector : array of int, shape (n_instruments,)
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    amount: Floats
    factor: Floats
    limit_up: Floats
    limit_down: Floats
    listed: Flags
    halted: Flags
    special_treatment: Flags
    dividend: Floats
    split: Floats
    reference: Floats
    shares: Floats
    sector: NDArray[np.int64]


def simulate_prices(rng: np.random.Generator, n_sessions: int, n_instruments: int, n_sectors: int) -> SimulatedPrices:
    """Simulate a market session by session.

    Returns are a market, a sector and an own part with fat tails and jumps, plus the planted signal: instruments that
    fell over two weeks, or whose trading has gone quiet, earn a little more two sessions later. Closes are clamped to
    the price limits, and what was clamped or happened during a halt is carried into the next session.

    Parameters
    ----------
    rng : Generator
    n_sessions, n_instruments, n_sectors : int

    Returns
    -------
    SimulatedPrices
    """
    shape = (n_sessions, n_instruments)
    every = np.arange(n_instruments)
    sector = every % n_sectors
    first, last = _listing_spells(n_sessions, n_instruments)
    rows = np.arange(n_sessions)[:, None]
    listed = (rows >= first) & (rows <= last)
    doomed = listed & (last < n_sessions - 1) & (rows > last - 60)
    special = listed & ((last < n_sessions - 1) & (rows > last - 120))
    special |= listed & (every % 40 == 13) & (rows // 120 % 4 == 2)
    halted = _halts(rng, shape) & listed & (rows > first) & (rows < last)

    beta, vol = rng.normal(1.0, 0.2, n_instruments), 0.012 + 0.014 * rng.beta(2, 3, n_instruments)
    expensive = every % 160 == 40
    start = np.where(expensive, rng.uniform(1800, 3000, n_instruments), np.exp(rng.normal(2.9, 0.7, n_instruments)))
    start = np.where(every % 160 == 77, 1.3, start).round(2)
    shares = (np.exp(rng.normal(24.0, 0.8, n_instruments)) / start).round(-2)
    dividend_yield, split_ratio = _payouts(rng, shape, first, expensive)

    own = vol * rng.standard_t(4, shape) / np.sqrt(2)
    jumps = (rng.random(shape) < 0.008) * rng.choice([-1.0, 1.0], shape) * rng.uniform(0.06, 0.16, shape)
    regime = np.repeat(rng.choice([0.006, 0.009, 0.016], n_sessions // 60 + 1, p=[0.4, 0.4, 0.2]), 60)[:n_sessions]
    market = 0.0006 + regime * rng.standard_normal(n_sessions)
    for crash in (np.array(_CRASHES) * n_sessions).astype(int):
        market[crash : crash + len(_CRASH)] = _CRASH[: n_sessions - crash]
    sectors = 0.004 * rng.standard_normal((n_sessions, n_sectors))
    quiet = _slow(rng, shape, 0.95, 0.35)
    turnover = np.exp(rng.normal(-4.9, 0.4, n_instruments) + quiet + 0.2 * rng.standard_normal(shape))
    common = beta * market[:, None] + sectors[:, sector] + own + jumps - doomed * 0.012 - vol**2 / 2

    close, reference, factor = np.full(shape, np.nan), np.full(shape, np.nan), np.ones(shape)
    up, down = np.full(shape, np.nan), np.full(shape, np.nan)
    dividend, split = np.zeros(shape), np.zeros(shape)
    moved, signal = np.zeros(shape), np.zeros(shape)
    price, carry, total = start.copy(), np.zeros(n_instruments), np.ones(n_instruments)
    young = (rows - first < _FREE_SESSIONS) & (first > 0)
    for t in range(n_sessions):
        on = listed[t]
        trading = on & ~halted[t]
        payable = trading & (t > first)
        dividend[t] = np.where(payable, (price * dividend_yield[t]).round(2), 0.0)
        split[t] = np.where(payable & (price > 12.0), split_ratio[t], 0.0)
        ratio = np.where(split[t] > 0, split[t], 1.0)
        base = ((price - dividend[t]) / ratio + 1e-9).round(2)
        total *= price / base
        rate = np.where(special[t], 5, 10)
        high = np.where(young[t], np.inf, limit_bound(base, rate, _TICK))
        low = np.where(young[t], 0.01, limit_bound(base, -rate, _TICK))
        drift = signal[t - 2] * _SIGNAL_STRENGTH * vol if t >= 2 else 0.0
        wanted = common[t] + drift + carry + (price < 1.0) * 0.01
        target = np.where(trading, (base * np.exp(wanted)).round(2), base)
        reached = np.clip(target, np.where(trading, low, base), np.where(trading, high, base))
        happened = np.log(reached / base)
        carry = np.where(on, 0.8 * (wanted - happened), 0.0) * ((reached != target) | halted[t])
        price = np.where(on, reached, price)
        close[t], reference[t], factor[t] = price, base, total
        up[t], down[t] = np.where(young[t], np.nan, high), np.where(young[t], np.nan, low)
        moved[t] = np.where(trading, happened, 0.0)
        if t >= _USUAL_SESSIONS:
            signal[t] = _signal(moved, turnover, listed[t - _USUAL_SESSIONS] & trading, vol, t)
    open_, top, bottom = _within_session(rng, close, reference, up, down, vol, halted)
    average = ((open_ + top + bottom + 2 * close) / 5).round(4)
    splits_so_far = np.cumprod(np.where(split > 0, split, 1.0), axis=0)
    activity = turnover * shares * splits_so_far * (1 + 8 * np.abs(moved))
    volume = np.where(halted, 0.0, np.maximum(activity.round(-2), 100.0))
    hidden = np.where(listed, 0.0, np.nan)
    return SimulatedPrices(
        open=open_ + hidden, high=top + hidden, low=bottom + hidden, close=close + hidden,
        volume=volume + hidden, amount=(volume * average).round(2) + hidden, factor=factor,
        limit_up=up + hidden, limit_down=down + hidden, listed=listed, halted=halted, special_treatment=special,
        dividend=dividend, split=split, reference=reference, shares=shares, sector=sector,
    )  # fmt: skip


def _listing_spells(n_sessions: int, n_instruments: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    every = np.arange(n_instruments)
    late = every % 8 == 5
    first = np.where(late, 120 + (every * 7919) % max(n_sessions - 360, 1), 0)
    gone = (every % 20 == 2) & ~late
    last = np.where(gone, n_sessions - 1 - (60 + (every * 104729) % max(n_sessions - 600, 1)), n_sessions - 1)
    return first.clip(0, n_sessions - 1), np.maximum(last, 0)


def _halts(rng: np.random.Generator, shape: tuple[int, int]) -> Flags:
    halted = np.zeros(shape, dtype=bool)
    starts = np.argwhere(rng.random(shape) < 0.0009)
    for (t, i), length in zip(starts, rng.geometric(0.2, len(starts)), strict=True):
        halted[t : t + length, i] = True
    return halted


def _payouts(
    rng: np.random.Generator, shape: tuple[int, int], first: NDArray[np.int64], expensive: Flags
) -> tuple[Floats, Floats]:
    # one dividend a year around early summer for most, and now and then a split half a year away from it
    n_sessions, n_instruments = shape
    yields, ratios = np.zeros(shape), np.zeros(shape)
    paying, usual = rng.random(n_instruments) < 0.8, rng.uniform(0.003, 0.04, n_instruments)
    for year in range(n_sessions // 243 + 1):
        day = year * 243 + rng.integers(95, 145, n_instruments)
        due = np.flatnonzero(paying & (day < n_sessions) & (day > first + 20))
        yields[day[due], due] = usual[due] * rng.uniform(0.7, 1.3, len(due))
        day = year * 243 + rng.integers(165, 235, n_instruments)
        due = np.flatnonzero((rng.random(n_instruments) < 0.05) & ~expensive & (day < n_sessions) & (day > first + 20))
        ratios[day[due], due] = rng.choice([1.3, 1.5, 2.0], len(due))
    return yields, ratios


def _slow(rng: np.random.Generator, shape: tuple[int, int], memory: float, size: float) -> Floats:
    shocks = rng.standard_normal(shape) * size * np.sqrt(1 - memory**2)
    level = np.empty(shape)
    level[0] = shocks[0]
    for t in range(1, shape[0]):
        level[t] = memory * level[t - 1] + shocks[t]
    return level


def _signal(moved: Floats, turnover: Floats, rated: Flags, vol: Floats, t: int) -> Floats:
    # both halves are saturated: extremes promise no more than the merely high
    fall = -moved[t - _REVERSAL_SESSIONS + 1 : t + 1].sum(axis=0)
    fall = (fall - fall[rated].mean()) / (vol * np.sqrt(_REVERSAL_SESSIONS)) if rated.any() else fall
    usual = turnover[t - _USUAL_SESSIONS + 1 : t + 1].mean(axis=0)
    quiet = np.log(usual / turnover[t - _QUIET_SESSIONS + 1 : t + 1].mean(axis=0))
    return np.where(rated, 0.6 * np.tanh(fall) + 0.6 * np.tanh(quiet / 0.3), 0.0)


def _within_session(
    rng: np.random.Generator, close: Floats, reference: Floats, up: Floats, down: Floats, vol: Floats, halted: Flags
) -> tuple[Floats, Floats, Floats]:
    shape = close.shape
    ceiling, floor = np.where(np.isnan(up), np.inf, up), np.where(np.isnan(down), 0.01, down)
    gap = 0.4 * np.log(close / reference) + 0.35 * vol * rng.standard_t(4, shape)
    open_ = (reference * np.exp(gap)).round(2)
    # most sessions that end at a limit opened there, and some of those never left it
    draw = rng.random(shape)
    locked = ((close == up) | (close == down)) & (draw < 0.75)
    open_ = np.clip(np.where(locked, close, open_), floor, ceiling)
    reach = 0.5 * vol * np.abs(rng.standard_t(3, (2, *shape)))
    top = np.minimum((np.maximum(open_, close) * np.exp(reach[0])).round(2), ceiling)
    bottom = np.maximum((np.minimum(open_, close) * np.exp(-reach[1])).round(2), floor)
    frozen = halted | (locked & (draw < 0.25))
    return tuple(np.where(frozen, close, side) for side in (open_, top, bottom))  # type: ignore[return-value]
