"""Read files into typed columns with our names; what cannot be read is marked, never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from lake.sources.delivered import FilePart, SourceRows
from lake.sources.fields import FIELDS, match_columns
from lake.sources.paths import SourceFile, is_pattern, matching_files, read_member
from lake.sources.qlib import is_qlib, read_qlib
from lake.sources.text import TextTable, read_text
from lake.sources.values import Conversion, may_fail, typed
from qbrain_core.errors import InvalidInputError

__all__ = ["Layout", "read_rows"]

_TEXT = (".csv", ".tsv", ".txt")
_KINDS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".parquet", ".zip", ".tar.gz", ".tar.xz")
_UNPIVOTED = {
    "interest_rates": ("tenor", "rate"), "factor_returns": ("factor", "value"), "industries": ("level", "industry"),
}  # fmt: skip
_NOTHING_UNREADABLE = pl.DataFrame(schema={"row": pl.UInt32, "field": pl.String, "value": pl.String})
_DATES_SHOWN = 2000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Layout:
    """How the rows of files are laid out; fields as in `IngestSpec`."""

    columns: Mapping[str, str] = field(default_factory=dict)
    header: bool = True
    names: Sequence[str] = ()
    member: str = ""
    unpivot: Mapping[str, str] = field(default_factory=dict)
    conversion: Conversion = field(default_factory=Conversion)


def read_rows(path: str | Path, table: str, layout: Layout | None = None, *, parameter: str = "path") -> SourceRows:
    """Read files for a table.

    Parameters
    ----------
    path : str or Path
        As in `IngestSpec`. The separator of a text file is the commonest of tab, comma, semicolon and bar in its
        header, which is the first line that holds the wanted names.
    table : str
        Key of `FIELDS`.
    layout : Layout, optional
    parameter : str
        What the path is called where it was given.

    Returns
    -------
    SourceRows

    Raises
    ------
    InvalidInputError
        If there is no such file, it is of another kind, damaged or empty, or lacks a required column. Of many files
        one may be empty, or hold an error page and nothing else.
    UnknownNameError
        If the layout names a field or column that does not exist.
    """
    layout = layout or Layout()
    files, many = matching_files(str(path), parameter=parameter), is_pattern(str(path))
    parts: list[FilePart] = []
    empty: list[str] = []
    first = 1
    for file in files:
        part = _read_file(file, table, layout, first, many=many)
        if part.rows.is_empty():
            empty.append(file.path.name)
        else:
            parts.append(part)
            first = part.rows["row"].max() + 1  # type: ignore[operator,assignment]
    if not parts:
        raise InvalidInputError(parameter, str(path), "the files hold no rows" if many else "the file holds no rows")
    columns = {name: kind for part in parts for name, kind in part.columns.items()}
    return SourceRows(
        pl.concat([part.rows for part in parts], how="diagonal"), pl.concat([part.unreadable for part in parts]),
        list(dict.fromkeys(name for part in parts for name in part.extra)), columns, empty,
        [text for part in parts for text in part.dates][:_DATES_SHOWN],
        frozenset(look for part in parts for look in part.looks), parts,
    )  # fmt: skip


def _read_file(file: SourceFile, table: str, layout: Layout, first: int, *, many: bool) -> FilePart:
    mapping = dict(layout.columns) | {name: f"={value}" for name, value in file.constants.items()}
    try:
        lazy, damaged, looks = _scan(file.path, table, layout, mapping, first, many=many)
        schema = lazy.collect_schema()
        own = {name: str(kind) for name, kind in schema.items() if name not in ("row", "line")}
        if layout.unpivot:
            lazy = _unpivoted(lazy, table, layout, schema)
        return _typed(file.path.name, table, mapping, lazy, damaged, own, layout, looks=looks)
    except (pl.exceptions.PolarsError, OSError) as error:
        rule = f"it cannot be read: {str(error).splitlines()[0]}"
        raise InvalidInputError("path", str(file.path), rule) from None


def _scan(
    file: Path, table: str, layout: Layout, mapping: dict[str, str], first: int, *, many: bool
) -> tuple[pl.LazyFrame, pl.DataFrame, frozenset[str]]:
    none = pl.DataFrame(schema={"row": pl.UInt32, "line": pl.UInt32, "damage": pl.String, "text": pl.String})
    if is_qlib(file):
        return read_qlib(file).lazy().with_row_index("row", offset=first), none, frozenset()
    if file.name.lower().endswith(".parquet"):
        return pl.scan_parquet(file, glob=False).with_row_index("row", offset=first), none, frozenset()
    if not file.name.lower().endswith(_KINDS):
        raise InvalidInputError("path", str(file), f"files of kind {', '.join(_KINDS)} can be read")
    name, data = read_member(file, layout.member)
    if name.lower().endswith(".parquet"):
        return pl.read_parquet(data).lazy().with_row_index("row", offset=first), none, frozenset()
    if not data.strip():
        if many:
            return none.lazy().select("row"), none, frozenset()
        raise InvalidInputError("path", str(file), "the file is empty")
    held = _text(data, table, layout, mapping, many=many)
    order = pl.concat([held.records.select("line"), held.damaged.select("line")]).sort("line")
    numbers = order.with_row_index("row", offset=first)
    records = numbers.join(held.records, on="line", how="inner", maintain_order="left").drop("line")
    damaged = numbers.join(held.damaged, on="line", how="inner", maintain_order="left")
    facts = {"bom": data.startswith(_BYTE_ORDER_MARK), "header_missing": held.unnamed}
    return records.lazy(), damaged, frozenset(name for name, holds in facts.items() if holds)


def _text(data: bytes, table: str, layout: Layout, mapping: dict[str, str], *, many: bool) -> TextTable:
    def match(found: list[str]) -> None:
        if layout.unpivot:
            found = [c for c in found if c not in layout.unpivot] + list(_UNPIVOTED[table])
        match_columns(table, mapping, found)

    def names_columns(found: list[str]) -> bool:
        try:
            match(found)
        except InvalidInputError:
            return False
        return all(name in found for name in layout.unpivot)

    try:
        return read_text(data, header=layout.header, names=layout.names, names_columns=names_columns)
    except InvalidInputError as error:
        if error.parameter != "columns":
            raise
        if many:  # a page in place of a file: every line of it is set aside
            return read_text(data, header=False, names=[f"column_{i}" for i in range(100)], names_columns=names_columns)
        first = list(error.value)  # type: ignore[call-overload]
        match(first)
        absent = [name for name in layout.unpivot if name not in first]
        raise (_no_such_column(absent[0], first) if absent else error) from None


def _no_such_column(name: str, found: Sequence[str]) -> InvalidInputError:
    return InvalidInputError("unpivot", name, f"the file has no such column; it has {', '.join(found)}")


def _unpivoted(lazy: pl.LazyFrame, table: str, layout: Layout, schema: pl.Schema) -> pl.LazyFrame:
    variable, value = _UNPIVOTED[table]
    absent = [name for name in layout.unpivot if name not in schema]
    if absent:
        raise _no_such_column(absent[0], [c for c in schema if c != "row"])
    kept = [c for c in schema if c not in layout.unpivot and c not in (variable, value)]
    rows = lazy.unpivot(list(layout.unpivot), index=kept, variable_name="_variable", value_name="_value")
    return rows.filter(pl.col("_value").is_not_null()).select(
        *kept, pl.col("_variable").replace_strict(dict(layout.unpivot)).alias(variable), pl.col("_value").alias(value)
    )


def _typed(
    source: str, table: str, mapping: dict[str, str], lazy: pl.LazyFrame, damaged: pl.DataFrame, own: dict[str, str],
    layout: Layout, *, looks: frozenset[str],
) -> FilePart:  # fmt: skip
    schema = lazy.collect_schema()
    blank = damaged.select("row", "damage", "text")
    if set(schema) == {"row"}:  # nothing but lines that are no records
        return FilePart(source, blank, lazy, _NOTHING_UNREADABLE, damaged, {}, [], [], looks)
    fields = FIELDS[table]
    try:
        matched = match_columns(table, mapping, [c for c in schema.names() if c != "row"])
    except InvalidInputError:
        if damaged.is_empty() or lazy.limit(1).collect().height:
            raise
        return FilePart(source, blank, lazy, _NOTHING_UNREADABLE, damaged, {}, [], [], looks)
    read = {n: typed(n, theirs, fields[n].type, schema, layout.conversion) for n, theirs in matched.items()}
    if layout.conversion.unit == "ms_of_day" and "ts" in read:
        read["ts"] = _on_day(read, layout.conversion)
    doubtful = {
        n: pl.col(theirs).is_not_null() & read[n].is_null()
        for n, theirs in matched.items()
        if not theirs.startswith("=") and may_fail(schema[theirs], fields[n].type)
    }
    numbers = [n for n, theirs in matched.items() if fields[n].type == pl.Float64() and not theirs.startswith("=")]
    marks: dict[str, Any] = {f"unreadable {n}": mark for n, mark in doubtful.items()}
    rows = lazy.select("row", **read, **marks).collect()
    failed = [n for n in doubtful if rows[f"unreadable {n}"].any()]
    values = [
        lazy.filter(doubtful[n]).select("row", pl.lit(n).alias("field"), pl.col(matched[n]).alias("value"))
        for n in failed
    ]
    unreadable = pl.concat([_NOTHING_UNREADABLE, *(v.cast(_NOTHING_UNREADABLE.schema) for v in pl.collect_all(values))])
    hollow = _hollow(rows, numbers, failed)
    typed_rows = rows.select("row", *read, damage=pl.when(hollow).then(pl.lit("null_row")))
    if damaged.height:
        typed_rows = pl.concat([typed_rows, blank], how="diagonal").sort("row")
    extra = [c for c in schema.names() if c != "row" and c not in matched.values()]
    day = next((matched[n] for n in ("session", "ts", "period_end") if not matched.get(n, "=").startswith("=")), None)
    written = day is not None and schema[day] == pl.String()
    dates = lazy.select(day).head(_DATES_SHOWN).collect().to_series().to_list() if day and written else []
    return FilePart(source, typed_rows, lazy, unreadable, damaged, own, extra, dates, looks)


def _on_day(read: dict[str, pl.Expr], how: Conversion) -> pl.Expr:
    if "session" not in read:
        raise InvalidInputError(
            "time.unit", "ms_of_day", "the day must come from a column or part of the path, session"
        )
    local = read["session"].cast(pl.Datetime("us")) + (read["ts"] - pl.datetime(1970, 1, 1))
    if how.zone == "UTC":
        return local
    there = local.dt.replace_time_zone(how.zone, ambiguous="earliest", non_existent="null")
    return there.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _hollow(rows: pl.DataFrame, numbers: list[str], failed: list[str]) -> pl.Expr:
    # a record that says which day it is of and nothing else; a halt may say no more
    if len(numbers) < 2:
        return pl.lit(False)
    hollow = pl.all_horizontal(pl.col(n).is_null() for n in numbers)
    for name in failed:
        hollow &= ~pl.col(f"unreadable {name}")
    if "halted" in rows.columns:
        hollow &= ~pl.col("halted").fill_null(False)
    if "trading" in rows.columns:
        hollow &= pl.col("trading").fill_null(True)
    return hollow
