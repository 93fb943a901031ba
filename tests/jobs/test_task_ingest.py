"""Ingest: good rows in, bad rows aside with their reason, nothing twice, nothing forgotten."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake import Lake
from qbrain_core.errors import InvalidInputError

Ingest = Callable[..., dict[str, Any]]


def prices(n: int = 5, start: date = date(2024, 1, 2), symbol: str = "AAPL", **columns: list[Any]) -> pl.DataFrame:
    days = pl.date_range(start, start + timedelta(days=3 * n), "1d", eager=True)
    days = days.filter(days.dt.weekday() < 6).head(n)
    close = [100.0 + i for i in range(n)]
    base = {
        "symbol": [symbol] * n, "date": days, "open": close, "high": [c + 1 for c in close],
        "low": [c - 1 for c in close], "close": close, "volume": [1000] * n,
    }  # fmt: skip
    return pl.DataFrame(base | columns)


def save(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return path


def test_a_clean_file_is_written_whole(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    result = ingest(save(prices(adj_close=[80.0, 80.8, 102.0, 103.0, 104.0]), tmp_path / "a.csv"))
    assert result["rows_in"] == result["rows_written"] == result["rows_changed"] == 5
    assert (result["table"], result["rows_quarantined"], result["findings"]) == ("bars", 0, [])
    bars = lake.bars()
    assert bars["instrument"].unique().to_list() == ["AAPL.US"]
    assert bars["factor"].to_list() == pytest.approx([1, 1, 1.25, 1.25, 1.25])
    assert bars["price_basis"].unique().to_list() == ["raw"]
    assert lake.instrument("AAPL.US")["kind"] == "stock"  # type: ignore[index]
    assert lake.sql("SELECT action, factor_step FROM corporate_actions").rows() == [("adjustment", pytest.approx(1.25))]
    json.dumps(result)


def test_the_same_file_again_changes_nothing(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    path = save(prices(adj_close=[50.0, 50.5, 102.0, 103.0, 104.0], extra=[0] * 5), tmp_path / "a.parquet")
    first, before = ingest(path), lake.versions()
    second, after = ingest(path), lake.versions()
    assert second["version"] == first["version"]
    assert second["rows_changed"] == 0
    changed = {t for t in after if after[t] != before[t]}
    assert changed <= {"deliveries", "findings", "quarantine"}


def test_bad_rows_are_set_aside_with_their_reason(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    lines = [
        "symbol,date,open,high,low,close,volume,vwap",
        "AAPL,2024-01-02,10,11,9,10,100,1",
        "AAPL,2024-01-03,10,9,9,10,100,1",
        "AAPL,2024-01-04,,11,9,10,100,1",
        "AAPL,yesterday,10,11,9,10,100,1",
        "AAPL,2024-01-05,10,11,9,ten,100,1",
        "AAPL,2024-01-08,10,11,9,10,100,1",
        "AAPL,2024-01-08,10,11,9,10,200,1",
        "AAPL,2024-01-09,10,11,9,10,100,1",
        "AAPL,2024-01-09,10,11,9,10,100,1",
        "404 Not Found!,2024-01-09,10,11,9,10,100,1",
        "AAPL,2024-01-10,0,11,0,10,100,1",
    ]
    path = tmp_path / "dirty.csv"
    path.write_text("\n".join(lines) + "\n")
    result = ingest(path)
    assert (result["rows_in"], result["rows_written"], result["rows_quarantined"]) == (11, 2, 8)
    rows = {f["check"]: (f["severity"], f["rows"]) for f in result["findings"]}
    assert rows == {
        "unknown_columns": ("warning", 11), "ohlc_order": ("error", 1), "null_price": ("error", 1),
        "unreadable_session": ("error", 1), "unreadable_value": ("error", 1), "conflicting_duplicate": ("error", 2),
        "repeated_row": ("warning", 1), "unknown_instrument": ("error", 1), "price_not_positive": ("error", 1),
        "missing_session": ("warning", 4), "odd_dates": ("warning", 1),
    }  # fmt: skip
    kept = lake.sql('SELECT row, "check", content FROM quarantine ORDER BY row')
    assert kept["row"].to_list() == [2, 3, 4, 5, 6, 7, 10, 11]
    assert json.loads(kept["content"][3])["close"] == "ten"
    assert lake.sql("SELECT count(*) FROM findings").item() == len(rows)


def test_a_file_with_nothing_usable_writes_nothing(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    before = lake.versions()
    path = save(prices(close=[None] * 5), tmp_path / "a.parquet")
    with pytest.raises(
        InvalidInputError, match=r"none of its 5 rows can be used \(null_price 5\); nothing was written"
    ):
        ingest(path)
    assert lake.versions() == before


def test_columns_are_mapped_and_halts_kept(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    frame = prices(3, symbol="sh.600519", tradestatus=[1, 0, 1], isST=[0, 0, 1], volume=[5, None, 7]).rename(
        {"date": "day0"}
    )
    columns = {"instrument": "symbol", "session": "day0", "trading": "tradestatus", "special_treatment": "isST"}
    ingest(save(frame, tmp_path / "a.parquet"), market="CN", columns=columns)
    bars = lake.bars()
    assert bars["halted"].to_list() == [False, True, False]
    assert bars["volume"].to_list() == [5.0, 0.0, 7.0]
    assert bars["special_treatment"].to_list() == [False, False, True]
    assert bars["limit_up"].to_list() == [None, 110.0, 106.05]


def test_an_index_has_no_limits_and_keeps_its_kind(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    path = save(prices(3, symbol="SH000300"), tmp_path / "a.parquet")
    ingest(path, market="CN", instrument_kind="index")
    ingest(path, market="CN")
    assert lake.bars()["limit_up"].null_count() == 3
    assert lake.instrument("000300.SH")["kind"] == "index"  # type: ignore[index]


def test_a_later_file_goes_on_where_the_first_ended(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    # the vendor has restated its adjusted close after a dividend on the sixth session; history must not be rewritten
    whole = prices(8)
    adjusted = whole["close"].to_list()
    first = whole.head(5).with_columns(
        adj_close=pl.Series([a * (0.9 if i < 2 else 1.0) for i, a in enumerate(adjusted[:5])])
    )
    later = whole.tail(5).with_columns(
        adj_close=pl.Series([a * (0.95 if i < 5 else 1.0) for i, a in enumerate(adjusted)][3:])
    )
    ingest(save(first, tmp_path / "a.parquet"))
    result = ingest(save(later, tmp_path / "b.parquet"))
    assert result["rows_changed"] == 3
    factor = lake.bars()["factor"].to_list()
    assert factor == pytest.approx([1, 1, *[1 / 0.9] * 3, *[1 / 0.9 / 0.95] * 3])


def test_a_later_file_without_overlap_carries_the_factor_on(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    whole = prices(6, symbol="600519", preclose=[99.0, 100.0, 50.5, 102.0, 51.5, 104.0])
    for number, part in enumerate((whole.head(3), whole.tail(3))):
        ingest(save(part, tmp_path / f"{number}.parquet"), market="CN")
    steps = [1.0, 1.0, 101 / 50.5, 1.0, 103 / 51.5, 1.0]
    expected = [steps[0], 1.0, 2.0, 2.0, 4.0, 4.0]
    assert lake.bars()["factor"].to_list() == pytest.approx(expected)
    assert lake.bars()["limit_up"].to_list()[3] == 112.2  # from the last close of the first file


def test_a_daily_file_that_begins_on_an_ex_date_keeps_its_step(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    # a crawler's batches hold the newest session and the one before, adjusted as of that day
    whole = prices(4, dividends=[0.0, 0.0, 10.2, 0.0])
    closes = whole["close"].to_list()
    for day in range(1, 4):
        adjusted = [closes[day - 1] * (0.9 if day == 2 else 1.0), closes[day]]
        batch = whole.slice(day - 1, 2).with_columns(adj_close=pl.Series(adjusted))
        result = ingest(save(batch, tmp_path / f"{day}.parquet"))
    assert "no_overlap" not in {f["check"] for f in result["findings"]}
    assert lake.bars()["factor"].to_list() == pytest.approx([1.0, 1.0, 1 / 0.9, 1 / 0.9])
    assert lake.sql("SELECT factor_step FROM corporate_actions").item() == pytest.approx(1 / 0.9)


def test_an_adjusted_close_without_overlap_is_told(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    whole = prices(4, adj_close=[100.0, 101.0, 102.0, 103.0])
    ingest(save(whole.head(2), tmp_path / "a.parquet"))
    found = {f["check"]: f for f in ingest(save(whole.tail(2), tmp_path / "b.parquet"))["findings"]}
    assert found["no_overlap"]["rows"] == 1
    assert found["no_overlap"]["examples"][0]["session"] == str(whole["date"][2])


def test_an_older_file_moves_the_first_bar(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    whole = prices(6, adj_close=[25.0, 50.5, 51.0, 103.0, 104.0, 105.0])
    ingest(save(whole.tail(4), tmp_path / "a.parquet"))
    assert lake.bars()["factor"].to_list() == pytest.approx([1.0, 2.0, 2.0, 2.0])
    ingest(save(whole.head(4), tmp_path / "b.parquet"))
    assert lake.bars()["factor"].to_list() == pytest.approx([1.0, 2.0, 2.0, 4.0, 4.0, 4.0])


def test_instruments_keep_what_the_new_file_does_not_bring(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    names = pl.DataFrame({"Symbol": ["BRK.B", "AAPL", "AAPL", "?!"], "Security": ["Berkshire", "Apple", "Apple", "x"]})
    result = ingest(
        save(names, tmp_path / "a.csv"), table="instruments", columns={"instrument": "Symbol", "name": "Security"}
    )
    assert (result["rows_written"], result["rows_quarantined"]) == (2, 1)
    sectors = pl.DataFrame({"symbol": ["BRK-B"], "sector": ["Financials"]})
    ingest(save(sectors, tmp_path / "b.csv"), table="instruments")
    berkshire = lake.instrument("BRK.B.US")
    assert berkshire is not None
    assert (berkshire["name_en"], berkshire["sector"]) == ("Berkshire", "Financials")
    ingest(save(prices(symbol="BRK/B"), tmp_path / "c.csv"))
    assert lake.instrument("BRK.B.US") == berkshire


def test_universes_are_replaced_whole(tmp_path: Path, ingest: Ingest, lake: Lake) -> None:
    months = [date(2024, m, 1) for m in (1, 2, 3)]
    seen = pl.DataFrame({"symbol": ["A", "A", "B", "B"], "as_of": [months[0], months[1], months[1], months[2]]})
    ingest(save(seen, tmp_path / "a.csv"), table="universes", universe="u")
    assert lake.universe("u").select("instrument", "start", "end").rows() == [
        ("A.US", date(2024, 1, 1), date(2024, 2, 29)), ("B.US", date(2024, 2, 1), None),
    ]  # fmt: skip
    ingest(save(seen.filter(pl.col("symbol") == "B"), tmp_path / "b.csv"), table="universes", universe="u")
    assert lake.universe("u")["instrument"].to_list() == ["B.US"]
    with pytest.raises(InvalidInputError, match="as_of"):
        ingest(save(seen.select("symbol"), tmp_path / "c.csv"), table="universes", universe="u")


def test_adjustments_without_a_usable_row_are_refused(tmp_path: Path, ingest: Ingest) -> None:
    factors = pl.DataFrame({"symbol": ["?"], "date": [date(2024, 1, 2)], "factor": [1.0]})
    adjustments = {"path": str(save(factors, tmp_path / "f.csv"))}
    with pytest.raises(InvalidInputError, match=r"adjustments\.path"):
        ingest(save(prices(), tmp_path / "a.csv"), adjustments=adjustments)


@pytest.mark.real
@pytest.mark.soak
def test_ten_years_of_us_bars(real_data: Path, ingest: Ingest, lake: Lake) -> None:
    result = ingest(
        real_data / "us_daily_10y" / "us_daily_10y.parquet", price_basis="split_adjusted",
        columns={"instrument": "symbol", "session": "date", "adj_close": "adj_close", "splits": "stock_splits"},
    )  # fmt: skip
    assert (result["rows_in"], result["rows_written"], result["rows_quarantined"]) == (1_237_981, 1_237_971, 10)
    rows = {f["check"]: f["rows"] for f in result["findings"]}
    assert {c: rows[c] for c in ("zero_volume", "double_booking")} == {"zero_volume": 1813, "double_booking": 1}
    actions = dict(lake.sql("SELECT action, count(*) FROM corporate_actions GROUP BY action").iter_rows())
    assert actions == {"dividend": 15_443, "split": 131}


@pytest.mark.real
def test_five_years_of_a_shares(real_data: Path, ingest: Ingest, lake: Lake) -> None:
    folder = real_data / "cn_daily"
    names = {"instrument": "ts_code", "listed": "list_date", "pinyin": "cnspell"}
    ingest(folder / "stock_basic.csv", market="CN", table="instruments", columns=names, extra_columns="ignore")
    result = ingest(
        folder / "csi300_daily_raw.parquet", market="CN", extra_columns="ignore",
        adjustments={"path": str(folder / "adj_factor_changes.parquet")},
    )  # fmt: skip
    assert (result["rows_in"], result["rows_written"]) == (369_338, 369_338)
    rows = {f["check"]: f["rows"] for f in result["findings"]}
    assert {c: rows[c] for c in ("contradicted_factor", "no_factor")} == {"contradicted_factor": 7, "no_factor": 1}
    assert lake.sql("SELECT count(*) FROM bars WHERE halted").item() == 712
    assert lake.sql("SELECT count(*) FROM corporate_actions").item() == 1552
    assert lake.instrument("000002.SZ")["name_zh"] == "万科Ａ"  # type: ignore[index]


@pytest.mark.real
def test_a_feed_that_went_wrong(real_data: Path, ingest: Ingest) -> None:
    result = ingest(real_data / "us_dirty_feed" / "NVDA.csv.gz", columns={"instrument": "=NVDA"})
    rows = {f["check"]: f["rows"] for f in result["findings"]}
    assert (rows["error_body"], rows["null_row"]) == (616, 1)
    with pytest.raises(InvalidInputError, match="bars need"):
        ingest(real_data / "us_dirty_feed" / "BRK.B.csv.gz", columns={"instrument": "=BRK.B"})
