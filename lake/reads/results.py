"""Typed reads of what jobs made: predictions and backtests."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import polars as pl

from lake.catalog import AsOf
from lake.reads.rows import RowReads, years
from qbrain_core.errors import UnknownNameError

__all__ = ["ResultReads"]

_JSON_COLUMNS = ("spec", "pins", "metrics", "caveats")
_RUN_TABLES = ("backtest_equity", "backtest_positions", "backtest_fills", "backtest_rejections")


class ResultReads(RowReads):
    """Reads of scores and runs."""

    def predictions(
        self, model: str, version: int, *, start: date | None = None, end: date | None = None,
        instruments: Sequence[str] | None = None, as_of: AsOf = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Read the scores of one model version.

        Parameters
        ----------
        model : str
        version : int
        start, end, instruments, as_of : optional
            As for `bars`.

        Returns
        -------
        DataFrame
            Sorted by session, instrument.
        """
        bounds = {"session": (start, end), "year": years(start, end)}
        values: dict[str, Collection[Any] | None] = {"model": [model], "version": [version], "instrument": instruments}
        return self._rows("predictions", as_of, bounds, values).sort("session", "instrument").collect()

    def runs(self, *, limit: int = 200, as_of: AsOf = None) -> pl.DataFrame:
        """List finished backtests.

        Parameters
        ----------
        limit : int
        as_of : optional

        Returns
        -------
        DataFrame
            Columns of `backtest_runs`, newest first.
        """
        rows = self._rows("backtest_runs", as_of, {}, {})
        return rows.sort("created_at", "run_id", descending=[True, False]).head(limit).collect()

    def run(self, run_id: str, *, as_of: AsOf = None) -> dict[str, Any] | None:
        """Read one finished backtest.

        Parameters
        ----------
        run_id : str
        as_of : optional

        Returns
        -------
        dict or None
            Values by column, with spec, pins, metrics and caveats decoded; None where there is no such run.
        """
        return self._record("backtest_runs", run_id, as_of, _JSON_COLUMNS)

    def run_table(self, table: str, run_id: str, *, as_of: AsOf = None) -> pl.DataFrame:
        """Read a result table of one backtest.

        Parameters
        ----------
        table : str
            backtest_equity, backtest_positions, backtest_fills or backtest_rejections.
        run_id : str
        as_of : optional

        Returns
        -------
        DataFrame
            Sorted by the table's key.

        Raises
        ------
        UnknownNameError
            If it is none of these tables.
        """
        if table not in _RUN_TABLES:
            raise UnknownNameError("table", table, _RUN_TABLES)
        key = self.catalog.declaration(table).key
        return self._rows(table, as_of, {}, {"run_id": [run_id]}).sort(key).collect()
