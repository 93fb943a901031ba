"""Typed reads of what there is to trade: instruments, and universes of them."""

from datetime import date
from typing import Any

import polars as pl

from lake.catalog import AsOf
from lake.reads.rows import RowReads
from lake.scan import scan_files
from lake.search import rank, searchable

__all__ = ["ReferenceReads"]


class ReferenceReads(RowReads):
    """Reads of instruments and universes."""

    def instruments(self, *, market: str | None = None, kind: str | None = None, as_of: AsOf = None) -> pl.DataFrame:
        """Read instruments.

        Parameters
        ----------
        market, kind, as_of : optional

        Returns
        -------
        DataFrame
            Sorted by instrument.
        """
        values = {"market": [market] if market else None, "kind": [kind] if kind else None}
        return self._rows("instruments", as_of, {}, values).sort("instrument").collect()

    def instrument(self, instrument: str, *, as_of: AsOf = None) -> dict[str, Any] | None:
        """Read one instrument.

        Parameters
        ----------
        instrument : str
        as_of : optional

        Returns
        -------
        dict or None
            Values by column; None where the lake has no such instrument.
        """
        rows = self._prepared(as_of).filter(pl.col("instrument") == instrument)
        return {k: v for k, v in rows.row(0, named=True).items() if not k.startswith("_")} if rows.height else None

    def search(
        self, text: str, *, market: str | None = None, kind: str | None = None, sector: str | None = None,
        limit: int = 50, as_of: AsOf = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Find instruments by code, name in English or Chinese, pinyin or initials, in any case, forgiving one slip.

        Parameters
        ----------
        text : str
            Empty: all.
        market, kind, sector : str, optional
        limit : int
            Rows at most.
        as_of : optional

        Returns
        -------
        DataFrame
            Columns of `instruments`; exact code, then code prefix, then name prefix, then substring, then all but
            for a slip; see `lake.search.rank`.
        """
        prepared = self._prepared(as_of)
        for column, value in (("market", market), ("kind", kind), ("sector", sector)):
            if value:
                prepared = prepared.filter(pl.col(column) == value)
        return rank(prepared, text, limit=limit)

    def universes(self, *, as_of: AsOf = None) -> list[str]:
        """List the universes there are.

        Parameters
        ----------
        as_of : optional

        Returns
        -------
        list of str
            Ascending.
        """
        rows = self._rows("universes", as_of, {}, {})
        return rows.select(pl.col("universe").unique().sort()).collect()["universe"].to_list()

    def universe(self, universe: str, *, as_of: AsOf = None) -> pl.DataFrame:
        """Read the spells of a universe.

        Parameters
        ----------
        universe : str
        as_of : optional

        Returns
        -------
        DataFrame
            Sorted by instrument, start.
        """
        snapshot = self.snapshot("universes", as_of=as_of)

        def read() -> pl.DataFrame:
            rows = self._rows("universes", {"universes": snapshot.version}, {}, {"universe": [universe]})
            return rows.sort("instrument", "start").collect()

        return self._remember("universe", [snapshot], read, universe=universe)

    def members(self, universe: str, session: date, *, as_of: AsOf = None) -> list[str]:
        """List the members of a universe on one session.

        Parameters
        ----------
        universe : str
        session : date
        as_of : optional

        Returns
        -------
        list of str
            Ascending.
        """
        lasting = pl.col("end").is_null() | (pl.col("end") >= session)
        spells = self.universe(universe, as_of=as_of).filter((pl.col("start") <= session) & lasting)
        return spells["instrument"].unique().sort().to_list()

    def _prepared(self, as_of: AsOf) -> pl.DataFrame:
        snapshot = self.snapshot("instruments", as_of=as_of)

        def read() -> pl.DataFrame:
            return searchable(scan_files(snapshot.files, snapshot.table, self.catalog.storage).collect())

        return self._remember("search", [snapshot], read)
