"""Files as people have them: separators, compression, notes before the header, values that are none."""

import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake.sources import Layout, read_rows
from qbrain_core.errors import InvalidInputError, UnknownNameError

LINES = ["code,date,open,high,low,close,volume", "000001,2024-01-02,1,2,0.5,1.5,100", "000002,2024-01-03,1,2,0.5,,"]


def write(folder: Path, name: str, lines: list[str]) -> Path:
    path = folder / name
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.txt", "A.CSV"])
def test_text_files_are_read_alike(tmp_path: Path, name: str) -> None:
    separator = {"a.tsv": "\t", "a.txt": ";"}.get(name, ",")
    read = read_rows(write(tmp_path, name, [line.replace(",", separator) for line in LINES]), "bars")
    assert read.rows["instrument"].to_list() == ["000001", "000002"]  # leading zeros are no numbers
    assert read.rows["session"].to_list() == [date(2024, 1, 2), date(2024, 1, 3)]
    assert read.rows["close"].to_list() == [1.5, None]
    assert read.rows["row"].to_list() == [1, 2]
    assert read.unreadable.is_empty()
    assert read.extra_columns == []


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "symbol": ["A", "B"], "date": [20240102, 20240103], "open": [1, 2], "high": [1.0, float("nan")],
            "low": pl.Series([1.0, 2.0], dtype=pl.Float32), "close": ["1.5", "x"], "tradestatus": [1, 0],
            "extra": [0, 0],
        }
    )  # fmt: skip
    frame.write_parquet(tmp_path / "a.parquet")
    read = read_rows(tmp_path / "a.parquet", "bars")
    assert read.rows["session"].to_list() == [date(2024, 1, 2), date(2024, 1, 3)]
    assert read.rows["high"].to_list() == [1.0, None]  # NaN is missing, not unreadable
    assert read.rows["trading"].to_list() == [True, False]
    assert read.unreadable.rows() == [(2, "close", "x")]
    assert read.extra_columns == ["extra"]


def test_the_header_is_found_below_an_error_page(tmp_path: Path) -> None:
    page = ["{", '  "error": { "code": "Unauthorized",', '    "description": "no" }', "}"]
    read = read_rows(write(tmp_path, "a.csv", [*page, *LINES, '  "error": {']), "bars")
    assert read.rows["damage"].to_list() == ["error_body"] * 4 + [None] * 2 + ["error_body"]
    assert read.rows["session"].to_list()[4:] == [date(2024, 1, 2), date(2024, 1, 3), None]
    assert read.unreadable.is_empty()


def test_a_file_without_header_has_numbered_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", ["SH600000\t2010-01-04\t2026-05-08", "SH600004\t2010-01-04\t"])
    columns = {"instrument": "column_1", "start": "column_2", "end": "column_3"}
    read = read_rows(path, "universes", Layout(columns, header=False))
    assert read.rows["end"].to_list() == [date(2026, 5, 8), None]
    with pytest.raises(UnknownNameError, match="column_3"):
        read_rows(path, "universes", Layout({"instrument": "column_9"}, header=False))


@pytest.mark.parametrize("text", ["2024-01-02", "20240102", "2024/01/02", "01/02/2024", "2024-01-02 00:00:00"])
def test_dates_in_their_usual_forms(tmp_path: Path, text: str) -> None:
    read = read_rows(write(tmp_path, "a.csv", ["instrument,as_of", f"A,{text}"]), "universes")
    assert read.rows["as_of"].to_list() == [date(2024, 1, 2)]


def test_values_that_cannot_be_read_are_told_with_their_row(tmp_path: Path) -> None:
    lines = [*LINES[:2], "000002,2024-13-45,1,2,abc,inf,null"]
    read = read_rows(write(tmp_path, "a.csv", lines), "bars")
    assert sorted(read.unreadable.rows()) == [(2, "close", "inf"), (2, "low", "abc"), (2, "session", "2024-13-45")]
    assert read.rows["volume"].to_list() == [100.0, None]


def test_constants_and_booleans(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.csv", ["date,open,high,low,close,halted", "2024-01-02,1,1,1,1,TRUE", "2024-01-03,1,1,1,1,0"]
    )
    read = read_rows(path, "bars", Layout({"instrument": "=TSLA"}))
    assert read.rows["instrument"].to_list() == ["TSLA", "TSLA"]
    assert read.rows["halted"].to_list() == [True, False]


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        ("a.csv", [], "empty|no rows"),
        ("a.csv", LINES[:1], "no rows"),
        ("a.csv", ["404 Not Found: No data found, symbol may be delisted"], "bars need instrument"),
        ("a.xlsx", LINES, "files of kind"),
        ("a.parquet", LINES, "cannot be read"),
    ],
)
def test_files_that_hold_nothing_are_refused(tmp_path: Path, name: str, lines: list[str], words: str) -> None:
    path = tmp_path / name
    path.write_text("\n".join(lines))
    with pytest.raises(InvalidInputError, match=words):
        read_rows(path, "bars")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such file"):
        read_rows(tmp_path / "nothing.csv", "bars")


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"not gzip at all")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_rows(tmp_path / "a.csv.gz", "bars")
