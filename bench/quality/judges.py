"""Count false alarms: hold findings against a source that had no part in them.

A finding is judged only where an independent source knows the same instrument and day; how it judges is said in words
beside the count. What nobody independent knows is counted as found and left unjudged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from bench.quality.other_sets import cn_bars
from bench.quality.us_sets import five_years, ten_years

__all__ = ["Judge", "Verdict", "judges"]

_KEY = ["instrument", "session"]
_SAME_MOVE = 0.02
_MARKET_MOVE = 0.02


@dataclass(frozen=True)
class Verdict:
    """How many findings a source could judge, and how many of them it contradicts."""

    judged: int
    false: int


@dataclass(frozen=True)
class Judge:
    """An independent source for the findings of some checks in one exhibit.

    Attributes
    ----------
    exhibit : str
        Name of the exhibit.
    checks : tuple of str
    words : str
        What it holds them against, and when it calls one false.
    judge : callable
        Rows found → Verdict.
    """

    exhibit: str
    checks: tuple[str, ...]
    words: str
    judge: Callable[[pl.DataFrame], Verdict]


def judges(data: Path) -> list[Judge]:
    """Set the independent sources up.

    Parameters
    ----------
    data : Path
        Folder of the data sets.

    Returns
    -------
    list of Judge
    """
    ten, five, cn = ten_years(data), five_years(data), cn_bars(data)
    moves = ("large_move", "unexplained_gap", "unadjusted_split")
    by_five = "us_daily_5yr: false where its close moved by the same ratio that day"
    by_ten = "us_daily_10y: false where its close moved by the same ratio that day"
    splits = ten.filter(pl.col("splits") > 0).select(_KEY)
    lean = _lean_steps(data)
    spy = pl.read_csv(data / "benchmarks" / "spy_daily_total_return_adjusted.csv.gz", infer_schema=False).select(
        session=pl.col("Date").str.slice(0, 10).str.to_date(), close=pl.col("Close").cast(pl.Float64)
    )
    index = (
        pl.read_parquet(data / "cn_daily" / "index_daily.parquet")
        .filter(pl.col("symbol") == "SH000300")
        .select(session="date", close=pl.col("close").cast(pl.Float64))
    )
    return [
        Judge("us_daily_10y: bars", moves, by_five, lambda found: _same_moves(found, five)),
        Judge("us_daily_5yr: bars", moves, by_ten, lambda found: _same_moves(found, ten)),
        Judge("us_daily_5yr: bars", ("missing_session",), "us_daily_10y: false where it has no bar on the missing day "
              "either", lambda found: _gaps(found, five, ten)),
        Judge("us_daily_5yr: bars", ("ohlc_order", "half_adjusted", "null_price"),
              "us_daily_10y: false where it has the "
              "same four prices (on its scale)", lambda found: _same_prices(found, ten)),
        Judge("us_daily_10y: bars", ("zero_volume", "stale_price"), "us_daily_5yr: false where it has no volume that "
              "day either", lambda found: _no_volume(found, five)),
        Judge("us_daily_10y: bars", ("market_move",), "SPY of another source: false where it moved by less than 2 %",
              lambda found: _index_moves(found, spy)),
        Judge("cn_daily: bars", ("market_move",), "the CSI 300 index: false where it moved by less than 2 %",
              lambda found: _index_moves(found, index)),
        Judge("cn_daily: bars", ("large_move", "unexplained_gap", "beyond_limit"),
              "the exchange's reference price: false where the close is as far from it", _against_reference),
        Judge("cn_daily: bars", ("late_start",), "the list of names: false where it was listed a month or more before",
              lambda found: _listed(found, data)),
        Judge("cn_daily: bars", ("contradicted_factor",), "the exchange's reference price: false where it is not the "
              "last close", lambda found: _reference_steps(found, cn)),
        Judge("us_dirty_feed", ("unadjusted_split",), "splits of us_daily_10y, and factor files before 2016: false "
              "where they book none within three days", lambda found: _booked(found, pl.concat([splits, lean]))),
        Judge("us_lean_sample: daily bars", ("unadjusted_split",), "the set's own factor files: false where the split "
              "factor does not step", lambda found: _booked(found, lean)),
        Judge("cn_qlib_native: divided by the factor", ("beyond_limit",), "cn_daily, raw prices: false where its close "
              "moved by the same ratio", lambda found: _same_adjusted(found, cn)),
    ]  # fmt: skip


def _moves(rows: pl.DataFrame) -> pl.DataFrame:
    same = pl.col("instrument") == pl.col("instrument").shift(1)
    ratio = pl.when(same).then(pl.col("close") / pl.col("close").shift(1))
    return rows.sort(_KEY).select(*_KEY, ratio=ratio)


def _verdict(both: pl.DataFrame, false: pl.Expr) -> Verdict:
    return Verdict(both.height, both.filter(false.fill_null(False)).height)


def _same_moves(found: pl.DataFrame, other: pl.DataFrame) -> Verdict:
    told = pl.col("move") + 1 if "move" in found.columns else pl.col("ratio")
    mine = found.select(*_KEY, mine=told)
    both = mine.join(_moves(other).drop_nulls(), on=_KEY)
    return _verdict(both, (pl.col("mine") / pl.col("ratio") - 1).abs() < _SAME_MOVE)


def _same_adjusted(found: pl.DataFrame, other: pl.DataFrame) -> Verdict:
    adjusted = other.with_columns(pl.col("close") * pl.col("factor"))
    return _same_moves(found, adjusted)


def _gaps(found: pl.DataFrame, rows: pl.DataFrame, other: pl.DataFrame) -> Verdict:
    # days between the row before the gap and the one after it, on which the other source has the name at all
    ordered = rows.sort(_KEY).with_columns(last=pl.col("session").shift(1)).select(*_KEY, "last")
    spans = found.join(ordered, on=_KEY)
    known = other.join(spans.select("instrument").unique(), on="instrument", how="semi")
    lives = known.group_by("instrument").agg(since=pl.col("session").min(), until=pl.col("session").max())
    judged = spans.join(lives, on="instrument").filter(
        (pl.col("last") >= pl.col("since")) & (pl.col("session") <= pl.col("until"))
    )
    days = judged.join(known.select("instrument", day="session"), on="instrument").filter(
        (pl.col("day") > pl.col("last")) & (pl.col("day") < pl.col("session"))
    )
    there = days.select(_KEY).unique().height
    return Verdict(judged.height, judged.height - there)


def _same_prices(found: pl.DataFrame, other: pl.DataFrame) -> Verdict:
    names = ("open", "high", "low", "close")
    both = found.join(other.select(*_KEY, *(pl.col(c).alias(f"{c} other") for c in names)), on=_KEY)
    scale = pl.col("high") / pl.col("high other")
    return _verdict(both, pl.all_horizontal((pl.col(c) / pl.col(f"{c} other") / scale - 1).abs() < 1e-4 for c in names))


def _no_volume(found: pl.DataFrame, other: pl.DataFrame) -> Verdict:
    both = found.select(_KEY).join(other.select(*_KEY, "volume"), on=_KEY)
    return _verdict(both, pl.col("volume") == 0)


def _index_moves(found: pl.DataFrame, index: pl.DataFrame) -> Verdict:
    moved = index.sort("session").select("session", index=pl.col("close") / pl.col("close").shift(1) - 1)
    both = found.join(moved.drop_nulls(), on="session")
    return _verdict(both, pl.col("index").abs() < _MARKET_MOVE)


def _against_reference(found: pl.DataFrame) -> Verdict:
    known = found.filter(pl.col("preclose") > 0)
    return _verdict(known, (pl.col("close") / pl.col("preclose") - 1 - pl.col("move")).abs() < _SAME_MOVE)


def _reference_steps(found: pl.DataFrame, cn: pl.DataFrame) -> Verdict:
    last = cn.sort(_KEY).with_columns(last=pl.col("close").shift(1)).select(*_KEY, "last")
    both = found.join(last, on=_KEY)
    return _verdict(both, (pl.col("last") / pl.col("preclose") - 1).abs() > 1e-6)


def _listed(found: pl.DataFrame, data: Path) -> Verdict:
    names = pl.read_csv(data / "cn_daily" / "stock_basic.csv", infer_schema=False).select(
        instrument="ts_code", listed=pl.col("list_date").str.to_date("%Y%m%d", strict=False)
    )
    both = found.join(names.drop_nulls(), on="instrument")
    return _verdict(both, (pl.col("session") - pl.col("listed")).dt.total_days() > 30)


def _booked(found: pl.DataFrame, splits: pl.DataFrame) -> Verdict:
    near = found.select(_KEY).join(splits.select("instrument", day="session"), on="instrument", how="left")
    close = (pl.col("day") - pl.col("session")).dt.total_days().abs() <= 3
    there = near.filter(close.fill_null(False)).select(_KEY).unique().height
    return Verdict(found.height, found.height - there)


def _lean_steps(data: Path) -> pl.DataFrame:
    parts = []
    for path in sorted((data / "us_lean_sample" / "factor_files").glob("*.csv")):
        rows = pl.read_csv(path, has_header=False, infer_schema=False, new_columns=["date", "price", "split",
        "reference"]).select(
            day=pl.col("date").str.to_date("%Y%m%d", strict=False), split=pl.col("split").cast(pl.Float64, strict=False)
        ).drop_nulls().sort("day")  # fmt: skip
        # a line holds until its day, so the step shows on the session after it
        steps = rows.filter((pl.col("split") / pl.col("split").shift(-1) - 1).abs() > 0.01)
        name = path.stem.upper().removesuffix(".1")
        parts.append(steps.select(instrument=pl.lit(f"{name}.US"), session=pl.col("day") + pl.duration(days=1)))
    return pl.concat(parts)
