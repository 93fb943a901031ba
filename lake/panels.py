"""A field of many instruments over many sessions, as one dense array."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.cells import Axes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Panel"]


@dataclass(frozen=True, eq=False)
class Panel:
    """One field; immutable, and often a view of a file that every process shares.

    Attributes
    ----------
    field : str
    values : array, shape (n_sessions, n_instruments)
        NaN where there is no value. Read-only; the values of one instrument lie side by side in memory.
    axes : Axes
    """

    field: str
    values: NDArray[Any]
    axes: Axes

    def __post_init__(self) -> None:
        self.values.flags.writeable = False

    def __deepcopy__(self, memo: dict[int, Any]) -> "Panel":
        return self

    @cached_property
    def sessions(self) -> list[date]:
        """Session of each row, ascending."""
        return pl.Series(self.axes.sessions, dtype=pl.Int32).cast(pl.Date).to_list()

    @property
    def instruments(self) -> list[str]:
        """Instrument of each column, ascending."""
        return list(self.axes.instruments)

    def between(self, start: date | None, end: date | None) -> "Panel":
        """Take some sessions.

        Parameters
        ----------
        start, end : date or None
            First and last, both included.

        Returns
        -------
        Panel
            A view.
        """
        days = self.axes.sessions
        low = 0 if start is None else bisect_left(days, _day(start))
        high = len(days) if end is None else bisect_right(days, _day(end))
        if (low, high) == (0, len(days)):
            return self
        return Panel(self.field, self.values[low:high], Axes(days[low:high], self.axes.instruments))

    def of(self, instruments: Sequence[str]) -> "Panel":
        """Take some instruments.

        Parameters
        ----------
        instruments : sequence of str

        Returns
        -------
        Panel
            With exactly these, ascending; a column of NaN where the panel lacks one.
        """
        wanted = tuple(sorted(set(instruments)))
        if wanted == self.axes.instruments:
            return self
        number = {name: n for n, name in enumerate(self.axes.instruments)}
        values = np.full((len(self.axes.sessions), len(wanted)), np.nan, self.values.dtype, "F")
        known = [(n, number[name]) for n, name in enumerate(wanted) if name in number]
        if known:
            to, source = map(list, zip(*known, strict=True))
            values[:, to] = self.values[:, source]
        return Panel(self.field, values, Axes(self.axes.sessions, wanted))

    def frame(self) -> pl.DataFrame:
        """Give the panel as a wide frame.

        Returns
        -------
        DataFrame, columns (session: date, then one per instrument)
            NaN where there is no value.
        """
        days = pl.Series("session", self.axes.sessions, dtype=pl.Int32).cast(pl.Date)
        columns = [pl.Series(name, self.values[:, n]) for n, name in enumerate(self.axes.instruments)]
        return pl.DataFrame([days, *columns])

    def pandas(self) -> "pd.DataFrame":
        """Give the panel as a pandas frame over the same memory.

        Returns
        -------
        pandas.DataFrame
            Index `datetime`, columns `instrument`; NaN where there is no value.
        """
        import pandas as pd  # takes a while, and most reads do without

        index = pd.DatetimeIndex(self.axes.sessions.astype("datetime64[D]").astype("datetime64[ns]"), name="datetime")
        columns = pd.Index(self.axes.instruments, name="instrument")
        return pd.DataFrame(self.values, index=index, columns=columns, copy=False)


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days
