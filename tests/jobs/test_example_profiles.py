"""The profiles of docs/examples read the real data sets they are for; of the large files, some symbols."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jobs.intake import read_submission
from lake import Lake
from qbrain_core.settings import Settings
from qbrain_core.specs import IngestSpec

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"

Read = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def read(
    real_data: Path, settings: Settings, tmp_path: Path, ingest_spec: Callable[[IngestSpec], dict[str, Any]]
) -> Read:
    """Give a function that ingests by a profile, and returns results by the specs' names."""

    def read(profile: str, *names: str, only: dict[str, list[str]] | None = None) -> dict[str, dict[str, Any]]:
        values = {"DATA": str(real_data)}
        specs, _ = read_submission(EXAMPLES / profile / "ingest.yaml", settings=settings, values=values)
        results = {}
        for spec in specs:
            assert isinstance(spec, IngestSpec)
            if not names or spec.name in names:
                results[spec.name] = ingest_spec(_some(spec, only or {}, tmp_path))
        return results

    return read


def _some(spec: IngestSpec, only: dict[str, list[str]], folder: Path) -> IngestSpec:
    if spec.name not in only:
        return spec
    column = spec.columns["instrument"]
    path = folder / Path(spec.path).name
    pl.scan_parquet(spec.path).filter(pl.col(column).is_in(only[spec.name])).collect().write_parquet(path)
    return spec.model_copy(update={"path": str(path)})


def findings(result: dict[str, Any]) -> dict[str, int]:
    return {f["check"]: f["rows"] for f in result["findings"]}


@pytest.mark.soak
def test_us_daily_10y(read: Read, lake: Lake) -> None:
    results = read("us_daily_10y", only={"us-daily-10y": ["AAPL", "DHR", "SPY"]})
    assert results["us-daily-10y"]["rows_quarantined"] <= 1
    kinds = dict(lake.instruments().select("instrument", "kind").iter_rows())
    assert (kinds["SPY.US"], kinds["AAPL.US"]) == ("etf", "stock")
    assert lake.sql("SELECT value FROM corporate_actions WHERE instrument = 'AAPL.US' AND action = 'split'").rows() == [
        (4.0,)
    ]


@pytest.mark.soak
def test_us_daily_5yr(read: Read, lake: Lake) -> None:
    result = read("us_daily_5yr", only={"us-daily-5yr": ["AAPL", "BRK.B", "CHD", "DHR", "LNT"]})["us-daily-5yr"]
    assert result["rows_in"] == 6_279
    assert result["rows_quarantined"] >= 1  # DHR 2016-01-12 has no open
    assert lake.bars(instruments=["BRK.B.US"]).height == 1259


def test_us_reference(read: Read, lake: Lake) -> None:
    read("us_reference")
    assert lake.instrument("MMM.US")["name_en"] == "3M"  # type: ignore[index]
    levels = lake.sql("SELECT level, count(DISTINCT instrument) FROM industries GROUP BY level ORDER BY level").rows()
    assert levels[0][0] == 1
    assert levels[0][1] > 600  # those of 2017 and those of 2026
    since = lake.sql("SELECT start FROM industries WHERE instrument = 'AAPL.US' AND level = 1").rows()
    assert since == [(date(2017, 1, 1),)]
    assert 503 <= len(lake.members("sp500", date(2016, 4, 1))) <= 510
    assert "PCG.US" not in lake.members("sp500_since_1996", date(2020, 1, 2))
    assert "TFX.US" in lake.members("sp500_since_1996", date(2020, 1, 2))


@pytest.mark.soak
def test_us_fundamentals(read: Read, lake: Lake) -> None:
    results = read("us_fundamentals")
    quarterly = results["us-quarterly-reports"]
    assert quarterly["rows_in"] == 65_045
    assert 31_000 < quarterly["rows_written"] < 31_729
    assert findings(quarterly)["repeated_filing"] > 30_000
    assert results["nyse-annual-statements"]["rows_written"] == 1_558
    apple = lake.fundamentals("AAPL.US", known_at=date(2015, 12, 31)).filter(pl.col("item_set") == "annual")
    assert date(2015, 9, 26) in apple["period_end"].to_list()


