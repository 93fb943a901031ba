from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake import Lake
from lake.demo import demo_market
from lake.excerpt import Workshop, excerpt, telling_names
from lake.leakage import check_factor_set
from lake.records import open_records
from lake.records.leakage_reports import find_leakage, keep_leakage
from qbrain_core.errors import InsufficientDataError
from qbrain_core.factors import FactorSet, compute, expression_fields
from qbrain_core.factors.leakage import Outcome
from qbrain_core.settings import Settings

FIELDS = ("open", "high", "low", "close", "volume", "amount", "factor", "halted")
MINE = FactorSet("mine", {"MA5": "Mean($close, 5)/$close", "RANK": "CSRank($volume/Mean($volume, 20))"})


@pytest.fixture
def demo(lake: Lake) -> Lake:
    tables = demo_market(n_instruments=40, end=date(2021, 6, 30))
    with lake.commit("demo", 1) as transaction:
        for name in ("instruments", "universes", "fundamentals", "bars"):
            transaction.upsert(name, tables[name])
    return lake


def honest(small: Lake) -> pl.DataFrame:
    stocks = small.instruments(market="DEMO", kind="stock")["instrument"].to_list()
    return compute(MINE.expressions, expression_fields(small.bars(market="DEMO", instruments=stocks, columns=FIELDS)))


def adjusted_from_the_end(small: Lake) -> pl.DataFrame:
    rows = small.bars(market="DEMO", columns=["close"], adjust="forward")
    return rows.select("instrument", "session", MA5=pl.col("close"), RANK=pl.col("close").rank().over("session"))


def listed_today(small: Lake) -> pl.DataFrame:
    now = small.instruments(market="DEMO", kind="stock").filter(pl.col("delisted").is_null())
    return honest(small).join(now, on="instrument", how="semi")


def test_set_through_the_lake_passes_and_is_kept(demo: Lake, settings: Settings) -> None:
    report = check_factor_set(demo, MINE, honest, market="DEMO", names=8, code_hash="c")
    assert report.findings == ()
    assert [c.name for c in report.checks] == ["static", "lake", "startup", "foresight"]
    assert (report.subject, report.digest, report.market, report.instruments) == ("mine", MINE.digest, "DEMO", 8)
    records = open_records(settings)
    keep_leakage(records, report)
    assert find_leakage(records, MINE.digest) == find_leakage(records, MINE.digest, "DEMO") == report
    assert find_leakage(records, MINE.digest, "US") is None
    assert find_leakage(records, "other") is None


@pytest.mark.parametrize(("path", "code"), [(adjusted_from_the_end, "future_value"), (listed_today, "rows_vanish")])
def test_path_that_knows_the_end_is_found(demo: Lake, path, code: str) -> None:  # type: ignore[no-untyped-def]
    report = check_factor_set(demo, MINE, path, market="DEMO", names=8)
    assert report.outcome is Outcome.FAIL
    (check,) = [c for c in report.checks if c.name == "lake"]
    assert {f.code for f in check.findings} == {code}


def test_names_on_which_a_mistake_would_show_come_first(demo: Lake) -> None:
    names, start = telling_names(demo, "DEMO", 12, sessions=700)
    bars = demo.bars(market="DEMO", start=start)
    spans = bars.group_by("instrument").agg(last=pl.col("session").max(), first=pl.col("session").min())
    gone = spans.filter(pl.col("last") < bars["session"].max())["instrument"]
    halts = bars.filter("halted")["instrument"].value_counts(sort=True)["instrument"]
    assert len(names) == 12
    assert set(names) & set(gone)
    assert set(names) & set(halts.head(3))
    assert bars["session"].n_unique() == 700


def test_small_lake_holds_the_rows_given_and_leaves_the_other_alone(demo: Lake, tmp_path: Path) -> None:
    before = demo.versions()
    frames = excerpt(demo, "DEMO", ["D00001.DEMO", "D00002.DEMO"])
    workshop = Workshop(demo.settings, tmp_path)
    first = workshop.lake(frames)
    second = workshop.lake({name: rows for name, rows in frames.items() if name != "fundamentals"})
    assert first.bars(market="DEMO")["instrument"].unique().sort().to_list() == [
        "D00001.DEMO", "D00002.DEMO", "DEMO300.DEMO",
    ]  # fmt: skip
    assert first.fundamentals("D00001.DEMO").height
    assert second.fundamentals("D00001.DEMO").is_empty()
    assert demo.versions() == before


def test_market_without_stocks_is_refused(demo: Lake) -> None:
    with pytest.raises(InsufficientDataError, match="US has no stock"):
        check_factor_set(demo, MINE, honest, market="US")
