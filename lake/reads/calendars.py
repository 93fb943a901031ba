"""Typed reads of a market's calendar: the exchange's, with the days on which the lake knows better."""

from datetime import date

import polars as pl

from lake.catalog import AsOf
from lake.reads.rows import RowReads
from qbrain_core.errors import UnknownNameError
from qbrain_core.markets import MARKETS
from qbrain_core.sessions import trading_hours

__all__ = ["CalendarReads"]


class CalendarReads(RowReads):
    """Reads of sessions and hours that do not ask whether there are bars."""

    def calendar(self, market: str, start: date, end: date, *, as_of: AsOf = None) -> pl.DataFrame:
        """Read when a market trades.

        Parameters
        ----------
        market : str
        start, end : date
            Both included.
        as_of : optional
            Of the overrides; the calendar itself has no history.

        Returns
        -------
        DataFrame, columns (session: date, opens, pauses, resumes, closes: datetime[us, UTC])
            Ascending; see `qbrain_core.sessions.trading_hours`. Rows of table `calendar_overrides` are applied.

        Raises
        ------
        UnknownNameError
            If there is no such market.
        InvalidInputError
            If an override's time is not HH:MM, or its close is not after its open.
        """
        if market not in MARKETS:
            raise UnknownNameError("market", market, MARKETS)
        overrides = self.calendar_overrides(market, as_of=as_of)
        return trading_hours(MARKETS[market], start, end, overrides=overrides)

    def calendar_overrides(self, market: str, *, as_of: AsOf = None) -> pl.DataFrame:
        """Read the days on which a market differs from its calendar.

        Parameters
        ----------
        market : str
        as_of : optional

        Returns
        -------
        DataFrame
            Sorted by session.
        """
        return self._rows("calendar_overrides", as_of, {}, {"market": [market]}).sort("session").collect()
