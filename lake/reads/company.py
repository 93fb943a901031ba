"""Typed reads of what companies reported, as it was known at a day."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from lake.catalog import AsOf
from lake.reads.rows import RowReads, years
from qbrain_core.errors import InvalidInputError

__all__ = ["CompanyReads"]

_ORDER = ("item_set", "period_end", "known_at")


class CompanyReads(RowReads):
    """Reads of fundamentals."""

    def fundamentals(self, instrument: str, *, known_at: date | None = None, as_of: AsOf = None) -> pl.DataFrame:
        """Read the reported figures of one instrument.

        Parameters
        ----------
        instrument : str
        known_at : date, optional
            What was known at the end of this day: of every period the newest filing until then. Without it, all
            filings of all periods.
        as_of : optional

        Returns
        -------
        DataFrame
            Sorted by item_set, period_end, known_at.
        """
        bounds = {"known_at": (None, known_at), "known_year": years(None, known_at)}
        rows = self._rows("fundamentals", as_of, bounds, {"instrument": [instrument]}).sort(_ORDER).collect()
        return rows if known_at is None else rows.unique(_ORDER[:2], keep="last", maintain_order=True)

    def fundamentals_known(
        self, session: date, *, market: str | None = None, instruments: Sequence[str] | None = None,
        item_set: str = "quarterly", as_of: AsOf = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Read the newest figures of many instruments as they were known at the end of a day.

        Parameters
        ----------
        session : date
            Filings that became public later are as if they were not there.
        market : str, optional
        instruments : sequence of str, optional
        item_set : str
            Which figures: quarterly or annual.
        as_of : optional

        Returns
        -------
        DataFrame
            Columns of `fundamentals`, one row per instrument that had reported by then, sorted by instrument: its
            latest period, and of that period the latest filing, so a restatement counts from the day it was published.

        Raises
        ------
        InvalidInputError
            If `instruments` is one text.
        """
        if isinstance(instruments, str):
            raise InvalidInputError("instruments", instruments, "it is a list of instrument ids")
        bounds = {"known_at": (None, session), "known_year": years(None, session)}
        values = {"market": [market] if market else None, "instrument": instruments, "item_set": [item_set]}
        rows = self._rows("fundamentals", as_of, bounds, values).sort("instrument", "period_end", "known_at")
        return rows.unique("instrument", keep="last", maintain_order=True).collect()
