"""Typed reads as dense arrays: one field of many instruments, kept on the disk by the state of its table."""

from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.cache.arrays import StoredArray
from lake.cache.keys import code_digest
from lake.catalog import AsOf
from lake.cells import Axes
from lake.dense import extend, read_cells
from lake.files import Snapshot
from lake.panels import Panel
from lake.reads.choice import ChoiceReads
from qbrain_core.adjust import PRICES, Adjustment
from qbrain_core.errors import InvalidInputError

__all__ = ["PanelReads"]


class PanelReads(ChoiceReads):
    """Reads of panels."""

    def panel(
        self, field: str, *, market: str | None = None, universe: str | None = None,
        instruments: Sequence[str] | None = None, start: date | None = None, end: date | None = None,
        adjust: Adjustment = "none", dtype: Literal["float64", "float32"] = "float64", as_of: AsOf = None,
    ) -> Panel:  # fmt: skip
        """Read one field of many instruments as a dense array.

        The field of a whole market is kept on the local disk for each state of its table, and mapped into memory; new
        days extend what is kept. So the first panel of a field costs a read of its column, later ones next to nothing.

        Parameters
        ----------
        field : str
            A number or boolean: a column of `bars` or of `valuation`, or `<table>.<column>` as in `alpha158.KMID`.
        market, universe, instruments
            Exactly one: every instrument of a market; the members of a universe in the range, NaN in sessions in which
            they were not; or the instruments named, in any market.
        start, end : date, optional
            First and last session, both included.
        adjust : {"none", "forward", "backward"}
            What happens to prices of bars, as in `bars`: forward looks from each instrument's last bar in the range.
        dtype : {"float64", "float32"}
        as_of : optional

        Returns
        -------
        Panel
            Sessions are those the market, or markets, have rows of.

        Raises
        ------
        UnknownNameError
            If the field, its table or the universe is unknown.
        InvalidInputError
            If the field is no number, not exactly one choice is made, or the adjustment or dtype is unknown.
        """
        if dtype not in ("float64", "float32"):
            raise InvalidInputError("dtype", dtype, "a panel is float64 or float32")
        if adjust not in ("none", "forward", "backward"):
            raise InvalidInputError("adjust", adjust, "adjustment is one of none, forward, backward")
        place = self._field(field, as_of)
        snapshot = self.snapshot(place.table, as_of=as_of)
        names, markets = self._chosen(market, universe, instruments, start, end, snapshot, as_of)
        panel = self._over(snapshot, place.column, markets, start, end, names)
        if adjust != "none" and place.table == "bars" and place.column in PRICES:
            factor = self._over(snapshot, "factor", markets, start, end, names).values
            panel = Panel(field, panel.values * _scale(factor, adjust), panel.axes)
        if universe:
            panel = Panel(field, self._within(universe, panel, as_of), panel.axes)
        return Panel(field, panel.values.astype(dtype, order="K", copy=False), panel.axes)

    def _over(
        self, snapshot: Snapshot, column: str, markets: Sequence[str], start: date | None, end: date | None,
        names: Sequence[str] | None,
    ) -> Panel:  # fmt: skip
        panels = [self._of_market(snapshot, column, market).between(start, end) for market in markets]
        if not panels:
            empty = Panel(column, np.empty((0, 0)), Axes(np.empty(0, np.int32), ()))
            return empty if names is None else empty.of(names)
        panel = panels[0] if len(panels) == 1 else reduce(_beside, panels)
        return panel if names is None else panel.of(names)

    def _of_market(self, snapshot: Snapshot, column: str, market: str) -> Panel:
        table = snapshot.table.name
        state = self.catalog.state(table, snapshot.version)
        series = f"{table} {column} {market} {code_digest()}"
        arrays = self.cache.arrays

        def make() -> Panel:
            found = arrays.get(series, state)
            if found is not None:
                return _panel(column, found)
            with arrays.turn(series):
                found = arrays.get(series, state, counted=False)
                if found is not None:
                    return _panel(column, found)
                axes, values = self._extended(series, snapshot, column, market) or self._read(snapshot, column, market)
                facts = {"sessions": axes.sessions.tolist(), "instruments": axes.instruments}
                stored = arrays.put(series, state, values, facts)
                if stored is not None and snapshot.version == self.catalog.latest(table):
                    for old in set(arrays.states(series)) - {state}:
                        arrays.drop(series, old)
                return Panel(column, values, axes) if stored is None else _panel(column, stored)

        return self._remember("panel", [snapshot], make, column=column, market=market)

    def _extended(self, series: str, snapshot: Snapshot, column: str, market: str) -> tuple[Axes, NDArray[Any]] | None:
        # where files were only added since, what they hold is new: a changed row would have cost a file its place
        table, arrays = snapshot.table.name, self.cache.arrays
        for old in arrays.states(series):
            version = int(old.partition("-")[0])
            try:
                if version >= snapshot.version or self.catalog.state(table, version) != old:
                    continue
                before = self.catalog.snapshot(table, version)
            except InvalidInputError:  # cleaned up
                continue
            known = {file.path for file in before.files if file.may_hold("market", market, market)}
            if not known <= {file.path for file in snapshot.files}:
                continue
            stored = arrays.get(series, old, counted=False)
            if stored is None:
                continue
            added = tuple(file for file in snapshot.files if file.path not in known)
            fresh = Snapshot(snapshot.table, snapshot.version, added, snapshot.everywhere)
            cells = read_cells(fresh, self.catalog.storage, [column], bounds={}, values={"market": [market]})
            return extend(_axes(stored), stored.values, cells, column)
        return None

    def _read(self, snapshot: Snapshot, column: str, market: str) -> tuple[Axes, NDArray[Any]]:
        cells = read_cells(snapshot, self.catalog.storage, [column], bounds={}, values={"market": [market]})
        dense = cells.dense()
        return cells.axes, dense[column] if dense else np.empty((0, 0))

    def _within(self, universe: str, panel: Panel, as_of: AsOf) -> NDArray[Any]:
        # a name outside its spells would let a test know today's winners
        number = {name: n for n, name in enumerate(panel.axes.instruments)}
        member = np.zeros(panel.axes.shape, np.bool_, "F")
        spells = self.universe(universe, as_of=as_of).with_columns(pl.col("start", "end").to_physical())
        for name, start, end in spells.select("instrument", "start", "end").iter_rows():
            if name in number:
                last = len(member) if end is None else int(np.searchsorted(panel.axes.sessions, end, "right"))
                member[int(np.searchsorted(panel.axes.sessions, start)) : last, number[name]] = True
        return np.where(member, panel.values, np.nan).astype(panel.values.dtype, order="F", copy=False)


def _panel(column: str, stored: StoredArray) -> Panel:
    return Panel(column, stored.values, _axes(stored))


def _axes(stored: StoredArray) -> Axes:
    return Axes(np.array(stored.facts["sessions"], np.int32), tuple(stored.facts["instruments"]))


def _beside(left: Panel, right: Panel) -> Panel:
    # instruments of two markets differ, their sessions may
    axes = left.axes.union(right.axes)
    values = np.full(axes.shape, np.nan, left.values.dtype, "F")
    number = {name: n for n, name in enumerate(axes.instruments)}
    for panel in (left, right):
        rows = np.searchsorted(axes.sessions, panel.axes.sessions)
        values[np.ix_(rows, np.array([number[name] for name in panel.axes.instruments], np.intp))] = panel.values
    return Panel(left.field, values, axes)


def _scale(factor: NDArray[Any], adjust: Adjustment) -> NDArray[Any]:
    if adjust == "backward" or not len(factor):
        return factor
    last = len(factor) - 1 - np.argmax(~np.isnan(factor[::-1]), axis=0)
    scale: NDArray[Any] = factor / factor[last, np.arange(factor.shape[1])]
    return scale
