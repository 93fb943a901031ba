"""Incremental factors on real bars: whatever changes, the rows are those of a computation from nothing."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl
import pytest

from jobs.context import TaskContext
from jobs.tasks.factors.attempt import FactorAttempt
from lake import Lake
from lake.records import open_records
from lake.records.factor_sets import save_set
from qbrain_core.factors import FactorSet
from qbrain_core.reporting import NULL_REPORTER
from qbrain_core.settings import Settings
from qbrain_core.specs import FactorsSpec

KEY = ["instrument", "session"]
SETS = {
    "windows": {
        "MA5": "Mean($close, 5)/$close", "STD20": "Std($close, 20)/$close", "RANK10": "Rank($volume, 10)",
        "IMAX": "IdxMax($high, 20)", "RESI": "Resi($close, 15)/$close", "LAST": "Ref($vwap, 3)/$close",
        "CORR": "Corr($close, Log($volume+1), 12)", "COUNT": "Count($close, 8)",
    },
    "endless": {"EMA": "EMA($close, 10)/$close", "SINCE": "Sum($volume, 0)", "FIRST": "$close/Ref($close, 0)"},
    "across": {"RANK": "CSRank($close/Ref($close, 5))", "MEAN": "Mean(CSZScore($volume), 4)", "OWN": "$open/$close"},
}  # fmt: skip
NAMES = 14


class Market:
    """A lake with real bars, and the job that keeps factors of them."""

    def __init__(self, settings: Settings, lake: Lake, bars: pl.DataFrame) -> None:
        self.settings, self.lake, self.bars = settings, lake, bars
        self._jobs = 0
        records = open_records(settings)
        for name, expressions in SETS.items():
            save_set(records, FactorSet(name, expressions, owner="local", visibility="private"))

    def write(self, change: Callable[[Any], None]) -> None:
        self._jobs += 1
        with self.lake.commit(f"w{self._jobs}", 1) as transaction:
            change(transaction)

    def run(self, name: str, **fields: Any) -> dict[str, Any]:
        self._jobs += 1
        spec = FactorsSpec(market="CN", factor_set=name, **fields)
        context = TaskContext(
            self.settings, self.lake, NULL_REPORTER, f"f{self._jobs}", 1, self.lake.versions(), {}, "code", lambda: None
        )
        return FactorAttempt(spec, context).result()

    def stored(self, result: Mapping[str, Any]) -> pl.DataFrame:
        return self.lake.factors(result["table"])


@pytest.fixture(scope="module")
def real(cn_bars: pl.DataFrame) -> pl.DataFrame:
    """Bars over a turn of the year of names that halt, list late, or pay: those with the most events first."""
    span = cn_bars.filter(pl.col("session").is_between(date(2020, 8, 3), date(2021, 2, 26)))
    events = pl.col("halted").sum() * 10 + (pl.col("factor") != pl.col("factor").shift(1)).sum() - pl.len() / 10
    chosen = span.group_by("instrument").agg(events.alias("events")).sort("events", "instrument").tail(NAMES)
    return span.join(chosen, on="instrument", how="semi").sort(KEY)


@pytest.fixture
def market(settings: Settings, lake: Lake, real: pl.DataFrame) -> Market:
    made = Market(settings, lake, real)
    listed = pl.DataFrame({"instrument": real["instrument"].unique().sort()}).with_columns(
        ticker=pl.col("instrument").str.head(6), kind=pl.lit("stock"), currency=pl.lit("CNY"), lot=100
    )
    days = real["session"].unique().sort()
    newest = listed["instrument"][NAMES // 2]  # joins later
    held = (pl.col("session") < days[-1]) & (pl.col("instrument") != newest)

    def seed(transaction: Any) -> None:
        transaction.upsert("bars", real.filter(held))
        transaction.upsert("instruments", listed.filter(pl.col("instrument") != newest))

    made.write(seed)
    made.days, made.newest, made.listed = days, newest, listed  # type: ignore[attr-defined]
    return made


def _new_session(market: Any) -> None:
    rows = market.bars.filter((pl.col("session") == market.days[-1]) & (pl.col("instrument") != market.newest))
    market.write(lambda t: t.upsert("bars", rows))


def _restated(market: Any) -> None:
    day = market.days[len(market.days) // 2]
    rows = market.lake.bars().filter((pl.col("session") == day) & ~pl.col("halted")).head(1)
    market.write(lambda t: t.upsert("bars", rows.with_columns(pl.col("close", "high") * 1.01)))


def _dividend(market: Any) -> None:
    name = market.lake.bars()["instrument"][0]
    rows = market.lake.bars(instruments=[name], start=market.days[-20])
    market.write(lambda t: t.upsert("bars", rows.with_columns(factor=pl.col("factor") * 1.02)))


def _new_instrument(market: Any) -> None:
    rows = market.bars.filter((pl.col("instrument") == market.newest) & (pl.col("session") < market.days[-1]))

    def write(transaction: Any) -> None:
        transaction.upsert("bars", rows)
        transaction.upsert("instruments", market.listed)

    market.write(write)


def _deleted_row(market: Any) -> None:
    row = market.lake.bars().row(len(market.days) // 3, named=True)
    market.write(lambda t: t.delete("bars", where={"instrument": row["instrument"], "session": row["session"]}))


def _deleted_session(market: Any) -> None:
    market.write(lambda t: t.delete("bars", where={"session": market.days[-30]}))


def _earlier_beginning(market: Any) -> None:
    # one name turns out to have traded long before it halted, with nothing in between
    name = market.lake.bars()["instrument"][-1]
    rows = market.lake.bars(instruments=[name])
    early = rows.head(1).with_columns(session=pl.lit(market.days[0]))
    market.write(lambda t: t.delete("bars", where={"instrument": name}))
    market.write(lambda t: t.upsert("bars", rows.tail(60)))
    for factors in SETS:
        market.run(factors)
    market.write(lambda t: t.upsert("bars", early.drop("year")))


def _no_stock_any_more(market: Any) -> None:
    row = market.lake.instruments().head(1).with_columns(kind=pl.lit("etf"))
    market.write(lambda t: t.upsert("instruments", row))


CHANGES = {
    "new session": _new_session, "restated bar": _restated, "dividend": _dividend, "new instrument": _new_instrument,
    "deleted row": _deleted_row, "deleted session": _deleted_session, "earlier beginning": _earlier_beginning,
    "no stock any more": _no_stock_any_more,
}  # fmt: skip


RARE = ("deleted session", "earlier beginning", "no stock any more")


def assert_same(ours: pl.DataFrame, theirs: pl.DataFrame) -> None:
    """Hold that values agree to the rounding of float32, and are missing in the same places."""
    assert ours.select(KEY).equals(theirs.select(KEY))
    for name in ours.columns[4:]:
        a, b = ours[name].cast(pl.Float64), theirs[name].cast(pl.Float64)
        assert a.is_null().equals(b.is_null()), name
        allowed = 1e-6 * (b.abs() + (b.std() or 0.0))
        assert ((a - b).abs() <= allowed).fill_null(True).all(), name


@pytest.mark.parametrize("change", [pytest.param(c, marks=pytest.mark.soak) if c in RARE else c for c in CHANGES])
def test_update_after_a_change_equals_a_computation_from_nothing(
    market: Market, change: str, settings: Settings
) -> None:
    before = {name: market.stored(market.run(name)) for name in SETS}
    CHANGES[change](market)
    for name in SETS:
        found = market.run(name)
        updated = market.stored(found)
        whole = market.run(name, rebuild=True)
        stored = market.stored(whole)
        assert whole["rows_deleted"] == 0, (name, found, whole)
        assert_same(updated, stored)
        assert not updated.equals(before[name])
        extent = ("rows", "instruments", "start", "end")
        assert {k: found[k] for k in extent} == {k: whole[k] for k in extent}
        if change in ("new session", "restated bar", "deleted row") and name == "windows":
            assert found["mode"] == "update"
            assert found["rows_computed"] <= max(21, NAMES) * 1
