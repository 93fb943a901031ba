"""Checks of how prices and factors move: moves that need a cause, and causes that were booked wrongly."""

import polars as pl

from lake.quality.check import Check
from lake.quality.sequence import adjusted_close, before, moved, near_split, not_indices
from lake.quality.surroundings import Surroundings
from qbrain_core.adjust import ROUNDING_STEP, double_bookings
from qbrain_core.limits import price_limits

__all__ = ["MOVE_CHECKS"]

_BARS = ("bars",)
_LARGE_MOVE, _LARGE_MOVE_BOUNDED = 0.5, 0.25
_GAP, _GAP_CLOSE = 0.2, 0.3
"""An open this far from the last close, and a close this far from it, without an action."""

_SPLIT_MOVE, _SPLIT_SLACK = 0.3, 0.06
"""Least move of an unadjusted split, and how far open and close may be from its ratio: a day's own trading."""

_LONGEST_PAUSE_DAYS = 12
"""Days between two sessions, over holidays, of which the later one still follows the earlier."""

_SPECIAL_DIVIDEND = 0.1
"""Share of the last close from which a dividend counts as special."""

_FORMULA_SLACK = 0.002
_JUMP = 0.005
"""A factor step that a dividend or split should explain; below it is rounding of old adjusted closes."""

_MARKET_MOVE, _MARKET_NAMES = 0.05, 20
"""Median move of a market, and least names, from which a session counts as one of the whole market."""

_FREE_SESSIONS = 5


