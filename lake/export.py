"""Write a frame as a file that people take away, with a note of where it comes from."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["FORMATS", "MAX_SHEET_CELLS", "Format", "export"]

MAX_SHEET_CELLS = 1_000_000
"""Cells of a workbook at most: beyond it Excel itself gives up, or its reader does."""

_MAX_SHEET_ROWS = 1_048_575  # of Excel, less the heading
_BOM = "\ufeff"  # without it Excel takes UTF-8 for the machine's own encoding
_FORMULA = r"^[=+\-@\t\r]"
_MANIFEST = "qbrain"


@dataclass(frozen=True)
class Format:
    """A kind of file: its name, the ending of file names, and the media type."""

    label: str
    ending: str
    media_type: str


FORMATS = {
    "csv": Format("CSV", "csv", "text/csv"),
    "parquet": Format("Parquet", "parquet", "application/vnd.apache.parquet"),
    "xlsx": Format("Excel", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "arrow": Format("Arrow", "arrow", "application/vnd.apache.arrow.file"),
    "json": Format("JSON", "json", "application/json"),
}
"""Formats by code."""


def export(frame: pl.DataFrame, code: str, manifest: Mapping[str, Any]) -> bytes:
    """Write a frame as a file.

    Parquet, Arrow and JSON hold the values as they are. CSV and Excel are made for a spreadsheet: in CSV a text (or a
    heading) that a spreadsheet would run as a formula gets an apostrophe in front, because such text may come from
    anywhere; in Excel it is stored as text. Lists and structs are JSON there.

    Parameters
    ----------
    frame : DataFrame
    code : str
        Key of `FORMATS`.
    manifest : mapping
        JSON values that say where the rows come from. In the file's own metadata (Parquet, Arrow), on a sheet of its
        own (Excel), beside the rows (JSON); CSV has no place for it.

    Returns
    -------
    bytes

    Raises
    ------
    UnknownNameError
        If there is no such format.
    InvalidInputError
        If a workbook would have more than `MAX_SHEET_CELLS`.
    """
    if code not in _WRITERS:
        raise UnknownNameError("format", code, FORMATS)
    return _WRITERS[code](frame, manifest)


def _csv(frame: pl.DataFrame, manifest: Mapping[str, Any]) -> bytes:
    flat = _flat(frame)
    texts = [name for name, dtype in flat.schema.items() if dtype == pl.String]
    guarded = flat.with_columns(pl.col(texts).str.replace(_FORMULA, "'${0}")) if texts else flat
    headings = pl.Series(guarded.columns, dtype=pl.String).str.replace(_FORMULA, "'${0}").to_list()
    guarded.columns = headings
    return (_BOM + guarded.write_csv()).encode()


def _parquet(frame: pl.DataFrame, manifest: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, metadata={_MANIFEST: _text(manifest)})
    return buffer.getvalue()


def _arrow(frame: pl.DataFrame, manifest: Mapping[str, Any]) -> bytes:
    # the types every reader of Arrow knows, not the newer views
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = table.replace_schema_metadata({_MANIFEST: _text(manifest)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _json(frame: pl.DataFrame, manifest: Mapping[str, Any]) -> bytes:
    rows = frame.with_columns(_plain(column) for column in frame if column.dtype == pl.Binary).write_json()
    return f'{{"{_MANIFEST}": {_text(manifest)},\n"rows": {rows}}}\n'.encode()


def _xlsx(frame: pl.DataFrame, manifest: Mapping[str, Any]) -> bytes:
    import xlsxwriter  # only workbooks need it

    cells = frame.height * max(frame.width, 1)
    if frame.height > _MAX_SHEET_ROWS or cells > MAX_SHEET_CELLS:
        raise InvalidInputError(
            "rows", frame.height, f"a workbook holds at most {MAX_SHEET_CELLS:,} cells; take Parquet"
        )
    flat = _flat(frame).with_columns(pl.selectors.datetime().dt.replace_time_zone(None))
    buffer = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(buffer, options) as book:
        formats = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss"}
        flat.write_excel(
            book, worksheet="rows", autofit=flat.height <= 10_000, freeze_panes=(1, 0), table_style=None,
            dtype_formats={pl.Date: formats["date"], pl.Datetime: formats["datetime"], pl.Float64: "General",
                           pl.Float32: "General", pl.Int64: "0", pl.Int32: "0"},
        )  # fmt: skip
        sheet = book.add_worksheet("source")
        sheet.set_column(0, 0, 18)
        sheet.set_column(1, 1, 110)
        for row, (name, value) in enumerate(manifest.items()):
            sheet.write_string(row, 0, name)
            sheet.write_string(row, 1, value if isinstance(value, str) else _text(value))
    return buffer.getvalue()


_WRITERS: dict[str, Callable[[pl.DataFrame, Mapping[str, Any]], bytes]] = {
    "csv": _csv, "parquet": _parquet, "xlsx": _xlsx, "arrow": _arrow, "json": _json,
}  # fmt: skip


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(_plain(column) for column in frame if _is_odd(column.dtype))


def _is_odd(dtype: pl.DataType) -> bool:
    # what neither CSV nor a workbook has a form for
    return dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Null)


def _plain(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Null:
        return column.cast(pl.String)
    return pl.Series(column.name, [None if v is None else _said(v) for v in column.to_list()], dtype=pl.String)


def _said(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return _text(value) if isinstance(value, list | dict) else str(value)