def test_us_increments(read: Read, lake: Lake) -> None:
    results = read("us_increments")
    prices = {name[-8:]: r for name, r in results.items() if "prices" in name}
    assert len(prices) == 10
    assert all(r["rows_quarantined"] == 0 for r in prices.values())

    def close(instrument: str, session: date, morning: str) -> tuple[float, float]:
        bars = lake.bars(
            instruments=[instrument], start=session, end=session, as_of={"bars": prices[morning]["version"]}
        )
        return bars["close"].item(), bars["factor"].item()

    shen = lake.bars(instruments=["SHEN.US"])
    steps = shen.with_columns(step=pl.col("factor") / pl.col("factor").shift(1)).filter(pl.col("step") > 1.5)
    assert steps.select("session", "step").rows() == [(date(2016, 1, 5), pytest.approx(2.0, rel=1e-3))]
    assert close("SHEN.US", date(2016, 1, 4), "20160104") == close("SHEN.US", date(2016, 1, 4), "20160115")
    # one source corrected itself: the morning's version still says what was known that morning
    assert close("PMV.US", date(2016, 1, 8), "20160108")[0] == pytest.approx(0.54)
    assert close("PMV.US", date(2016, 1, 8), "20160111")[0] == pytest.approx(3.65)
    assert findings(prices["20160111"])["restated_history"] > 0
    reports = results["us-crawled-reports"]
    assert (reports["rows_in"], findings(reports)["empty_delivery"]) == (116, 2)
    assert lake.fundamentals("CAG.US")["known_at"].min() == date(2016, 1, 6)  # from the file without a header


@pytest.mark.soak
def test_us_lean_sample(read: Read, lake: Lake) -> None:
    results = read("us_lean_sample")
    apple = lake.bars(instruments=["AAPL.US"], start=date(2014, 6, 6), end=date(2014, 6, 9))
    assert apple["close"].to_list() == [645.57, 93.7]
    assert apple["factor"][1] / apple["factor"][0] == pytest.approx(7, rel=1e-5)
    spans = lake.sql("SELECT instrument, min(session), max(session) FROM bars GROUP BY ALL").rows()
    span = {name: (first, last) for name, first, last in spans}
    assert span["FB.1.US"] == (date(1999, 9, 29), date(2003, 3, 28))
    assert span["FB.US"][0] == date(2012, 5, 18)
    assert span["USO.US"][0] == date(2006, 4, 10)  # 1998 was somebody else
    assert span["WM.US"] == (date(1998, 1, 2), date(2021, 3, 31))  # as UW, WMI and WM
    assert span["GOOGL.US"][0] == date(2004, 8, 19)  # traded as GOOG until 2014
    assert findings(results["lean-daily"])["out_of_spell"] == results["lean-daily"]["rows_quarantined"]
    first = lake.sql("SELECT min(ts), min(session) FROM bars_intraday WHERE instrument = 'AAPL.US'").row(0)
    assert first == (datetime(2014, 6, 5, 8, 16, tzinfo=UTC), date(2014, 6, 5))
    pairs = lake.sql("SELECT base, quote, count(*) FROM fx_rates GROUP BY ALL ORDER BY ALL").rows()
    assert pairs == [("EUR", "GBP", 3738), ("EUR", "USD", 3738), ("GBP", "USD", 3738), ("NZD", "USD", 3738)]


@pytest.mark.soak
def test_us_minute(read: Read, lake: Lake) -> None:
    results = read("us_minute")
    assert {n: r["rows_written"] for n, r in results.items() if n != "us-minute-names"} == {
        "us-minute-1m": 43_164, "us-minute-15m": 18_518, "us-minute-1d": 6_781,
    }  # fmt: skip
    assert findings(results["us-minute-1m"]).get("wrong_time_zone") is None
    apple = lake.sql(
        "SELECT min(ts), max(ts) FROM bars_intraday WHERE frequency = '1m' AND instrument = 'AAPL.US'"
    ).row(0)
    assert apple == (datetime(2019, 2, 11, 14, 31, tzinfo=UTC), datetime(2019, 2, 15, 21, 0, tzinfo=UTC))
    assert lake.instrument("VIX.US")["kind"] == "index"  # type: ignore[index]


