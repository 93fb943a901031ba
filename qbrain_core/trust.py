"""Say what the data behind a run cannot support.

A caveat is a code with its numbers; the reader's language supplies the sentence.
"""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import polars as pl

from qbrain_core.markets import Market

__all__ = ["CAVEATS", "Caveat", "caveats_of_run", "first_list", "in_sample", "survivorship", "survivorship_of_panel"]

Caveat = dict[str, Any]
"""{"code": str, "params": {str: JSON value}}"""

CAVEATS: dict[str, str] = {
    "label_horizon": "The label earns the close of t+1 to the close of t+2; fills are at the open of t+1.",
    "survivorship": "{missing} of the {members} members of {universe} on {session} have no bars at all.",
    "other_times": "{others} more members of {universe} on {session} have bars of other times only, "
    "perhaps of another company under the same code.",
    "survivors_only": "All {instruments} instruments with bars on {start} still had them on {end}: none ever left.",
    "in_sample": "{sessions} of the sessions traded lie in the model's {segment} segment, which ends {ends}.",
    "synthetic": "Prices are generated, not observed.",
    "split_adjusted": "Prices are split-adjusted: lots and shares are counted in today's shares, not in the day's.",
    "no_limits": "{share} of the bars have no price limits although the market has them.",
    "price_index": "The benchmark {benchmark} is a price index without dividends; the strategy reinvests its own.",
    "no_benchmark": "No benchmark was given.",
    "scores_end": "The last score is of {session}; positions were only held after it.",
    "short_sample": "{sessions} sessions are less than a year.",
}
"""What each code means, in English."""

_MONTH = timedelta(days=31)


def first_list(spells: pl.DataFrame, start: date) -> date:
    """Find the day whose members stand for a period's beginning.

    Parameters
    ----------
    spells : DataFrame, columns (instrument: str, start: date, …)
        Membership of a universe.
    start : date
        First session of the period.

    Returns
    -------
    date
        The first day within a month of `start` on which somebody joined, because lists of members are often monthly
        and one of before the period is older than the bars; else `start`.
    """
    joined = spells.filter(pl.col("start").is_between(start, start + _MONTH))["start"].min()
    return joined if isinstance(joined, date) else start


def survivorship(spells: pl.DataFrame, spans: pl.DataFrame, session: date, *, universe: str) -> list[Caveat]:
    """Count the members of a universe that have no prices.

    Parameters
    ----------
    spells : DataFrame, columns (instrument: str, start: date, end: date or null)
        Membership of the universe, both ends included.
    spans : DataFrame, columns (instrument: str, first: date, last: date)
        First and last bar of every instrument that has any.
    session : date
        Day whose members are counted.
    universe : str
        Name of the universe.

    Returns
    -------
    list of Caveat
        `survivorship` where members have no bars at all, and `other_times` where others have bars only before or only
        after the session. Nothing when all members have prices (or there were none).
    """
    open_end = pl.col("end").is_null() | (pl.col("end") >= session)
    members = set(spells.filter((pl.col("start") <= session) & open_end)["instrument"])
    missing = sorted(members - set(spans["instrument"]))
    around = spans.filter((pl.col("first") <= session) & (pl.col("last") >= session))["instrument"]
    others = sorted(members - set(missing) - set(around))
    of = {"universe": universe, "session": session.isoformat()}
    found = []
    if missing:
        counted = {"members": len(members), "missing": len(missing), "examples": missing[:5]}
        found.append(_caveat("survivorship", **of, **counted))
    if others:
        found.append(_caveat("other_times", **of, others=len(others), examples=others[:5]))
    return found


def survivorship_of_panel(spans: pl.DataFrame, start: date, end: date) -> list[Caveat]:
    """Notice a set of instruments that nobody ever left.

    Parameters
    ----------
    spans : DataFrame, columns (instrument: str, first: date, last: date)
        First and last bar of every instrument of the market.
    start, end : date
        First and last session of the run.

    Returns
    -------
    list of Caveat
        `survivors_only` when of at least 20 instruments that had begun by `start` none ended before `end`.
    """
    there = spans.filter((pl.col("first") <= start) & (pl.col("last") >= start))
    if there.height < 20 or (there["last"] < end).any():
        return []
    return [_caveat("survivors_only", instruments=there.height, start=start.isoformat(), end=end.isoformat())]


def in_sample(sessions: Collection[date], segments: dict[str, tuple[date, date]]) -> list[Caveat]:
    """Find sessions traded that the model has learnt from.

    Parameters
    ----------
    sessions : collection of date
        Sessions traded.
    segments : dict of str to (date, date)
        First and last session of `train` and `valid`; others are ignored.

    Returns
    -------
    list of Caveat
        `in_sample` for each of the two that overlaps.
    """
    found = []
    for segment in ("train", "valid"):
        if segment in segments:
            first, last = segments[segment]
            count = sum(first <= s <= last for s in sessions)
            if count:
                found.append(_caveat("in_sample", segment=segment, sessions=count, ends=last.isoformat()))
    return found


def caveats_of_run(
    bars: pl.DataFrame,
    sessions: Collection[date],
    *,
    market: Market,
    benchmark: str,
    benchmark_kind: str | None,
    last_score: date,
) -> list[Caveat]:
    """Collect what follows from the market, the bars and the period alone.

    Parameters
    ----------
    bars : DataFrame, columns (limit_up: f64, price_basis: str, halted: bool, …)
        Bars traded on.
    sessions : collection of date
        Sessions traded.
    market : Market
    benchmark : str
        Instrument id; "" for none.
    benchmark_kind : str or None
        Kind of the benchmark: stock, etf or index.
    last_score : date
        Session of the last score there is.

    Returns
    -------
    list of Caveat
        Gravest first; `label_horizon` is always among them.
    """
    found: list[Caveat] = []
    traded = sorted(sessions)
    if market.synthetic:
        found.append(_caveat("synthetic"))
    unlimited = bars["limit_up"].null_count() / bars.height if market.price_limits and bars.height else 0.0
    if unlimited > 0.05:
        found.append(_caveat("no_limits", share=round(unlimited, 4)))
    if bars.height and (bars["price_basis"] == "split_adjusted").any():
        found.append(_caveat("split_adjusted"))
    if len(traded) < market.sessions_per_year:
        found.append(_caveat("short_sample", sessions=len(traded)))
    if not benchmark:
        found.append(_caveat("no_benchmark"))
    elif benchmark_kind == "index":
        found.append(_caveat("price_index", benchmark=benchmark))
    # a score of the last session would only trade after the end
    if last_score < traded[-2:][0]:
        found.append(_caveat("scores_end", session=last_score.isoformat()))
    found.append(_caveat("label_horizon"))
    return found


def _caveat(code: str, **params: Any) -> Caveat:
    return {"code": code, "params": params}