def _actions(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame | None:
    # dividends and splits by instrument and session: from the rows' own columns, else from the lake
    if {"dividends", "splits"} <= set(rows.columns):
        return rows.select(
            "instrument", "session", dividend=pl.when(pl.col("dividends") > 0).then("dividends"),
            split=pl.when((pl.col("splits") > 0) & (pl.col("splits") != 1)).then("splits"),
        ).filter(pl.col("dividend").is_not_null() | pl.col("split").is_not_null())  # fmt: skip
    stored = around.table("corporate_actions")
    if stored is None:
        return None
    named = stored.filter(pl.col("action").is_in(["dividend", "split"]))
    return named.group_by("instrument", "session").agg(
        dividend=pl.col("value").filter(pl.col("action") == "dividend").sum().replace(0.0, None),
        split=pl.col("value").filter(pl.col("action") == "split").first(),
    )


def _booked(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # rows of sessions with an action, with the close before
    actions = _actions(rows, around)
    if actions is None:
        return rows.clear().with_columns(last=pl.lit(0.0), dividend=pl.lit(0.0), split=pl.lit(0.0))
    known = rows.with_columns(last=before("close"), _step=moved("factor") if "factor" in rows.columns else pl.lit(None))
    return known.join(actions, on=["instrument", "session"], how="inner", maintain_order="left")


def _large(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    bounded = around.market is not None and around.market.price_limits
    limit = pl.col("bounded") if "bounded" in rows.columns else pl.lit(bounded)
    most = pl.when(limit).then(_LARGE_MOVE_BOUNDED).otherwise(_LARGE_MOVE)
    return rows.with_columns(move=moved(adjusted_close(rows)) - 1).filter(pl.col("move").abs() > most)


def _unexplained(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    step = moved("factor") if "factor" in rows.columns else pl.lit(1.0)
    return _unbooked(
        rows.with_columns(move=moved(adjusted_close(rows)) - 1, gap=pl.col("open") / before("close") * step - 1)
        .filter((pl.col("gap").abs() > _GAP) & (pl.col("move").abs() > _GAP_CLOSE) & _next_day()), around,
    )  # fmt: skip


def _unadjusted(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    step = moved("factor") if "factor" in rows.columns else pl.lit(1.0)
    ratio, gap = moved(adjusted_close(rows)), pl.col("open") / before("close") * step
    found = rows.with_columns(ratio=ratio, gap=gap).filter((pl.col("ratio") - 1).abs() > _SPLIT_MOVE, _next_day())
    # the open is where the split shows; the close has moved on from there
    return _unbooked(found.filter(*(near_split(pl.col(c), _SPLIT_SLACK) for c in ("gap", "ratio"))), around)


def _next_day() -> pl.Expr:
    # after a hole a price is another one for many reasons
    return (pl.col("session") - before("session")).dt.total_days() <= _LONGEST_PAUSE_DAYS


def _unbooked(found: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    if found.is_empty():
        return found
    found = not_indices(found, around.table("instruments"))
    actions = _actions(found, around)
    if actions is None:
        return found
    return found.join(actions, on=["instrument", "session"], how="anti", maintain_order="left")


def _beyond_limit(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    market = around.market
    if market is None or not market.price_limits:
        return rows.clear()
    known = around.table("instruments")
    wanted = ("instrument", "session", "close", "factor", "preclose", "special_treatment")
    listings = known.select("instrument", "listed") if known is not None else None
    judged = not_indices(rows, known)
    if "limit_up" in rows.columns:  # who never has a limit is bound by none
        bound = rows.filter(pl.col("limit_up").is_not_null()).select("instrument").unique()
        judged = judged.join(bound, on="instrument", how="semi", maintain_order="left")
    # without high and low no limit is taken back because it was passed
    limits = price_limits(judged.select(c for c in wanted if c in judged.columns), market, listings=listings)
    marked = judged.with_columns(
        allowed_up=limits["limit_up"], allowed_down=limits["limit_down"], move=moved(adjusted_close(judged)) - 1,
        _age=pl.int_range(pl.len()).over("instrument"),
        _late=(pl.col("session").min().over("instrument") > pl.col("session").min()),
    )  # fmt: skip
    margin = market.tick * 0.6
    outside = (pl.col("close") > pl.col("allowed_up") + margin) | (pl.col("close") < pl.col("allowed_down") - margin)
    after_halt = before("halted").fill_null(False) if "halted" in rows.columns else pl.lit(False)
    free = (pl.col("_age") < _FREE_SESSIONS) & pl.col("_late")
    trading = ~pl.col("halted") if "halted" in rows.columns else pl.lit(True)
    return marked.filter(outside & ~after_halt & ~free & trading).drop("_age", "_late")


def _listing_move(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    if around.market is None or not around.market.price_limits or "preclose" not in rows.columns:
        return rows.clear()
    first = (pl.col("instrument") != pl.col("instrument").shift(1)) & (pl.col("session") > pl.col("session").min())
    move = (pl.col("close") / pl.col("preclose") - 1).alias("move")
    return rows.with_columns(move).filter(first & (pl.col("move").abs() > _LARGE_MOVE_BOUNDED))


def _doubled(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    if "doubled" in rows.columns:
        return rows.filter(pl.col("doubled"))
    if {"dividends", "splits", "factor"} <= set(rows.columns):
        return rows.filter(double_bookings(rows))
    both = _booked(rows, around).filter(pl.col("dividend").is_not_null() & pl.col("split").is_not_null())
    return both.filter(pl.col("dividend") / pl.col("last") > _SPECIAL_DIVIDEND)


def _factor_jump(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    actions = _actions(rows, around)
    if actions is None or actions.is_empty():
        return rows.clear()
    steps = rows.with_columns(step=moved("factor") - 1).filter(pl.col("step").abs() > _JUMP)
    # a source that never names an action of an instrument explains no step of it either
    named = steps.join(actions.select("instrument").unique(), on="instrument", how="semi", maintain_order="left")
    return named.join(actions, on=["instrument", "session"], how="anti", maintain_order="left")


def _frozen(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    # from some day on the adjusted close is the close, and prices still show splits after it
    jump = near_split(moved("close"), _SPLIT_SLACK) & ((moved("close") - 1).abs() > _SPLIT_MOVE)
    jumps = rows.filter(jump.fill_null(False))
    if jumps.is_empty():
        return jumps
    plain = ((pl.col("adj_close") / pl.col("close") - 1).abs() < ROUNDING_STEP).fill_null(True)
    adjusted = rows.join(jumps.select("instrument").unique(), on="instrument", how="semi").filter(~plain)
    since = adjusted.group_by("instrument").agg(since=pl.col("session").max())
    after = jumps.join(since, on="instrument", maintain_order="left")
    return after.filter(pl.col("session") > pl.col("since") + pl.duration(days=_FREE_SESSIONS))


def _formula(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    if "adj_close" not in rows.columns:
        return rows.clear()
    raw = moved(pl.col("adj_close") / pl.col("close"))
    paid = _booked(rows.with_columns(_raw=raw), around).filter(pl.col("dividend").is_not_null())
    reinvested = (pl.col("close") + pl.col("dividend")) / pl.col("last")
    by_step = pl.col("_raw") * pl.col("close") / pl.col("last")
    return paid.with_columns(difference=by_step / reinvested - 1).filter(
        pl.col("difference").abs() > _FORMULA_SLACK
    )  # fmt: skip


def _market_move(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    days = (
        rows.select("session", move=moved(adjusted_close(rows)) - 1).drop_nulls("move")
        .group_by("session").agg(move=pl.col("move").median(), instruments=pl.len())
    )  # fmt: skip
    enough = pl.col("instruments") >= _MARKET_NAMES
    return days.filter(enough & (pl.col("move").abs() > _MARKET_MOVE)).sort("session")


def _special(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    share = (pl.col("dividend") / pl.col("last")).alias("share")
    return _booked(rows, around).with_columns(share).filter(pl.col("share") > _SPECIAL_DIVIDEND)


def _reverse(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _booked(rows, around).filter(pl.col("split") < 1)


def _fractional(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # 3:2, 5:4, 21:20 are splits; 1.319 is the worth of what was spun off
    big = pl.max_horizontal(pl.col("split"), 1 / pl.col("split"))
    whole = pl.any_horizontal(((big * k) - (big * k).round()).abs() < 2e-3 for k in (1, 2, 3, 4, 5, 6, 8, 20))
    return _booked(rows, around).filter(pl.col("split").is_not_null() & ~whole)


def _ex_right(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    return rows.with_columns(last=before("close")).filter((pl.col("last") / pl.col("preclose") - 1).abs() > 1e-9)


_FIRST = pl.int_range(pl.len()).over("instrument") == 0
_SHOWN = ("move", "close", "factor")

MOVE_CHECKS = (
    Check("large_move", "warning", _BARS, "The adjusted close moved further than news usually takes it.", _large,
          _SHOWN, ("close",)),
    Check("beyond_limit", "warning", _BARS, "The close lies beyond the exchange's limit and no corporate action is "
          "booked.", _beyond_limit, ("move", "allowed_up", "allowed_down", "close"), ("close", "factor")),
    Check("listing_move", "note", _BARS, "A listing day: the close is far from the issue price, which the limits "
          "allow.", _listing_move, ("move",), ("close", "preclose")),
    Check("unexplained_gap", "warning", _BARS, "The price opened and closed far from the last close, and no action is "
          "booked: often a spin-off.", _unexplained, ("gap", "move"), ("open", "close")),
    Check("unadjusted_split", "warning", _BARS, "The price jumps by the ratio of a split, and none is booked.",
          _unadjusted, ("ratio", "gap"), ("open", "close")),
    Check("frozen_adjustment", "warning", _BARS, "The adjusted close is no longer adjusted: it equals the close while "
          "splits go on.", _frozen, ("since",), ("close", "adj_close"), stages=("incoming",)),
    Check("double_booking", "warning", _BARS, "A split or spin-off is booked twice, in the prices and as a dividend; "
          "its factor step was left out.", _doubled, ("close", "dividends", "splits", "dividend", "split"), ("close",)),
    Check("factor_jump", "warning", _BARS, "The factor steps on a session without a dividend or split.", _factor_jump,
          ("step", "factor"), ("factor",)),
    Check("contradicted_factor", "warning", _BARS, "The factor steps although the exchange's reference price is the "
          "last close; the step was left out.", pl.col("contradicted"), ("close", "preclose"), ("contradicted",),
          stages=("incoming",)),
    Check("no_factor", "warning", _BARS, "The adjustment table does not know the instrument; its factor is the "
          "reference price's, or 1.", pl.col("uncovered") & _FIRST, (), ("uncovered",), stages=("incoming",)),
    Check("no_overlap", "warning", _BARS, "The file shares no session with the stored bars before it; a dividend or "
          "split on its first session is not in the factor.", pl.col("unanchored"), (), ("unanchored",),
          stages=("incoming",)),
    Check("adjustment_formula", "note", _BARS, "The adjusted close moves otherwise than reinvesting the dividend "
          "would.", _formula, ("difference", "dividend"), ("close", "adj_close"), stages=("incoming",)),
    Check("special_dividend", "warning", _BARS, "A dividend of a tenth of the price or more: the close falls like in a "
          "crash, the adjusted close does not.", _special, ("dividend", "share"), ("close",)),
    Check("reverse_split", "note", _BARS, "Shares were put together.", _reverse, ("split",), ("close",)),
    Check("fractional_split", "warning", _BARS, "The ratio of a split is no plain fraction: a spin-off booked as a "
          "split.", _fractional, ("split",), ("close",)),
    Check("ex_right", "note", _BARS, "An ex-right session: the exchange's reference price is not the last close.",
          _ex_right, ("close", "preclose"), ("close", "preclose"), stages=("incoming",)),
    Check("market_move", "note", _BARS, "The whole market moved: half of all names by more than a twentieth.",
          _market_move, ("move", "instruments"), ("close",), scope="market"),
)  # fmt: skip
"""Checks of bars sorted by instrument and session."""
