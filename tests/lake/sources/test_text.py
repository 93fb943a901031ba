"""Text with what is no row in it: every line is accounted for, and none spoils another."""

import gzip
from pathlib import Path

import pytest

from lake.sources.text import TextTable, read_text
from qbrain_core.errors import InvalidInputError

HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
ROW = "2022-04-06,1073.4,1079.0,1027.6,1045.7,1045.7,29710800"
BODY = ['{', '    "finance": {', '        "error": {', '            "code": "Unauthorized",',
        '            "description": "Invalid cookie"', '        }', '    }', '}']  # fmt: skip


def read(lines: list[str], *, header: bool = True, names: tuple[str, ...] = ()) -> TextTable:
    wanted = {"Date", "Open"}
    return read_text(
        "\n".join(lines).encode(), header=header, names=names, names_columns=lambda found: wanted <= set(found)
    )


def damage(table: TextTable) -> list[tuple[int, str]]:
    return table.damaged.select("line", "damage").rows()


def test_an_error_page_among_rows_is_set_aside_line_by_line() -> None:
    table = read([HEADER, ROW, *BODY, ROW])
    assert table.records["line"].to_list() == [2, 11]
    assert damage(table) == [(n, "error_body") for n in range(3, 11)]
    assert table.damaged["text"].to_list() == BODY


def test_an_error_page_in_place_of_the_header() -> None:
    table = read([*BODY, ROW], names=tuple(HEADER.split(",")))
    assert table.records.drop("line").rows() == [tuple(ROW.split(","))]
    assert len(damage(table)) == len(BODY)
    with pytest.raises(InvalidInputError, match="no line of the file names"):
        read([*BODY, ROW])


def test_a_status_line_is_no_row() -> None:
    table = read(["404 Not Found: No data found, symbol may be delisted"], names=tuple(HEADER.split(",")))
    assert table.records.is_empty()
    assert damage(table) == [(1, "error_body")]


def test_a_header_again_is_told() -> None:
    assert damage(read([HEADER, ROW, HEADER, ROW])) == [(3, "repeated_header")]


def test_a_title_above_the_header_is_no_damage() -> None:
    table = read(["Prices of AAPL", HEADER, ROW])
    assert table.damaged.is_empty()
    assert table.records["line"].to_list() == [3]


def test_half_a_row_is_a_row_with_values_missing() -> None:
    table = read([HEADER, "2022-04-06,1073.4,1079.0,1027.6"])
    assert table.damaged.is_empty()
    assert table.records.row(0)[4:] == ("1027.6", None, None, None)


def test_values_beyond_the_header_are_left_out() -> None:
    table = read(["Date,Open", "2024-01-02,1,extra,more", "2024-01-03,2"])
    assert table.records.select("Date", "Open").rows() == [("2024-01-02", "1"), ("2024-01-03", "2")]


def test_blank_lines_and_line_ends_of_windows() -> None:
    table = read([HEADER + "\r", "\r", ROW + "\r", "", ROW])
    assert table.records["line"].to_list() == [3, 5]
    assert table.records["Volume"].to_list() == ["29710800"] * 2
    assert table.damaged.is_empty()


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert "Date" in read(["\ufeff" + HEADER, ROW]).records.columns


def test_a_quoted_line_break_stays_in_its_value() -> None:
    table = read(["Date,Open,Note", '2024-01-02,1,"two', 'lines, one value"', "2024-01-03,2,plain"])
    assert table.records["Note"].to_list() == ["two lines, one value", "plain"]


def test_a_torn_quote_takes_no_other_line_with_it() -> None:
    table = read([HEADER, '2022-04-05,"1,2,3,4,5,6', ROW])
    assert damage(table) == [(2, "error_body")]
    assert table.records["Date"].to_list() == ["2022-04-06"]


def test_quotes_where_none_belong_spoil_no_other_line() -> None:
    table = read(["Date,Open,Note", '2024-01-02,1,a "b" c"d"', '2024-01-03,"2"x,"y,z"', "2024-01-04,,plain"])
    assert table.records["Date"].to_list() == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert table.records["Open"].to_list()[::2] == ["1", None]
    assert table.records["Note"].to_list()[1:] == ["y,z", "plain"]


def test_quoted_separators_do_not_part() -> None:
    table = read(["Date,Open,Where", '2024-01-02,1,"St. Paul, Minnesota"'])
    assert table.records["Where"].to_list() == ["St. Paul, Minnesota"]


def test_names_for_files_without_any() -> None:
    assert read([ROW], header=False).records.columns[1:3] == ["column_1", "column_2"]
    assert read([ROW], header=False, names=("Date", "Open")).records.columns[1:] == ["Date", "Open"]
    assert read(["Date;Open", "2024-01-02;1,5"]).records["Open"].to_list() == ["1,5"]


def test_a_wordy_error_page_does_not_widen_a_file_without_header() -> None:
    table = read(['<p class="a,b,c,d,e,f,g,h,i,j">', "2024-01-02,1,2", "2024-01-03,1,2"], header=False)
    assert damage(table) == [(1, "error_body")]
    assert table.records["column_3"].to_list() == ["2", "2"]


def test_columns_of_one_name_are_told_apart() -> None:
    assert read(["Date,Open,Open,", "2024-01-02,1,2,3"]).records.columns == [
        "line",
        "Date",
        "Open",
        "Open_3",
        "column_4",
    ]


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="empty"):
        read(["", "  "])


@pytest.mark.real
def test_every_line_of_a_feed_that_went_wrong_is_accounted_for(real_data: Path) -> None:
    for file in sorted((real_data / "us_dirty_feed").glob("*.gz")):
        data = gzip.decompress(file.read_bytes())
        table = read_text(
            data, header=True, names=HEADER.split(","), names_columns=lambda found: set(HEADER.split(",")) <= set(found)
        )
        lines = [line for line in data.decode().splitlines() if line.strip()]
        dated = [line for line in lines if line[:4].isdigit() and line[4] == "-"]
        assert table.records["Date"].to_list() == [line[:10] for line in dated], file.name
        assert table.damaged.height == len(lines) - len(dated) - lines.count(HEADER)
