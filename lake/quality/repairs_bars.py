"""Repairs of daily bars. None invents a price: they widen, mark, rescale factors, or take rows away."""

import polars as pl

from lake.quality.bars import BAR_ROW_CHECKS
from lake.quality.repair import Changes, Repair, Target
from lake.quality.sequence import before
from lake.quality.surroundings import Surroundings
from qbrain_core.errors import InvalidInputError

__all__ = ["BAR_REPAIRS"]

_BARS = ("bars",)
_CHECKS = {check.name: check for check in BAR_ROW_CHECKS}
_OHLC = ("open", "high", "low", "close")


def _changed(old: pl.DataFrame, **new: pl.Expr) -> Changes:
    return Changes(old, old.with_columns(**new), old.clear())


def _fix_ohlc(rows: pl.DataFrame, target: Target, around: Surroundings) -> Changes:
    broken = _CHECKS["ohlc_order"].find(rows.filter(target.inside()), around)
    return _changed(broken, high=pl.max_horizontal(*_OHLC), low=pl.min_horizontal(*_OHLC))


def _drop_row(rows: pl.DataFrame, target: Target, _: Surroundings) -> Changes:
    if not target.instruments or target.start is None:
        raise InvalidInputError("start", target.start, "drop_row is for named instruments from a first day on")
    none = rows.clear()
    return Changes(none, none, rows.filter(target.inside()))


def _drop_bad_last_bar(rows: pl.DataFrame, target: Target, around: Surroundings) -> Changes:
    aimed = rows.filter(target.inside())
    last = aimed.filter(pl.col("session") == rows["session"].max())
    named = ("null_price", "price_not_positive", "half_adjusted", "ohlc_order", "zero_volume")
    bad = pl.concat([_CHECKS[name].find(last, around) for name in named])
    removed = last.join(bad.select("instrument").unique(), on="instrument", how="semi", maintain_order="left")
    return Changes(rows.clear(), rows.clear(), removed)


def _drop_copied_session(rows: pl.DataFrame, target: Target, around: Surroundings) -> Changes:
    copied = _CHECKS["market_copy"].find(rows, around).select("session")
    same = pl.all_horizontal(pl.col(c) == before(c) for c in (*_OHLC, "volume"))
    repeats = rows.filter(same.fill_null(False)).join(copied, on="session", how="semi", maintain_order="left")
    return Changes(rows.clear(), rows.clear(), repeats.filter(target.inside()))


def _mark_halted(rows: pl.DataFrame, target: Target, _: Surroundings) -> Changes:
    idle = rows.filter(target.inside() & (pl.col("volume") == 0) & ~pl.col("halted"))
    return _changed(idle, halted=pl.lit(True))


def _book_split(rows: pl.DataFrame, target: Target, around: Surroundings) -> Changes:
    instrument, session = target.single("book_split")
    if target.ratio is None or target.ratio == 1:
        raise InvalidInputError(
            "ratio", target.ratio, "book_split needs the new shares per old: 2 for 2:1, 0.1 for 1:10"
        )
    mine = _mine(rows, instrument, session)
    actions = around.table("corporate_actions")
    booked = actions is not None and actions.filter(
        (pl.col("instrument") == instrument) & (pl.col("session") == session) & (pl.col("action") == "split")
    ).height  # fmt: skip
    if booked:
        raise InvalidInputError("start", session, f"a split of {instrument} is booked on that day already")
    action = pl.DataFrame(
        {"instrument": [instrument], "session": [session], "action": ["split"], "value": [target.ratio],
         "factor_step": [target.ratio]}
    )  # fmt: skip
    changes = _changed(mine.filter(pl.col("session") >= session), factor=pl.col("factor") * target.ratio)
    return Changes(changes.before, changes.after, changes.removed, {"corporate_actions": action})


def _remove_booking(rows: pl.DataFrame, target: Target, around: Surroundings) -> Changes:
    instrument, session = target.single("remove_booking")
    mine = _mine(rows, instrument, session)
    steps = mine.with_columns(_step=pl.col("factor") / pl.col("factor").shift(1)).filter(pl.col("session") == session)
    step = steps["_step"].item()
    actions = around.table("corporate_actions")
    here = (pl.col("instrument") == instrument) & (pl.col("session") == session)
    there = actions.filter(here) if actions is not None else pl.DataFrame(schema={"action": pl.String})
    # of a dividend and a split that are one event, the split has already moved the prices
    gone = there.filter(pl.col("action") == "dividend") if there.height > 1 else there
    if step == 1 and gone.is_empty():
        raise InvalidInputError("start", session, f"nothing is booked for {instrument} on that day")
    changes = _changed(mine.filter(pl.col("session") >= session), factor=pl.col("factor") / step)
    if step == 1:
        changes = _changed(rows.clear())
    return Changes(
        changes.before, changes.after, changes.removed, {}, {"corporate_actions": gone} if gone.height else {}
    )


def _mine(rows: pl.DataFrame, instrument: str, session: object) -> pl.DataFrame:
    mine = rows.filter(pl.col("instrument") == instrument).sort("session")
    first = mine["session"].min()
    if mine.filter(pl.col("session") == session).is_empty() or session == first:
        rule = f"{instrument} has no bar on that day, or none before it: there is nothing it could follow"
        raise InvalidInputError("start", session, rule)
    return mine


BAR_REPAIRS = (
    Repair("fix_ohlc", _BARS, "Widen high and low until they contain open and close.", ("ohlc_order",), _fix_ohlc),
    Repair("drop_row", _BARS, "Take the bars of named instruments and days away.",
           ("stale_price", "off_calendar", "half_adjusted", "large_move"), _drop_row),
    Repair("drop_bad_last_bar", _BARS, "Take bars of the last session away that were delivered before they were "
           "finished: without trade, price or order.", ("partial_last_bar", "zero_volume"), _drop_bad_last_bar),
    Repair("drop_copied_session", _BARS, "Take the bars away that repeat the session before, where most of the market "
           "does.", ("market_copy",), _drop_copied_session),
    Repair("mark_halted", _BARS, "Mark sessions without volume as halted.", ("zero_volume", "stale_price"),
           _mark_halted),
    Repair("book_split", _BARS, "Book a split that nobody booked: the factor rises by the ratio from that day on.",
           ("unadjusted_split", "unexplained_gap"), _book_split),
    Repair("remove_booking", _BARS, "Take one factor step back, with the dividend that was the split once more.",
           ("double_booking", "factor_jump", "contradicted_factor"), _remove_booking),
)  # fmt: skip
"""Repairs of table `bars`."""