def test_us_dirty_feed(read: Read, lake: Lake) -> None:
    result = read("us_dirty_feed")["us-nightly-feed"]
    lines = dict(
        lake.sql("SELECT source, count(*) FROM quarantine WHERE \"check\" = 'error_body' GROUP BY source").iter_rows()
    )
    assert lines == {
        "BF.B.csv.gz": 1, "BRK.B.csv.gz": 1, "NVDA.csv.gz": 616, "RJF.csv.gz": 638, "TSLA.csv.gz": 652,
        "ZTS.csv.gz": 680,
    }  # fmt: skip
    assert findings(result)["error_body"] == sum(lines.values())
    assert findings(result)["null_row"] == 6
    assert lake.bars(columns=["close"])["instrument"].n_unique() == 9


def test_cn_daily(read: Read, lake: Lake) -> None:
    some = ["sh.600000", "sz.000792", "sh.600519", "sh.601989"]
    results = read("cn_daily", only={"cn-daily-bars": some})
    assert results["cn-daily-bars"]["rows_quarantined"] == 0
    assert results["cn-daily-calendar"]["rows_changed"] == 0  # the calendar knows every one of 3,966 days
    first = lake.bars(instruments=["600000.SH"], start=date(2020, 1, 2), end=date(2020, 1, 2))
    assert first["turnover"].item() == pytest.approx(0.001837)
    assert lake.sql("SELECT pb FROM valuation WHERE instrument = '600000.SH' AND session = '2020-01-02'").item() > 0.7
    salt_lake = lake.sql("SELECT start, \"end\" FROM instrument_status WHERE instrument = '000792.SZ'").rows()
    assert len(salt_lake) == 1
    assert salt_lake[0][0] == date(2020, 1, 2)
    named = lake.sql("SELECT count(*) FROM instrument_status WHERE start = '2026-06-01'").item()
    assert 150 < named <= 241
    assert lake.sql("SELECT count(DISTINCT instrument) FROM industries WHERE scheme = 'tushare'").item() == 5_519
    assert len(lake.members("csi300", date(2025, 4, 7))) == 292
    assert len(lake.members("csi500", date(2026, 5, 29))) == 500
    assert lake.instrument("000300.SH")["kind"] == "index"  # type: ignore[index]


@pytest.mark.soak
def test_cn_qlib_native(read: Read, lake: Lake) -> None:
    assert read("cn_qlib_native")["qlib-bars"]["rows_written"] == 75_866
    maotai = lake.bars(instruments=["600519.SH"], start=date(2020, 1, 2), end=date(2020, 1, 2))
    assert maotai["close"].item() == 1130.0
    assert maotai["factor"].item() > 1


@pytest.mark.soak
def test_crypto_minute(read: Read, lake: Lake) -> None:
    results = read("crypto_minute", only={"crypto-perpetuals": ["NEARUSDT"]})
    assert results["crypto-perpetuals"]["rows_quarantined"] == results["crypto-btc"]["rows_quarantined"] == 0
    near = lake.sql(
        "SELECT min(ts), min(session), max(ts), max(session) FROM bars_intraday WHERE instrument LIKE 'NEAR%'"
    )
    assert near.row(0)[:2] == (datetime(2023, 2, 1, 0, 1, tzinfo=UTC), date(2023, 2, 1))
    assert near.row(0)[2:] == (datetime(2023, 6, 1, tzinfo=UTC), date(2023, 5, 31))


@pytest.mark.soak
def test_benchmarks(read: Read, lake: Lake) -> None:
    results = read("benchmarks")
    assert results["treasury-curve"]["rows_quarantined"] == 0
    ten_years = "SELECT rate FROM interest_rates WHERE tenor = '10Y' AND session = '1990-01-02'"
    assert lake.sql(ten_years).item() == 0.0794
    spans = lake.sql("SELECT instrument, min(session), max(session) FROM bars GROUP BY ALL ORDER BY instrument").rows()
    assert spans == [
        ("BTCUSD.CRYPTO", date(2014, 9, 17), date(2024, 3, 19)), ("SPX.US", date(1990, 1, 2), date(2022, 3, 10)),
        ("SPY.TR.US", date(1993, 1, 29), date(2025, 4, 24)), ("VIX.US", date(1990, 1, 2), date(2026, 7, 23)),
    ]  # fmt: skip
    assert lake.bars(instruments=["SPY.TR.US"])["factor"].unique().to_list() == [1.0]
    assert lake.sql("SELECT count(*) FROM bars_intraday WHERE instrument = 'EURUSD.FX'").item() == 5_000
