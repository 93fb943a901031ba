import io
import json
import zipfile
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pyarrow as pa
import pytest

from lake import export as module
from lake.export import FORMATS, export
from qbrain_core.errors import InvalidInputError, UnknownNameError

MANIFEST = {"query": "SELECT '中'", "versions": {"bars": 3}}
PLAIN = pl.DataFrame(
    {
        "text": ["a", "中文, \"x\"\n2", None], "n": [1, -2, None], "f": [1.5, float("nan"), None],
        "day": [date(2024, 1, 2)] * 3, "at": [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)] * 3,
        "yes": [True, False, None],
    }
)  # fmt: skip
ODD = pl.DataFrame(
    {
        "list": [[1, 2], None], "struct": [{"a": 1}, {"a": None}], "blob": [b"\x01\xff", None], "nothing": [None, None],
        "span": [timedelta(days=1), None], "clock": [time(10), None], "sum": pl.Series([1, 2], dtype=pl.Decimal(38, 0)),
    }
)  # fmt: skip


def strings_of(workbook: bytes) -> str:
    return zipfile.ZipFile(io.BytesIO(workbook)).read("xl/sharedStrings.xml").decode()


@pytest.mark.parametrize("code", FORMATS)
@pytest.mark.parametrize("frame", [PLAIN, ODD, PLAIN.clear()], ids=["plain", "odd", "empty"])
def test_export_writes_every_kind_of_column(frame: pl.DataFrame, code: str) -> None:
    assert len(export(frame, code, MANIFEST)) > 10


def test_csv_is_read_back_and_says_that_it_is_utf8() -> None:
    written = export(PLAIN, "csv", MANIFEST)
    assert written.startswith(b"\xef\xbb\xbftext,n,f,")
    back = pl.read_csv(written, try_parse_dates=True)
    assert back["text"].to_list() == PLAIN["text"].to_list()
    assert back["n"].to_list() == PLAIN["n"].to_list()
    assert back["day"].to_list() == PLAIN["day"].to_list()


def test_csv_texts_that_a_spreadsheet_would_run_get_an_apostrophe_and_numbers_do_not() -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "plain", "a=1", "中"]
    frame = pl.DataFrame({"=HYPERLINK(1)": texts, "n": [-1.0] * len(texts)})
    back = pl.read_csv(export(frame, "csv", MANIFEST))
    assert back.columns == ["'=HYPERLINK(1)", "n"]
    assert back[back.columns[0]].to_list() == ["'" + text for text in texts[:6]] + texts[6:]
    assert back["n"].to_list() == [-1.0] * len(texts)


def test_workbook_keeps_formulas_as_text_and_tells_where_it_comes_from() -> None:
    written = export(pl.DataFrame({"x": ["=1+1", "http://example.org"]}), "xlsx", MANIFEST)
    sheet = zipfile.ZipFile(io.BytesIO(written)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert "<t>=1+1</t>" in strings_of(written)
    assert "SELECT '中'" in strings_of(written)


def test_workbook_beyond_its_cells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SHEET_CELLS", 5)
    with pytest.raises(InvalidInputError, match="cells"):
        export(PLAIN, "xlsx", MANIFEST)


def test_parquet_and_arrow_hold_the_frame_and_the_manifest() -> None:
    parquet = export(PLAIN, "parquet", MANIFEST)
    assert pl.read_parquet(parquet).equals(PLAIN)
    assert json.loads(pl.read_parquet_metadata(io.BytesIO(parquet))["qbrain"]) == MANIFEST
    file = pa.ipc.open_file(export(PLAIN, "arrow", MANIFEST))
    assert pl.DataFrame(pl.from_arrow(file.read_all())).equals(PLAIN)
    assert json.loads(file.schema.metadata[b"qbrain"]) == MANIFEST


def test_json_holds_rows_and_manifest() -> None:
    told = json.loads(export(PLAIN, "json", MANIFEST))
    assert told["qbrain"] == MANIFEST
    assert told["rows"][0] == {
        "text": "a", "n": 1, "f": 1.5, "day": "2024-01-02", "at": "2024-01-02T03:04:05+00:00", "yes": True
    }  # fmt: skip
    assert told["rows"][1]["f"] is None


def test_export_to_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="parquet"):
        export(PLAIN, "parqet", MANIFEST)
