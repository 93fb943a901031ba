"""Ingest of every other table than bars' own, from files laid out as sources lay them out."""

import gzip
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake import Lake
from qbrain_core.errors import InvalidInputError

Ingest = Callable[..., dict[str, Any]]

LEAN = {"open": "column_2", "high": "column_3", "low": "column_4", "close": "column_5", "volume": "column_6"}


def text(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = ("\n".join(lines) + "\n").encode()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{path.stem}.csv", data)
    else:
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def found(result: dict[str, Any]) -> dict[str, int]:
    return {f["check"]: f["rows"] for f in result["findings"]}


def test_minutes_in_new_york_newest_first(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    path = tmp_path / "minutes.parquet"
    clock = [datetime(2019, 2, 15, 9, 33), datetime(2019, 2, 15, 9, 32), datetime(2019, 2, 15, 9, 31)]
    price = [170.3, 170.2, 170.1]
    pl.DataFrame(
        {"symbol": ["AAPL"] * 3, "datetime": clock, "open": price, "high": price, "low": price, "close": price,
         "volume": [1, 2, 3]}
    ).write_parquet(path)  # fmt: skip
    time = {"frequency": "1m", "zone": "America/New_York"}
    result = ingest(path, table="bars_intraday", time=time)
    assert result["rows_written"] == 3
    rows = lake.sql("SELECT ts, session, close, frequency, market, month FROM bars_intraday ORDER BY ts").rows()
    assert rows[0] == (datetime(2019, 2, 15, 14, 31, tzinfo=UTC), date(2019, 2, 15), 170.1, "1m", "US", "2019-02")
    assert lake.instrument("AAPL.US") is not None
    assert ingest(path, table="bars_intraday", time=time)["rows_changed"] == 0


def test_milliseconds_of_the_day_that_the_name_says(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    for day, open_ms in (("20140605", 34200000), ("20140606", 34260000)):
        text(tmp_path / "aapl" / f"{day}_trade.zip", f"{open_ms},6448000,6448100,6447900,6448000,90")
    result = ingest(
        tmp_path / "{instrument}" / "{session}_trade.zip", table="bars_intraday", header=False,
        columns={"ts": "column_1", **LEAN}, scale={"price": 0.0001},
        time={"frequency": "1m", "unit": "ms_of_day", "zone": "America/New_York", "label": "start"},
    )  # fmt: skip
    assert result["rows_written"] == 2
    assert lake.sql("SELECT instrument, ts, session, open FROM bars_intraday ORDER BY ts").rows() == [
        ("AAPL.US", datetime(2014, 6, 5, 13, 31, tzinfo=UTC), date(2014, 6, 5), 644.8),
        ("AAPL.US", datetime(2014, 6, 6, 13, 32, tzinfo=UTC), date(2014, 6, 6), 644.8),
    ]
    with pytest.raises(InvalidInputError, match="a column or part of the path, session"):
        ingest(
            tmp_path / "{instrument}" / "*_trade.zip", table="bars_intraday", header=False,
            columns={"ts": "column_1", **LEAN}, time={"frequency": "1m", "unit": "ms_of_day"},
        )  # fmt: skip


def test_crypto_days_are_utc(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    path = text(
        tmp_path / "perp.csv", "symbol,open_time,open,high,low,close,volume",
        "FILUSDT,1675209600000,5.2,5.3,5.1,5.2,10", "FILUSDT,1675295940000,5.2,5.3,5.1,5.2,10",
    )  # fmt: skip
    time = {"frequency": "1m", "unit": "ms", "label": "start"}
    ingest(path, table="bars_intraday", market="CRYPTO", instrument_kind="currency", time=time)
    assert lake.sql("SELECT instrument, ts, session FROM bars_intraday ORDER BY ts").rows() == [
        ("FILUSDT.CRYPTO", datetime(2023, 2, 1, 0, 1, tzinfo=UTC), date(2023, 2, 1)),
        ("FILUSDT.CRYPTO", datetime(2023, 2, 2, 0, 0, tzinfo=UTC), date(2023, 2, 1)),
    ]
    assert lake.instrument("FILUSDT.CRYPTO")["kind"] == "currency"  # type: ignore[index]


def test_intraday_files_must_say_what_their_times_are(tmp_path: Path, ingest: Ingest) -> None:
    with pytest.raises(InvalidInputError, match="time must say"):
        ingest(tmp_path / "a.csv", table="bars_intraday")
    with pytest.raises(InvalidInputError, match="no such time zone"):
        ingest(tmp_path / "a.csv", table="bars_intraday", time={"frequency": "1m", "zone": "New York"})


REPORTS = "symbol,end_date,amend,period_focus,doc_type,revenues,assets"


def test_reports_of_several_mornings(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    text(tmp_path / "20160104.csv", "")
    text(tmp_path / "20160106.csv", "CAG,2015-11-29,False,Q2,10-Q,3.0,16.0")  # no header
    text(
        tmp_path / "20160107.csv",
        REPORTS,
        "CAG,2015-11-29,False,Q2,10-Q,3.0,16.0",
        "CAG,2015-11-29,True,Q2,10-Q/A,4.0,",
    )
    columns = {"period_end": "end_date", "amended": "amend", "fiscal_period": "period_focus", "form": "doc_type",
               "revenue": "revenues"}  # fmt: skip
    result = ingest(
        tmp_path / "{known_at}.csv", table="fundamentals", columns=columns, names=REPORTS.split(","),
    )  # fmt: skip
    assert (result["rows_in"], result["rows_written"]) == (3, 2)
    assert (found(result)["repeated_filing"], found(result)["empty_delivery"]) == (1, 1)
    before = lake.fundamentals("CAG.US", known_at=date(2016, 1, 6))
    assert before.select("revenue", "item_set", "amended").rows() == [(3.0, "quarterly", False)]
    assert lake.fundamentals("CAG.US", known_at=date(2016, 1, 7))["revenue"].to_list() == [4.0]


def test_a_batch_that_says_nothing_new(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    for day in ("20160107", "20160108"):
        text(tmp_path / f"{day}.csv", REPORTS, "CAG,2015-11-29,False,Q2,10-Q,3.0,16.0")
    fields: dict[str, Any] = {"table": "fundamentals", "extra_columns": "ignore"}
    columns = {"period_end": "end_date", "fiscal_period": "period_focus", "revenue": "revenues"}
    ingest(tmp_path / "20160107.csv", columns=columns | {"known_at": "=2016-01-07"}, **fields)
    result = ingest(tmp_path / "20160108.csv", columns=columns | {"known_at": "=2016-01-08"}, **fields)
    assert (result["rows_written"], result["rows_changed"], found(result)["repeated_filing"]) == (0, 0, 1)
    assert lake.fundamentals("CAG.US")["known_at"].to_list() == [date(2016, 1, 7)]


def test_statements_without_a_filing_date_need_an_assumption(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    path = text(tmp_path / "annual.csv", "Ticker Symbol,Period Ending,Total Revenue", "AAL,12/31/2012,24855000000")
    fields: dict[str, Any] = {
        "table": "fundamentals",
        "columns": {"instrument": "Ticker Symbol", "item_set": "=annual", "revenue": "Total Revenue"},
    }
    before = lake.versions()
    with pytest.raises(InvalidInputError, match="known_after_days"):
        ingest(path, **fields)
    assert lake.versions() == before
    ingest(path, known_after_days=90, **fields)
    assert lake.fundamentals("AAL.US")["known_at"].to_list() == [date(2013, 3, 31)]


def test_a_yield_curve_side_by_side(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    path = text(
        tmp_path / "curve.csv.gz", "Time Period,3month,10year", "1990-01-02 00:00:00+00:00,0.0783,0.0794",
        "1990-01-03 00:00:00+00:00,,0.0799",
    )  # fmt: skip
    result = ingest(
        path, table="interest_rates", unpivot={"3month": "3M", "10year": "10Y"},
        columns={"series": "=us_treasury", "session": "Time Period"},
    )  # fmt: skip
    assert result["rows_written"] == 3  # a tenor that was not issued has no row
    assert lake.sql("SELECT tenor, session, rate FROM interest_rates ORDER BY session, tenor").rows() == [
        ("10Y", date(1990, 1, 2), 0.0794), ("3M", date(1990, 1, 2), 0.0783), ("10Y", date(1990, 1, 3), 0.0799),
    ]  # fmt: skip
    with pytest.raises(InvalidInputError, match=r"unpivot is '5year'.*no such column"):
        ingest(path, table="interest_rates", unpivot={"5year": "5Y"}, columns={"series": "=us_treasury"})


def test_returns_of_factors(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    path = text(tmp_path / "ff.csv", "date,Mkt-RF,SMB", "20240102,-0.70,0.10")
    ingest(
        path, table="factor_returns", unpivot={"Mkt-RF": "market", "SMB": "smb"}, columns={"model": "=ff3"},
        scale={"value": 0.01},
    )  # fmt: skip
    rows = lake.sql("SELECT model, factor, value FROM factor_returns ORDER BY factor").rows()
    assert rows == [("ff3", "market", pytest.approx(-0.007)), ("ff3", "smb", 0.001)]


def test_currencies_by_the_middle_of_bid_and_ask(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    text(tmp_path / "eurusd.zip", "20070101 00:00,1.3,1.3,1.3,1.25,0,1.4,1.4,1.4,1.75,0")
    columns = {"session": "column_1", "rate": "column_5", "ask": "column_10"}
    ingest(
        tmp_path / "{pair}.zip", table="fx_rates", market="FX", header=False, columns=columns, extra_columns="ignore"
    )
    assert lake.sql("SELECT base, quote, session, rate FROM fx_rates").rows() == [("EUR", "USD", date(2007, 1, 1), 1.5)]


def test_industries_side_by_side_and_on_a_day(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    fields: dict[str, Any] = {
        "table": "industries", "columns": {"scheme": "=gics", "instrument": "Symbol"},
        "unpivot": {"Sector": "1", "Sub": "2"},
    }  # fmt: skip
    old = text(tmp_path / "2017.csv", "Symbol,Sector,Sub", "MMM,Industrials,Tools")
    new = text(tmp_path / "2026.csv", "Symbol,Sector,Sub", "MMM,Industrials,Conglomerates")
    with pytest.raises(InvalidInputError, match="the day that the file describes"):
        ingest(old, **fields)
    ingest(old, as_of="2017-01-01", **fields)
    ingest(new, as_of="2026-08-01", **fields)
    assert lake.sql('SELECT level, industry, start, "end" FROM industries ORDER BY level, start').rows() == [
        (1, "Industrials", date(2017, 1, 1), None), (2, "Tools", date(2017, 1, 1), date(2026, 7, 31)),
        (2, "Conglomerates", date(2026, 8, 1), None),
    ]  # fmt: skip


def test_lean_symbols_put_each_session_on_its_company(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    text(tmp_path / "map" / "fb.1.csv", "19990929,fb", "20030328,fb")
    text(tmp_path / "map" / "fb.csv", "20120518,fb,Q", "20501231,fb,Q")
    ingest(
        tmp_path / "map" / "{instrument}.csv", table="symbol_history", header=False,
        columns={"until": "column_1", "traded_as": "column_2"}, extra_columns="ignore",
    )  # fmt: skip
    days = ("20030327", "20030401", "20200828", "20200831")
    text(tmp_path / "daily" / "fb.zip", *(f"{d} 00:00,{p},{p},{p},{p},100" for d, p in zip(days, (9e4, 9e4, 4e6, 1e6))))  # noqa: B905
    text(tmp_path / "factors" / "fb.csv", "20120518,0.5,0.25,1", "20200828,0.5,0.25,400", "20501231,1,1,0")
    result = ingest(
        tmp_path / "daily" / "{instrument}.zip", header=False, columns={"session": "column_1", **LEAN},
        scale={"price": 0.0001}, resolve_symbols=True,
        adjustments={
            "path": str(tmp_path / "factors" / "{instrument}.csv"), "header": False,
            "columns": {"until": "column_1", "factor": "column_2", "split_factor": "column_3"},
        },
    )  # fmt: skip
    assert (found(result)["out_of_spell"], result["rows_quarantined"]) == (1, 1)  # nobody was FB in April 2003
    bars = lake.sql("SELECT instrument, session, close, factor FROM bars ORDER BY session").rows()
    assert [row[0] for row in bars] == ["FB.1.US", "FB.US", "FB.US"]
    assert [row[2:] for row in bars] == [(9.0, 1.0), (400.0, 1.0), (100.0, pytest.approx(8.0))]


def test_statuses_valuations_and_events_of_their_own(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    status = text(tmp_path / "s.csv", "code,status,start,end", "600000,suspended,2024-01-02,2024-01-05")
    ingest(status, market="CN", table="instrument_status")
    assert lake.sql("SELECT instrument, status FROM instrument_status").rows() == [("600000.SH", "suspended")]
    value = text(tmp_path / "v.csv", "code,date,peTTM,pbMRQ", "600000,2024-01-02,5.5,0.4")
    ingest(value, market="CN", table="valuation")
    assert lake.sql("SELECT pe_ttm, pb, market FROM valuation").rows() == [(5.5, 0.4, "CN")]
    event = text(tmp_path / "e.csv", "symbol,ex_date,action,value", "AAPL,2024-02-09,Dividend,0.24")
    ingest(event, table="corporate_actions")
    assert lake.sql("SELECT action, value, factor_step FROM corporate_actions").rows() == [("dividend", 0.24, None)]


def test_bars_bring_statuses_valuations_and_turnover_along(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    def bars(name: str, days: list[int], st: list[int]) -> Path:
        rows = [f"sh.600000,2024-01-{d:02},10,10,10,10,100,0.5,0.4,{s}" for d, s in zip(days, st, strict=True)]
        return text(tmp_path / name, "code,date,open,high,low,close,volume,turn,pbMRQ,isST", *rows)

    fields: dict[str, Any] = {"market": "CN", "columns": {"turnover": "turn"}, "scale": {"turnover": 0.01}}
    ingest(bars("a.csv", [2, 3, 4], [0, 1, 1]), **fields)
    spells = 'SELECT instrument, start, "end" FROM instrument_status ORDER BY start'
    assert lake.sql(spells).rows() == [("600000.SH", date(2024, 1, 3), None)]
    assert lake.bars()["turnover"].to_list() == [0.005] * 3
    assert lake.sql("SELECT pb FROM valuation").rows() == [(0.4,)] * 3
    ingest(bars("b.csv", [5, 8], [0, 0]), **fields)
    assert lake.sql(spells).rows() == [("600000.SH", date(2024, 1, 3), date(2024, 1, 4))]
    ingest(bars("c.csv", [4], [0]), **fields)  # the source corrects itself
    assert lake.sql(spells).rows() == [("600000.SH", date(2024, 1, 3), date(2024, 1, 3))]


def test_names_that_say_st_on_the_day_of_the_file(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    names = text(tmp_path / "n.csv", "ts_code,name", "600000.SH,*ST浦发", "600001.SH,邯郸钢铁")
    ingest(names, market="CN", table="instruments", columns={"instrument": "ts_code"}, as_of="2026-06-01")
    assert lake.sql("SELECT instrument, status, start FROM instrument_status").rows() == [
        ("600000.SH", "st", date(2026, 6, 1))
    ]
    prices = text(tmp_path / "p.csv", "code,date,open,high,low,close,isST", "600000,2024-01-02,1,1,1,1,1")
    ingest(prices, market="CN")
    rows = lake.sql("SELECT start FROM instrument_status ORDER BY start").rows()
    assert rows == [(date(2024, 1, 2),), (date(2026, 6, 1),)]  # bars of 2024 say nothing of 2026


def test_changes_of_members_move_the_spells(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    spells = text(tmp_path / "s.csv", "ticker,start_date,end_date", "PCG,2005-01-03,", "AAL,2015-03-23,2024-09-23")
    ingest(spells, table="universes", universe="u")
    changes = text(tmp_path / "c.csv", "date,add,remove", '2019-01-18,"TFX","PCG"', '2024-09-23,"PLTR, DELL","AAL"')
    fields: dict[str, Any] = {"table": "universes", "universe": "u"}
    columns = {"as_of": "date", "added": "add", "removed": "remove"}
    ingest(changes, columns=columns, **fields)
    expected = [
        ("AAL.US", date(2015, 3, 23), date(2024, 9, 22)), ("DELL.US", date(2024, 9, 23), None),
        ("PCG.US", date(2005, 1, 3), date(2019, 1, 17)), ("PLTR.US", date(2024, 9, 23), None),
        ("TFX.US", date(2019, 1, 18), None),
    ]  # fmt: skip
    assert lake.universe("u").select("instrument", "start", "end").rows() == expected
    assert ingest(changes, columns=columns, **fields)["rows_changed"] == 0


def test_one_day_of_a_calendar(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    path = text(tmp_path / "o.csv", "date,is_open,reason", "2024-02-09,0,eve of the spring festival")
    ingest(path, market="CN", table="calendar_overrides")
    assert lake.sql("SELECT market, session, is_open, reason FROM calendar_overrides").rows() == [
        ("CN", date(2024, 2, 9), False, "eve of the spring festival")
    ]


FEED = "Date,Open,High,Low,Close,Adj Close,Volume"


def test_a_folder_of_files_some_of_which_are_error_pages(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    text(tmp_path / "AAPL.csv.gz", FEED, "2024-01-02,1,1,1,1,1,5", FEED, "2024-01-03,null,null,null,null,null,null")
    text(tmp_path / "TSLA.csv.gz", "{", '  "error": {', "}", "2024-01-02,2,2,2,2,2,5")
    text(tmp_path / "BRK.B.csv.gz", "404 Not Found: No data found, symbol may be delisted")
    fields: dict[str, Any] = {"names": FEED.split(","), "extra_columns": "ignore"}
    result = ingest(tmp_path / "{instrument}.csv.gz", **fields)
    assert {c: found(result)[c] for c in ("error_body", "repeated_header", "null_row")} == {
        "error_body": 4, "repeated_header": 1, "null_row": 1,
    }  # fmt: skip
    assert lake.bars().select("instrument", "close").rows() == [("AAPL.US", 1.0), ("TSLA.US", 2.0)]
    kept = lake.sql('SELECT source, "check", content FROM quarantine ORDER BY row').rows()
    assert kept[0][:2] == ("AAPL.csv.gz", "repeated_header")
    assert json.loads(kept[0][2]) == {"line": "3", "text": FEED}
    assert {row[0] for row in kept if row[1] == "error_body"} == {"BRK.B.csv.gz", "TSLA.csv.gz"}
    with pytest.raises(
        InvalidInputError, match=r"none of its 1 rows can be used \(error_body 1\); nothing was written"
    ):
        ingest(tmp_path / "BRK.B.csv.gz", columns={"instrument": "=BRK.B"}, **fields)


def test_deliveries_one_after_another_show_each_mornings_state(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    # a drop holds two sessions, newest first, adjusted as of its morning: 2:1 before the 5th, and the 4th is corrected
    drops = {"0104": ((41.28, 41.28), (43.05, 43.05)), "0105": ((20.6, 20.6), (41.28, 20.64)),
             "0106": ((20.8, 20.8), (20.5, 20.5))}  # fmt: skip
    days = {"0104": (4, 3), "0105": (5, 4), "0106": (8, 5)}
    versions = []
    for name, rows in drops.items():
        lines = [f"SHEN,2024-01-{day:02},{c},{c},{c},{c},100,{a}" for day, (c, a) in zip(days[name], rows, strict=True)]
        path = text(tmp_path / f"prices-2024{name}.csv", "symbol,date,open,high,low,close,volume,adj_close", *lines)
        versions.append(ingest(path)["version"])
    assert lake.bars()["factor"].to_list() == pytest.approx([1, 1, 2, 2])
    closes = [lake.bars(as_of={"bars": v}).select("session", "close").rows() for v in versions]
    assert closes[1][-1] == (date(2024, 1, 5), 20.6)
    assert closes[2][-2:] == [(date(2024, 1, 5), 20.5), (date(2024, 1, 8), 20.8)]
    sources = lake.sql("SELECT DISTINCT source FROM deliveries").rows()
    assert sources == [("prices",)]


def test_bars_of_two_bases_do_not_mix(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    def bars(name: str, *days: int) -> Path:
        rows = [f"{s},2024-01-{d:02},1,1,1,1,5" for s in ("AAPL", "MSFT") for d in days if s == "AAPL" or d > 3]
        return text(tmp_path / name, "symbol,date,open,high,low,close,volume", *rows)

    ingest(bars("a.csv", 2, 3), price_basis="split_adjusted")
    result = ingest(bars("b.csv", 3, 4))
    assert (found(result)["other_basis"], result["rows_written"]) == (2, 1)  # MSFT was not there before
    assert lake.bars(instruments=["AAPL.US"])["price_basis"].to_list() == ["split_adjusted"] * 2
    with pytest.raises(InvalidInputError, match=r"other_basis 1"):
        ingest(text(tmp_path / "c.csv", "symbol,date,open,high,low,close", "AAPL,2024-01-05,1,1,1,1"))
    assert "other_basis" not in found(ingest(bars("d.csv", 2, 3, 4)))  # a file that brings them all anew may
    assert lake.bars(instruments=["AAPL.US"])["price_basis"].to_list() == ["raw"] * 3
