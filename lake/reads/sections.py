"""Typed reads across a market: many fields of many instruments in one session."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

import polars as pl

from lake.catalog import AsOf
from lake.reads.choice import ChoiceReads
from lake.scan import scan_rows

__all__ = ["SectionReads"]


class SectionReads(ChoiceReads):
    """Reads of cross-sections."""

    def cross_section(
        self, session: date, *, fields: Sequence[str] = ("close", "volume"), market: str | None = None,
        universe: str | None = None, instruments: Sequence[str] | None = None, as_of: AsOf = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Read some fields of many instruments in one session.

        Parameters
        ----------
        session : date
        fields : sequence of str
            Numbers or booleans: columns of `bars` or of `valuation`, or `<table>.<column>` as in `alpha158.KMID`.
        market, universe, instruments
            Exactly one: the instruments of a market that have a bar in the session; the members of a universe then; or
            those named.
        as_of : optional

        Returns
        -------
        DataFrame, columns (instrument: str, then the fields as they were named)
            Prices at the source's basis. Sorted by instrument; null where an instrument has no value.

        Raises
        ------
        UnknownNameError
            If a field, its table or the universe is unknown.
        InvalidInputError
            If a field is no number, or not exactly one choice is made.
        """
        bars = self.snapshot("bars", as_of=as_of)
        names, _ = self._chosen(market, universe, instruments, session, session, bars, as_of)
        columns: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for field in dict.fromkeys(fields):
            place = self._field(field, as_of)
            columns[place.table][field] = place.column
        snapshots = {table: self.snapshot(table, as_of=as_of) for table in columns} | {"bars": bars}
        bounds = {"session": (session, session), "year": (session.year, session.year)}
        values = {"market": [market] if market else None, "instrument": names}

        def read() -> pl.DataFrame:
            section = pl.LazyFrame({"instrument": names or []}, schema={"instrument": pl.String})
            if names is None:
                section = scan_rows(bars, self.catalog.storage, bounds, values).select("instrument")
            for table, wanted in columns.items():
                rows = scan_rows(snapshots[table], self.catalog.storage, bounds, values)
                chosen = rows.select("instrument", **{field: pl.col(column) for field, column in wanted.items()})
                section = section.join(chosen, on="instrument", how="left")
            return section.select("instrument", *dict.fromkeys(fields)).sort("instrument").collect()

        asked = {"session": session, "fields": tuple(fields), "market": market, "names": names and tuple(names)}
        return self._remember("cross_section", snapshots.values(), read, shared=True, **asked)
