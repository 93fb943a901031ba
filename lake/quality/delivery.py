"""What a source delivered in one file: its columns, size and looks, kept so that the next one can be compared."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

__all__ = ["Delivery", "date_forms", "last_delivery", "symbol_forms"]

_DATE_FORMS = {
    "YYYY-MM-DD": r"^\d{4}-\d{1,2}-\d{1,2}", "YYYYMMDD": r"^(19|20)\d{2}[01]\d[0-3]\d( |$)",
    "YYYY/MM/DD": r"^\d{4}/\d{1,2}/\d{1,2}", "M/D/YYYY": r"^\d{1,2}/\d{1,2}/\d{4}",
    "D.M.YYYY": r"^\d{1,2}\.\d{1,2}\.\d{4}",
}  # fmt: skip
_SYMBOL_FORMS = {
    "sh.600000": r"^(sh|sz|bj)\.\d{6}$", "SH600000": r"^(SH|SZ|BJ)\d{6}$", "600000.SH": r"^\d{6}\.(SH|SZ|BJ)$",
    "600000.XSHG": r"^\d{6}\.(XSHG|XSHE|BJSE)$", "600000": r"^\d{6}$", "BRK.B": r"^[A-Z]+\.[A-Z]$",
    "BRK-B": r"^[A-Z]+-[A-Z]$",
}  # fmt: skip
_LOOKED_AT = 2000
"""Values looked at to tell how they are written."""


@dataclass(frozen=True)
class Delivery:
    """One file as it came.

    Attributes
    ----------
    source : str
        Whom it came from: a profile's name, or the file's without its date.
    table : str
        Table it was read into.
    file : str
        File name.
    columns : mapping of str to str
        Its columns and their types, in its order and by its own names.
    rows : int
        Rows in it.
    market : str
    instruments : int
        Symbols in it.
    session_from, session_to : date or None
    rows_written, rows_quarantined : int
    traits : mapping of str to object
        How it looks, where known: `bom` (byte-order mark), `newest_first`, `date_forms`, `symbol_forms`,
        `zone_stated` (of times), `header_missing`.
    """

    source: str
    table: str
    file: str
    columns: Mapping[str, str]
    rows: int
    market: str = ""
    instruments: int = 0
    session_from: date | None = None
    session_to: date | None = None
    rows_written: int = 0
    rows_quarantined: int = 0
    traits: Mapping[str, Any] = field(default_factory=dict)

    def frame(self, *, job_id: str, at: datetime) -> pl.DataFrame:
        """Write it as a row of table `deliveries`.

        Parameters
        ----------
        job_id : str
        at : datetime

        Returns
        -------
        DataFrame
            One row.
        """
        return pl.DataFrame(
            [{
                "job_id": job_id, "source": self.source, "table": self.table, "file": self.file,
                "market": self.market or None, "rows": self.rows, "rows_written": self.rows_written,
                "rows_quarantined": self.rows_quarantined, "instruments": self.instruments,
                "session_from": self.session_from, "session_to": self.session_to,
                "columns": json.dumps(dict(self.columns), ensure_ascii=False),
                "traits": json.dumps(dict(self.traits), ensure_ascii=False), "at": at,
            }],
            schema_overrides={"session_from": pl.Date, "session_to": pl.Date, "at": pl.Datetime("us", "UTC"),
                              "market": pl.String},
        )  # fmt: skip


def last_delivery(deliveries: pl.LazyFrame, source: str, table: str) -> Delivery | None:
    """Find the last delivery of a source.

    Parameters
    ----------
    deliveries : LazyFrame
        Rows of table `deliveries`.
    source : str
    table : str
        Table it was read into.

    Returns
    -------
    Delivery or None
        None where it has never delivered.
    """
    found = (
        deliveries.filter((pl.col("source") == source) & (pl.col("table") == table) & (pl.col("rows") > 0))
        .sort("at", "file").tail(1).collect()
    )  # fmt: skip
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return Delivery(
        source, table, row["file"], json.loads(row["columns"]), row["rows"], row["market"] or "", row["instruments"],
        row["session_from"], row["session_to"], row["rows_written"], row["rows_quarantined"], json.loads(row["traits"]),
    )  # fmt: skip


def date_forms(values: Iterable[str]) -> list[str]:
    """Tell in which forms dates are written.

    Parameters
    ----------
    values : iterable of str

    Returns
    -------
    list of str
        `YYYY-MM-DD`, `YYYYMMDD`, `YYYY/MM/DD`, `M/D/YYYY`, `D.M.YYYY`, `other`; the commonest first.
    """
    return _forms(values, _DATE_FORMS, other=True)


def symbol_forms(values: Iterable[str]) -> list[str]:
    """Tell in which telling forms symbols are written.

    Parameters
    ----------
    values : iterable of str

    Returns
    -------
    list of str
        By example, `sh.600000` or `BRK-B`, the commonest first; symbols that look alike everywhere tell nothing.
    """
    return _forms(values, _SYMBOL_FORMS, other=False)


def _forms(values: Iterable[str], known: Mapping[str, str], *, other: bool) -> list[str]:
    texts = pl.Series("text", [v for v in values if v], dtype=pl.String).unique()
    counts: dict[str, int] = {}
    looked = texts if not other else texts.head(_LOOKED_AT)
    rest = looked.len()
    for form, pattern in known.items():
        counts[form] = int(looked.str.contains(pattern).sum())
        rest -= counts[form]
    if other and rest > 0:
        counts["other"] = rest
    return [form for form, n in sorted(counts.items(), key=lambda item: -item[1]) if n]
