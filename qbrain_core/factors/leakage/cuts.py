"""Choose the days at which to cut: those right before something happened that hindsight would know."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InsufficientDataError
from qbrain_core.factors.leakage.probe import Data
from qbrain_core.knowledge import Dated, Spells, rule_for

__all__ = ["choose_cuts"]

_FIRST = 0.4  # of the sessions: before it windows are still filling
_LEAST = 8  # sessions


def choose_cuts(data: Data, count: int) -> list[date]:
    """Choose days.

    Parameters
    ----------
    data : DataFrame or mapping of str to DataFrame
        The first frame with `instrument` and `session` gives the calendar.
    count : int
        How many, at most.

    Returns
    -------
    list of date
        Ascending; spread over the later part of the sessions, in every other stretch the day before most happens
        (listings, last rows, large moves, changes of membership; while reports are due), in the others the day on which
        most is missing or moves. Never the last session of a week, month or quarter, where a look-ahead to its end
        would not show.

    Raises
    ------
    InsufficientDataError
        If there are fewer than eight sessions.
    """
    frames = {"bars": data} if isinstance(data, pl.DataFrame) else data
    rows = next(f for f in frames.values() if {"instrument", "session"} <= set(f.columns))
    sessions = rows["session"].unique().sort()
    if sessions.len() < _LEAST:
        raise InsufficientDataError(
            f"{sessions.len()} sessions are too few to cut the data at a day: {_LEAST} are needed"
        )
    after, on = _happenings(rows, sessions)
    scores = (after + _knowledge(frames, sessions), on)
    days: list[date] = sessions.to_list()
    # weekends and month ends: by the calendar, so that a short holiday week counts as well
    inside = np.array([_inside(day, after) for day, after in pairwise(days)] + [False])
    chosen = []
    edges = np.linspace(int(_FIRST * len(days)), len(days) - 2, count + 1).astype(int)
    for number, (low, high) in enumerate(pairwise(edges)):
        score = scores[number % 2]
        span = np.arange(low, max(high, low + 1))
        allowed = span[inside[span]] if inside[span].any() else span
        chosen.append(days[int(allowed[np.argmax(score[allowed])])])
    return sorted(set(chosen))


def _inside(day: date, after: date) -> bool:
    same_week = day.isocalendar()[:2] == after.isocalendar()[:2]
    return same_week and (day.year, day.month) == (after.year, after.month)


def _happenings(rows: pl.DataFrame, sessions: pl.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # what the session after each day brings, and what happens on the day itself
    spans = rows.group_by("instrument").agg(first=pl.col("session").min(), last=pl.col("session").max())
    after, on = np.zeros(sessions.len()), np.zeros(sessions.len())
    born = spans["first"].filter(spans["first"] > sessions[0])
    gone = spans["last"].filter(spans["last"] < sessions[-1])
    np.add.at(after, sessions.search_sorted(born).to_numpy() - 1, 3.0)
    np.add.at(after, sessions.search_sorted(gone).to_numpy(), 3.0)
    names = [n for n in ("close", "volume") if n in rows.columns and rows[n].dtype.is_numeric()]
    for name in names:
        value = rows.select("instrument", "session", x=pl.col(name).cast(pl.Float64).fill_nan(None))
        moved = value.sort("instrument", "session").with_columns(moved=pl.col("x").log().diff().over("instrument"))
        by_day = moved.group_by("session").agg(
            size=pl.when(pl.col("moved").is_finite()).then(pl.col("moved").abs()).max(),
            missing=pl.col("x").null_count(),
        )
        ordered = sessions.to_frame("session").join(by_day, on="session", how="left", maintain_order="left")
        size = ordered["size"].fill_null(0.0).to_numpy()
        on += size / (size.max() or 1.0) + ordered["missing"].to_numpy()
        if name == "close":
            after[:-1] += size[1:] / (size.max() or 1.0)
    if "halted" in rows.columns:
        halts = rows.group_by("session").agg(pl.col("halted").cast(pl.Int64).sum())
        on += (
            sessions.to_frame("session")
            .join(halts, on="session", how="left", maintain_order="left")["halted"]
            .to_numpy()
        )
    return after, on


def _knowledge(frames: Mapping[str, pl.DataFrame], sessions: pl.Series) -> NDArray[np.float64]:
    # reports whose period is over and that nobody has seen yet, and spells about to begin or end
    score = np.zeros(sessions.len() + 1)
    for name, rows in frames.items():
        rule = rule_for(name, rows)
        if isinstance(rule, Dated) and rule.day == "known_at" and "period_end" in rows.columns:
            due = rows.filter(pl.col("known_at") > pl.col("period_end"))
            np.add.at(score, sessions.search_sorted(due["period_end"]).to_numpy(), 1.0 / max(1, rows.height) * 50)
            np.add.at(score, sessions.search_sorted(due["known_at"]).to_numpy(), -1.0 / max(1, rows.height) * 50)
    score = np.cumsum(score)[:-1]
    for name, rows in frames.items():
        rule = rule_for(name, rows)
        if isinstance(rule, Spells) and {rule.start, rule.end} <= set(rows.columns):
            ended = rows[rule.end].drop_nulls() + timedelta(1)
            for days in (rows[rule.start], ended):
                inside = days.filter((days > sessions[0]) & (days <= sessions[-1]))
                np.add.at(score, sessions.search_sorted(inside).to_numpy() - 1, 1.0)
    return score
