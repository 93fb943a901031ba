"""What is kept of a delivery, to compare the next one with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.tasks.ingest.delivery import source_name
from lake import Lake
from qbrain_core.specs import IngestSpec


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("us-crawled-prices-20160104", "x.csv", "us-crawled-prices"),
        ("", "prices/20160104.parquet", "20160104"),
        ("", "btc_perp_1m_2022-01.csv.gz", "btc_perp_1m"),
        ("", "daily/2016-01-04_prices.csv", "prices"),
        ("", "csi300_daily_raw.parquet", "csi300_daily_raw"),
        ("nightly feed", "a/{instrument}.csv", "nightly feed"),
    ],
)
def test_a_source_keeps_its_name_from_day_to_day(name: str, path: str, expected: str) -> None:
    assert source_name(IngestSpec(name=name, path=path, market="US")) == expected


def test_a_delivery_is_kept_with_its_looks(tmp_path: Path, ingest: Callable[..., dict[str, Any]], lake: Lake) -> None:
    path = tmp_path / "spx_20240103.csv"
    lines = ["date,symbol,open,high,low,close", "1/3/2024,SPX,2,2,2,2", "1/2/2024,SPX,1,1,1,1", "1/1/2024,SPX,,1,1,1"]
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode())
    ingest(path)
    kept = lake.sql("SELECT * FROM deliveries").row(0, named=True)
    assert (kept["source"], kept["table"], kept["market"]) == ("spx", "bars", "US")
    assert (kept["rows"], kept["rows_written"], kept["rows_quarantined"], kept["instruments"]) == (3, 2, 1, 1)
    assert (str(kept["session_from"]), str(kept["session_to"])) == ("2024-01-01", "2024-01-03")
    assert list(json.loads(kept["columns"])) == ["date", "symbol", "open", "high", "low", "close"]
    traits = json.loads(kept["traits"])
    assert (traits["bom"], traits["newest_first"], traits["date_forms"]) == (True, True, ["M/D/YYYY"])
