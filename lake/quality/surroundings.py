"""What a check may look at besides the rows it judges: the market, what is stored, what came before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from lake.quality.delivery import Delivery
from qbrain_core.markets import Market
from qbrain_core.sessions import trading_sessions

__all__ = ["Surroundings"]

_NO_SESSIONS = pl.Series("session", [], dtype=pl.Date)


@dataclass(frozen=True)
class Surroundings:
    """Everything around rows; whatever is not known is left out, and the checks that need it stay silent.

    Attributes
    ----------
    market : Market, optional
    stored : DataFrame, optional
        Rows of the same table that the lake has for the instruments concerned, before anything is written.
    same_source : bool
        Whether `stored` came from the source that delivers now.
    read : callable, optional
        Gives the rows of another table (of `market`, where the table has markets), at the version that is checked.
    sessions : callable, optional
        Gives the sessions from one date to another; the market's calendar where left out.
    now : datetime
        The moment freshness is judged at.
    delivery, previous : Delivery, optional
        What is being delivered, and what the same source delivered last.
    """

    market: Market | None = None
    stored: pl.DataFrame | None = None
    same_source: bool = True
    read: Callable[[str], pl.DataFrame] | None = None
    sessions: Callable[[date, date], pl.Series] | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    delivery: Delivery | None = None
    previous: Delivery | None = None
    _known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def table(self, name: str) -> pl.DataFrame | None:
        """Read another table, once.

        Parameters
        ----------
        name : str

        Returns
        -------
        DataFrame or None
            None where it cannot be read from here, or has no rows.
        """
        if self.read is None:
            return None
        if name not in self._known:
            self._known[name] = self.read(name)
        rows: pl.DataFrame = self._known[name]
        return None if rows.is_empty() else rows

    def calendar(self, start: date | None, end: date | None) -> pl.Series:
        """List the sessions of the market's calendar.

        Parameters
        ----------
        start, end : date or None
            Both included.

        Returns
        -------
        Series of date
            Ascending; none without a market or a range.
        """
        if start is None or end is None or start > end:
            return _NO_SESSIONS
        if self.sessions is not None:
            return self.sessions(start, end)
        if self.market is None:
            return _NO_SESSIONS
        return trading_sessions(self.market, start, end, overrides=self.table("calendar_overrides"))

    def with_tables(self, tables: Mapping[str, pl.DataFrame]) -> "Surroundings":
        """Make a copy that reads other tables from frames.

        Parameters
        ----------
        tables : mapping of str to DataFrame

        Returns
        -------
        Surroundings
        """
        return Surroundings(
            self.market, self.stored, self.same_source, lambda name: tables.get(name, pl.DataFrame()), self.sessions,
            self.now, self.delivery, self.previous,
        )  # fmt: skip
