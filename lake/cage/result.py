"""What a query in the cage gave."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl
import pyarrow as pa

__all__ = ["QueryResult"]

_SUM = pl.Decimal(38, 0)  # how the engine's 128 bits arrive


@dataclass(frozen=True)
class QueryResult:
    """What a query gave.

    Attributes
    ----------
    table : pyarrow.Table
        Lies in a file that nobody else can name, not in memory.
    cut : str
        Why there are fewer rows than the query has: "rows" or "bytes", the limit that was met; "" where all are here.
    seconds : float
        From the question to the answer.
    versions : mapping of str to int
        Version of every table that was read.
    read_bytes : int
        What the process read from files; 0 where the lake is in a bucket or the system does not count.
    """

    table: pa.Table
    cut: str
    seconds: float
    versions: Mapping[str, int]
    read_bytes: int

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.table.num_rows)

    @property
    def truncated(self) -> bool:
        """Whether the query has more rows."""
        return self.cut != ""

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All rows, in memory."""
        return self.page(0, self.rows)

    def select(self, *columns: str) -> pl.DataFrame:
        """Read some columns.

        Parameters
        ----------
        *columns : str

        Returns
        -------
        DataFrame
            All their rows.
        """
        return _frame(self.table.select(columns))

    def page(self, start: int, length: int) -> pl.DataFrame:
        """Read some rows.

        Parameters
        ----------
        start : int
            The first one, from 0.
        length : int

        Returns
        -------
        DataFrame
            Fewer rows at the end, none beyond it; sums of whole numbers are whole numbers, where they fit 64 bits.
        """
        return _frame(self.table.slice(start, length))


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.DataFrame(pl.from_arrow(table))
    return frame.with_columns(_counted(column) for column in frame if column.dtype == _SUM)


def _counted(column: pl.Series) -> pl.Series:
    whole = column.cast(pl.Int64, strict=False)
    return whole if whole.null_count() == column.null_count() else column
