"""Read one text or Parquet file into typed columns with our names; what cannot be read is marked, never guessed."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import polars as pl

from lake.sources.fields import FIELDS, match_columns
from qbrain_core.errors import InvalidInputError

__all__ = ["SourceRows", "read_rows"]

_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".parquet")
_SEPARATORS = "\t,;|"
_NULLS = ["", "null", "NULL", "NaN", "nan", "NA", "N/A", "None", "-", "--"]
_DATES = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S")
_TRUE, _FALSE = ["1", "1.0", "true", "t", "yes", "y"], ["0", "0.0", "false", "f", "no", "n"]
_MARK = "unreadable "
_NOTHING_UNREADABLE = pl.DataFrame(schema={"row": pl.UInt32, "field": pl.String, "value": pl.String})
_HEADER_SEARCH_LINES = 2000
"""How far down a damaged text file its header is looked for."""


@dataclass(frozen=True)
class SourceRows:
    """What a file brought.

    Attributes
    ----------
    rows : DataFrame
        `row` (number in the file, from 1, the header not counted) and the matched fields in their types; null where
        the file has none or the value cannot be read.
    unreadable : DataFrame
        columns (row: u32, field: str, value: str): values that are there and cannot be read as their field's type.
    extra_columns : list of str
        Columns that were matched to nothing.
    original : LazyFrame
        The rows as read, with `row`.
    """

    rows: pl.DataFrame
    unreadable: pl.DataFrame
    extra_columns: list[str]
    original: pl.LazyFrame


def read_rows(
    path: str | Path, table: str, *, columns: Mapping[str, str] | None = None, header: bool = True
) -> SourceRows:
    """Read a file for a table.

    Parameters
    ----------
    path : str or Path
        CSV, TSV or TXT (any of them gzipped), or Parquet. The separator of a text file is the commonest of tab, comma,
        semicolon and bar in its first line.
    table : str
        bars, instruments, universes or adjustments.
    columns : mapping of str to str, optional
        Ours → theirs where the names differ; `=value` stands for a constant.
    header : bool
        Whether a text file names its columns; without, they are `column_1`, `column_2` … The header is the first line
        that holds the wanted names: lines before it (an error page, a note) are skipped.

    Returns
    -------
    SourceRows

    Raises
    ------
    InvalidInputError
        If there is no such file, it is of another kind, damaged or empty, or lacks a required column.
    UnknownNameError
        If `columns` names a field or column that does not exist.
    """
    mapping, file = dict(columns or {}), Path(path)
    if not file.is_file():
        raise InvalidInputError("path", str(path), "there is no such file")
    if not file.name.lower().endswith(_SUFFIXES):
        raise InvalidInputError("path", str(path), f"files of kind {', '.join(_SUFFIXES)} can be read")
    try:
        lazy = _scan(file, table, mapping, header=header)
        found = lazy.collect_schema()
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise InvalidInputError("path", str(path), f"it cannot be read: {str(error).splitlines()[0]}") from None
    matched = match_columns(table, mapping, [c for c in found.names() if c != "row"])
    read = {ours: _typed(theirs, FIELDS[table][ours].type, found) for ours, theirs in matched.items()}
    doubtful = {
        ours: pl.col(theirs).is_not_null() & read[ours].is_null()
        for ours, theirs in matched.items()
        if not theirs.startswith("=") and _may_fail(found[theirs], FIELDS[table][ours].type)
    }
    try:
        rows = lazy.select(
            "row",
            *(e.alias(ours) for ours, e in read.items()),
            *(e.alias(_MARK + ours) for ours, e in doubtful.items()),
        ).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidInputError("path", str(path), f"it cannot be read: {str(error).splitlines()[0]}") from None
    if rows.is_empty():
        raise InvalidInputError("path", str(path), "the file holds no rows")
    failed = [ours for ours in doubtful if rows[_MARK + ours].any()]
    unreadable = [
        lazy.filter(doubtful[ours]).select("row", pl.lit(ours).alias("field"), pl.col(matched[ours]).alias("value"))
        for ours in failed
    ]
    return SourceRows(
        rows.select("row", *read),
        pl.concat(
            [_NOTHING_UNREADABLE, *(part.cast(_NOTHING_UNREADABLE.schema) for part in pl.collect_all(unreadable))]
        ),
        [c for c in found.names() if c != "row" and c not in matched.values()],
        lazy,
    )


def _may_fail(given: pl.DataType, wanted: pl.DataType) -> bool:
    return given != wanted and not (given.is_numeric() and wanted in (pl.Float64(), pl.Boolean()))


def _scan(file: Path, table: str, mapping: Mapping[str, str], *, header: bool) -> pl.LazyFrame:
    if file.name.lower().endswith(".parquet"):
        return pl.scan_parquet(file, glob=False).with_row_index("row", offset=1)
    with _opened(file) as lines:
        head = list(islice(lines, _HEADER_SEARCH_LINES))
    if not head:
        raise InvalidInputError("path", str(file), "the file is empty")
    skipped = _header_line(head, table, mapping) if header else 0
    separator = _separator(head[skipped] if header else "".join(head))
    width = max(line.count(separator) for line in head) + 1
    unnamed = None if header else {f"column_{i + 1}": pl.String for i in range(width)}
    # everything as text: a code like 000001 must not become a number, and what cannot be read must be shown
    return pl.scan_csv(
        file, separator=separator, has_header=header, skip_lines=skipped, schema=unnamed, infer_schema=False,
        null_values=_NULLS, truncate_ragged_lines=True, row_index_name="row", row_index_offset=1, glob=False,
        encoding="utf8-lossy", missing_columns="insert",
    )  # fmt: skip


def _opened(file: Path) -> IO[str]:
    if file.name.lower().endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8", errors="replace")
    return file.open(encoding="utf-8", errors="replace")


def _separator(line: str) -> str:
    return max(_SEPARATORS, key=line.count)


def _header_line(head: list[str], table: str, mapping: Mapping[str, str]) -> int:
    # the first line in which every required field is found; the first line of all where there is none
    for number, line in enumerate(head):
        names = [n.strip().strip('"').lstrip("\ufeff") for n in line.rstrip("\r\n").split(_separator(line))]
        try:
            match_columns(table, mapping, names)
        except InvalidInputError:
            continue
        return number
    return 0


def _typed(theirs: str, wanted: pl.DataType, found: pl.Schema) -> pl.Expr:
    if theirs.startswith("="):
        return _from_text(pl.lit(theirs[1:]), wanted)
    column, given = pl.col(theirs), found[theirs]
    if wanted == given and wanted != pl.Float64():
        return column.str.strip_chars() if wanted == pl.String() else column
    if given == pl.String():
        return _from_text(column.str.strip_chars(), wanted)
    if wanted == pl.Float64() and given.is_numeric():
        wide = column.cast(pl.Float64)
        return pl.when(wide.is_finite()).then(wide) if given.is_float() else wide
    if wanted == pl.Boolean() and given.is_numeric():
        return column != 0
    if wanted == pl.Date() and isinstance(given, pl.Datetime):
        return column.dt.date()
    return _from_text(column.cast(pl.String, strict=False), wanted)


def _from_text(text: pl.Expr, wanted: pl.DataType) -> pl.Expr:
    if wanted == pl.Float64():
        number = text.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    if wanted == pl.Date():
        return pl.coalesce(text.str.to_date(form, strict=False) for form in _DATES)
    if wanted == pl.Boolean():
        low = text.str.to_lowercase()
        return pl.when(low.is_in(_TRUE)).then(True).when(low.is_in(_FALSE)).then(False)
    return text
