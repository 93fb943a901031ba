"""The made-up market that leaks are planted in: with halts, listings, splits, restatements, moves of industry."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from lake import Lake
from lake.demo import demo_market
from lake.excerpt import Workshop
from qbrain_core.factors import compute, expression_fields
from qbrain_core.settings import Settings

__all__ = ["FROM_LABEL", "INDEX", "bars_frame", "market_tables", "small_lakes"]

FROM_LABEL = {"LABEL0": 2}
"""The label of a session is known two sessions later."""

INDEX = "DEMO300.DEMO"

_SESSIONS = 360
_NAMES = 14
_LABEL = "Ref($close, -2)/Ref($close, -1) - 1"
_KEY = ["instrument", "session"]


@lru_cache(maxsize=1)
def market_tables() -> dict[str, pl.DataFrame]:
    """Make the market: frames by table, `bars` first."""
    made = demo_market(n_instruments=40, end=date(2021, 12, 31))
    days = made["bars"]["session"].unique().sort().tail(_SESSIONS)
    recent = made["bars"].filter(pl.col("session").is_in(days.implode()))
    names = _telling(recent)
    of = pl.col("instrument").is_in([*names, INDEX])
    rng = np.random.default_rng(5)
    bars = _listed_late(recent.filter(of), names, days)
    tables = {"bars": bars, **{t: made[t].filter(of) for t in ("instruments", "corporate_actions", "universes")}}
    tables["fundamentals"] = _restated(made["fundamentals"].filter(of), rng)
    tables["industries"] = _industries(names, days, rng)
    tables["universes"] = pl.concat([tables["universes"], _spells(names, days, rng)])
    tables["valuation"] = _valuation(bars, rng)
    tables["instrument_status"] = _status(names, days, rng)
    rates = 0.02 + np.cumsum(rng.normal(0, 5e-4, days.len()))
    tables["interest_rates"] = pl.DataFrame({"series": "shibor", "tenor": "3M", "session": days, "rate": rates})
    gold = 7 * np.exp(np.cumsum(rng.normal(0, 5e-3, days.len())))
    tables["fx_rates"] = pl.DataFrame({"base": "USD", "quote": "CNY", "session": days, "rate": gold})
    return tables


@lru_cache(maxsize=1)
def bars_frame() -> pl.DataFrame:
    """Make the one frame: adjusted bars with a benchmark, a size, a dated industry and a label."""
    tables = market_tables()
    stocks = tables["bars"].filter(pl.col("instrument") != INDEX)
    fields = expression_fields(stocks)
    index = tables["bars"].filter(pl.col("instrument") == INDEX).select("session", benchmark_close="close")
    size = tables["valuation"].select(*_KEY, "market_cap")
    groups = tables["industries"].select(
        "instrument", "start", industry=pl.col("industry").rank("dense").cast(pl.Float64)
    )
    rows = (
        fields.join(index, on="session", how="left").join(size, on=_KEY, how="left").sort("session")
        .join_asof(groups.sort("start"), left_on="session", right_on="start", by="instrument", check_sortedness=False)
        .drop("start").sort(_KEY)
    )  # fmt: skip
    label = compute({"LABEL0": _LABEL}, rows, allow_future=True).with_columns(pl.col("LABEL0").cast(pl.Float64))
    return rows.join(label, on=_KEY, how="left", maintain_order="left")


@contextmanager
def small_lakes() -> Iterator[Callable[[Mapping[str, pl.DataFrame]], Lake]]:
    """Give a function that makes a lake of tables, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="qbrain-leaks-") as folder:
        settings = Settings(env="test", home=Path(folder), lake_url="", database_url="", redis_url="")
        yield Workshop(settings, Path(folder)).lake


def _telling(bars: pl.DataFrame) -> list[str]:
    facts = bars.filter(pl.col("instrument") != INDEX).group_by("instrument").agg(
        first=pl.col("session").min(), last=pl.col("session").max(), halts=pl.col("halted").sum(),
        steps=pl.col("factor").n_unique(),
    ).sort("instrument")  # fmt: skip
    orders = (("halts", 4), ("first", 3), ("steps", 3))
    chosen = dict.fromkeys(n for column, k in orders for n in facts.sort(column, descending=True)["instrument"].head(k))
    chosen |= dict.fromkeys(facts.sort("last")["instrument"].head(3))
    chosen |= dict.fromkeys(facts["instrument"])
    return sorted(list(chosen)[:_NAMES])


def _listed_late(bars: pl.DataFrame, names: list[str], days: pl.Series) -> pl.DataFrame:
    # of three names the history begins within the window, of two it ends there
    spans = {names[n]: (days[at], days[-1]) for n, at in ((1, 90), (4, 170), (7, 230))}
    spans |= {names[n]: (days[0], days[at]) for n, at in ((2, 215), (9, 300))}
    outside = pl.lit(False)
    for name, (first, last) in spans.items():
        outside |= (pl.col("instrument") == name) & ~pl.col("session").is_between(first, last)
    return bars.filter(~outside)


def _restated(reports: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    # every third report is corrected half a year later
    again = reports.filter(pl.Series(rng.random(reports.height) < 0.35))
    money = pl.col("revenue", "net_income", "equity", "eps")
    later = again.with_columns(
        money * 0.7,
        known_at=pl.col("known_at") + timedelta(170),
        known_year=(pl.col("known_at") + timedelta(170)).dt.year(),
    )
    key = ["instrument", "item_set", "period_end", "known_at"]
    return pl.concat([reports, later], how="diagonal_relaxed").unique(key, keep="first", maintain_order=True).sort(key)


def _industries(names: list[str], days: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for number, name in enumerate(names):
        moved = days[int(rng.integers(60, days.len() - 10))]
        first = f"G{number % 3}"
        rows.append((name, first, date(2018, 1, 1), moved - timedelta(1) if number % 2 else None))
        if number % 2:
            rows.append((name, f"G{(number + 1) % 3}", moved, None))
    frame = pl.DataFrame(rows, schema=["instrument", "industry", "start", "end"], orient="row")
    return frame.with_columns(
        pl.col("start", "end").cast(pl.Date), scheme=pl.lit("sw"), level=pl.lit(1, pl.Int32), market=pl.lit("DEMO"),
        code=pl.col("industry"),
    )  # fmt: skip


def _spells(names: list[str], days: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    # an index whose members come and go at every moment
    rows = []
    for number, name in enumerate(names):
        start = days[int(rng.integers(0, days.len() - 60))] if number % 2 else date(2018, 1, 2)
        end = days[int(rng.integers(days.len() - 50, days.len()))] if number % 3 == 0 else None
        rows.append(("moving", name, start, end))
    schema = {"universe": pl.String, "instrument": pl.String, "start": pl.Date, "end": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _valuation(bars: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    noise = pl.Series(np.exp(rng.normal(0, 0.05, bars.height)))
    return bars.filter(pl.Series(bars["instrument"] != INDEX)).with_columns(pl.lit(1.0)).select(
        *_KEY, "market", "year", market_cap=pl.col("close") * pl.col("factor") * 1e8,
        pe_ttm=pl.col("close") * pl.col("factor") / 1.3, pb=pl.col("close") * noise.filter(bars["instrument"] != INDEX),
    )  # fmt: skip


def _status(names: list[str], days: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for name in names[::2]:
        start = int(rng.integers(100, days.len() - 40))
        rows.append((name, "DEMO", "st", days[start], days[start + 30]))
    schema = {"instrument": pl.String, "market": pl.String, "status": pl.String, "start": pl.Date, "end": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")
