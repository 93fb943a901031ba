"""Typed reads in the shape people know from Qlib."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lake.catalog import AsOf
from lake.dense import read_cells
from lake.reads.choice import ChoiceReads
from qbrain_core.errors import UnknownNameError
from qbrain_core.factors.fields import FIELDS, expression_fields

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["QlibReads"]

_COLUMNS = ("open", "high", "low", "close", "volume", "amount", "factor", "halted")
_ALWAYS = ("factor", "halted")


class QlibReads(ChoiceReads):
    """Reads of pandas frames."""

    def pandas(
        self, fields: Sequence[str] = ("$open", "$high", "$low", "$close", "$volume", "$factor"), *,
        market: str | None = None, universe: str | None = None, instruments: Sequence[str] | None = None,
        start: date | None = None, end: date | None = None, as_of: AsOf = None,
    ) -> "pd.DataFrame":  # fmt: skip
        """Read bars as Qlib's data loaders give them.

        Parameters
        ----------
        fields : sequence of str
            `$open`, `$high`, `$low`, `$close`, `$volume`, `$vwap`, `$amount`, `$factor`: prices × factor, volume ÷
            factor (see `qbrain_core.factors.fields`). Expressions are a factor set's business.
        market, universe, instruments
            Exactly one: every instrument of a market; those that were members of a universe at any time in the range;
            or those named.
        start, end : date, optional
            First and last session, both included.
        as_of : optional

        Returns
        -------
        pandas.DataFrame
            Index (datetime, instrument), ascending; one float32 column per field. NaN on halted sessions, and in those
            an instrument lacks between its first and last one read. The values are those of `D.features`, whose index
            has the two levels the other way round.

        Raises
        ------
        UnknownNameError
            If a field or the universe is unknown.
        InvalidInputError
            If not exactly one choice is made.
        """
        import pandas as pd  # takes a while, and most reads do without

        names = [field.removeprefix("$") for field in fields]
        for field, name in zip(fields, names, strict=True):
            if name not in FIELDS:
                raise UnknownNameError("fields", field, [f"${known}" for known in FIELDS])
        behind = [c for c in _COLUMNS if c in (*names, *_ALWAYS) or ("vwap" in names and c in ("amount", "volume"))]
        snapshot = self.snapshot("bars", as_of=as_of)
        chosen, markets = self._chosen(market, universe, instruments, start, end, snapshot, as_of)
        cells = read_cells(
            snapshot, self.catalog.storage, behind, bounds={"session": (start, end)},
            values={"market": markets, "instrument": chosen},
        )  # fmt: skip
        n_sessions, n_instruments = cells.axes.shape
        dense = cells.dense(by="session") or {name: np.empty((0, 0)) for name in behind}
        known = ~np.isnan(dense["factor"])
        listed = np.flatnonzero(np.logical_or.accumulate(known) & np.logical_or.accumulate(known[::-1])[::-1])
        raw = {name: values.reshape(-1) for name, values in dense.items()}
        if len(listed) < n_sessions * n_instruments:
            raw = {name: values[listed] for name, values in raw.items()}
        raw["halted"] = raw["halted"] != 0  # also where there is no bar, which is NaN
        absent = [pl.lit(None, pl.Float64).alias(name) for name in _COLUMNS if name not in raw]
        bars = pl.DataFrame(raw).with_columns(*absent, instrument=None, session=None)
        shown = expression_fields(bars).select(pl.col(names).cast(pl.Float32))
        days = cells.axes.sessions.astype("datetime64[D]").astype("datetime64[ns]")
        index = pd.MultiIndex(
            levels=[pd.DatetimeIndex(days), pd.Index(cells.axes.instruments, dtype="str")],  # type: ignore[list-item]
            codes=[listed // max(n_instruments, 1), listed % max(n_instruments, 1)],  # type: ignore[list-item]
            names=["datetime", "instrument"],
            verify_integrity=False,
        )
        columns = {f"${name}": shown[name].to_numpy() for name in names}
        return pd.DataFrame(columns, index=index, copy=False)
