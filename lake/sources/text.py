"""Read a text file line by line: records apart from what is none, so that one bad line spoils nothing."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from qbrain_core.errors import InvalidInputError

__all__ = ["TextTable", "read_text"]

_SEPARATORS = "\t,;|"
_NULLS = ["", "null", "NULL", "NaN", "nan", "NA", "N/A", "None", "-", "--"]
_HEADER_SEARCH_LINES = 2000
"""How far down a damaged text file its header is looked for."""

_BODY = r'^\s*(?:[{}\[\]<]|"\w+"\s*:|\d{3} [A-Z][a-z]+)'  # JSON, HTML, "404 Not Found"


@dataclass(frozen=True)
class TextTable:
    """Records of a text file, and the lines that are none.

    Attributes
    ----------
    records : DataFrame
        `line` (number in the file, from 1) and a column of text for every column of the file.
    damaged : DataFrame, columns (line: u32, damage: str, text: str)
        `damage` is error_body (part of an error page: JSON, HTML, a status line) or repeated_header.
    unnamed : bool
        Whether a line should name the columns and none does.
    """

    records: pl.DataFrame
    damaged: pl.DataFrame
    unnamed: bool = False


def read_text(
    data: bytes, *, header: bool, names: Sequence[str] = (), names_columns: Callable[[list[str]], bool],
) -> TextTable:  # fmt: skip
    """Read a text file.

    Parameters
    ----------
    data : bytes
        UTF-8; what is not is replaced. Values are parted by the commonest of tab, comma, semicolon and bar in the
        header.
    header : bool
        Whether a line names the columns: the first one that `names_columns` accepts. Lines before it are no records.
    names : sequence of str
        Column names where `header` is false or no line names them; `column_1`, `column_2` … when left out.
    names_columns : callable
        Tells whether a line's values are the column names that are needed.

    Returns
    -------
    TextTable

    Raises
    ------
    InvalidInputError
        If the file is empty, or no line names the columns and neither does `names`.
    """
    lines = _lines(data)
    if lines.is_empty():
        raise InvalidInputError("path", "", "the file is empty")
    head = lines.head(_HEADER_SEARCH_LINES)["text"].to_list()
    at = _header_line(head, names_columns) if header else None
    if header and at is None and not names:
        first = _values(head[0], _separator(head[0]))
        raise InvalidInputError("columns", first, "no line of the file names the columns that are needed")
    separator = _separator(head[at] if at is not None else "\n".join(head))
    if at is not None:
        found = _values(head[at], separator)
    else:
        records = [line for line in head if not re.match(_BODY, line)] or head
        width = max(line.count(separator) for line in records) + 1
        found = list(names) or [f"column_{i + 1}" for i in range(width)]
    rest = (
        lines if at is None else pl.concat([lines.head(at).filter(pl.col("text").str.contains(_BODY)), lines[at + 1 :]])
    )
    judged = rest.with_columns(damage=_damage(found, separator, head[at] if at is not None else None))
    damaged = judged.filter(pl.col("damage").is_not_null()).select("line", "damage", "text")
    good = judged.filter(pl.col("damage").is_null()) if damaged.height else judged
    return TextTable(_records(good, found, separator), damaged, header and at is None)


def _lines(data: bytes) -> pl.DataFrame:
    if data.count(b'"') and _spans_lines(data):
        # a quoted value may hold line breaks: records are told apart by the quotes, here joined to one line each
        data = re.sub(rb'"[^"]{0,4000}"', lambda m: m[0].replace(b"\r", b"").replace(b"\n", b" "), data)
    if not data.strip():
        return pl.DataFrame(schema={"line": pl.UInt32, "text": pl.String})
    lines = pl.read_csv(
        data, has_header=False, separator="\x1f", quote_char=None, schema={"text": pl.String}, encoding="utf8-lossy",
        row_index_name="line", row_index_offset=1, truncate_ragged_lines=True,
    )  # fmt: skip
    return lines.with_columns(pl.col("text").str.strip_chars_end("\r")).filter(
        pl.col("text").str.strip_chars().str.len_bytes() > 0
    )


def _spans_lines(data: bytes) -> bool:
    return any(line.count(b'"') % 2 for line in data.split(b"\n"))


def _separator(line: str) -> str:
    return max(_SEPARATORS, key=line.count)


def _values(line: str, separator: str) -> list[str]:
    values = [v.strip().strip('"').lstrip("\ufeff") for v in line.split(separator)]
    named: list[str] = []
    for number, value in enumerate(values, 1):
        named.append(value if value and value not in named else f"{value or 'column'}_{number}")
    return named


def _header_line(head: list[str], names_columns: Callable[[list[str]], bool]) -> int | None:
    for number, line in enumerate(head):
        if names_columns(_values(line, _separator(line))):
            return number
    return None


def _damage(found: list[str], separator: str, header: str | None) -> pl.Expr:
    text, width = pl.col("text"), len(found) - 1
    fields = text.str.count_matches(separator, literal=True)
    # half a record is a torn record, and its missing values are told as such; less than that is none
    short = (fields * 2 < width) if width > 1 else pl.lit(False)
    torn = text.str.count_matches('"', literal=True) % 2 == 1  # it would swallow the lines after it
    body = short | torn | (text.str.contains(_BODY) & (fields != max(width, 1)))
    again = pl.lit(False) if header is None else text.str.strip_chars() == header.strip().lstrip("\ufeff")
    return pl.when(again).then(pl.lit("repeated_header")).when(body).then(pl.lit("error_body"))


def _records(good: pl.DataFrame, found: list[str], separator: str) -> pl.DataFrame:
    schema = dict.fromkeys(found, pl.String)
    if good.is_empty():
        return good.select("line").hstack(pl.DataFrame(schema=schema))
    # everything as text: a code like 000001 must not become a number, and what cannot be read must be shown
    try:
        records = pl.read_csv(
            good["text"].str.join("\n").item().encode(), separator=separator, has_header=False, schema=schema,
            null_values=_NULLS, truncate_ragged_lines=True, missing_columns="insert", extra_columns="ignore",
        )  # fmt: skip
    except pl.exceptions.ComputeError:
        records = pl.DataFrame(schema=schema)
    if records.height != good.height:  # quotes where none belong: each line by itself, so that none spoils another
        records = pl.DataFrame([_fields(line, separator, len(found)) for line in good["text"]], schema, orient="row")
    return good.select("line").hstack(records)


def _fields(line: str, separator: str, width: int) -> list[str | None]:
    try:
        parted = next(csv.reader([line], delimiter=separator))
    except csv.Error:  # a value beyond what the parser takes
        parted = line.split(separator)
    values = [None if value in _NULLS else value for value in parted]
    return [*values[:width], *[None] * (width - len(values))]
