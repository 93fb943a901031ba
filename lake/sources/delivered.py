"""What files brought: typed rows, what could not be read of them, and how they stood in their files."""

from dataclasses import dataclass

import polars as pl

__all__ = ["FilePart", "SourceRows"]

_ORIGINALS = {"row": pl.UInt32, "source": pl.String, "content": pl.String}


@dataclass(frozen=True)
class FilePart:
    """One file as it was read.

    Attributes
    ----------
    source : str
        File name.
    rows : DataFrame
        As in `SourceRows`.
    original : LazyFrame
        Records as read, with `row`.
    unreadable, columns, extra, dates, looks
        As in `SourceRows`, of this file.
    damaged : DataFrame, columns (row: u32, line: u32, damage: str, text: str)
        Lines that are no records.
    """

    source: str
    rows: pl.DataFrame
    original: pl.LazyFrame
    unreadable: pl.DataFrame
    damaged: pl.DataFrame
    columns: dict[str, str]
    extra: list[str]
    dates: list[str]
    looks: frozenset[str]


@dataclass(frozen=True)
class SourceRows:
    """What files brought.

    Attributes
    ----------
    rows : DataFrame
        `row` (number over all files, from 1, headers not counted), the matched fields in their types, null where the
        file has none or the value cannot be read, `damage`: error_body, repeated_header or null_row (a record without
        any number) for what is no record, and, where there are such lines, their `text`.
    unreadable : DataFrame
        columns (row: u32, field: str, value: str): values that are there and cannot be read as their field's type.
    extra_columns : list of str
        Columns that were matched to nothing.
    columns : dict of str to str
        The files' own columns and their types.
    empty : list of str
        Names of files that hold nothing.
    dates : list of str
        Some dates as text files write them.
    looks : frozenset of str
        bom (a text file begins with a byte-order mark), header_missing (a line should name its columns, and none does).
    """

    rows: pl.DataFrame
    unreadable: pl.DataFrame
    extra_columns: list[str]
    columns: dict[str, str]
    empty: list[str]
    dates: list[str]
    looks: frozenset[str]
    _parts: list[FilePart]

    def originals(self, rows: pl.Series) -> pl.DataFrame:
        """Give rows as they stand in their files.

        Parameters
        ----------
        rows : Series of u32
            Numbers of rows.

        Returns
        -------
        DataFrame, columns (row: u32, source: str, content: str)
            File name, and JSON of the row's columns, or of the line's number and text where it is no record.
        """
        found = [pl.DataFrame(schema=_ORIGINALS)]
        for part in self._parts:
            wanted = rows.filter(rows.is_between(part.rows["row"].min(), part.rows["row"].max()))
            if wanted.is_empty():
                continue
            records = part.original.filter(pl.col("row").is_in(wanted.implode())).collect()
            lines = part.damaged.filter(pl.col("row").is_in(wanted.implode()))
            found += [_as_json(records, part.source), _as_json(lines.drop("damage"), part.source)]
        return pl.concat(found).sort("row")


def _as_json(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    content = pl.struct(pl.exclude("row").cast(pl.String, strict=False)).struct.json_encode()
    if rows.is_empty():
        return pl.DataFrame(schema=_ORIGINALS)
    return rows.select("row", pl.lit(source).alias("source"), content.alias("content"))
