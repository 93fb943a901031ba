"""Rows of a whole market that are kept on the local disk for each state of their table, for frames made of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.cache.keys import code_digest
from lake.cells import Axes
from lake.dense import read_cells
from lake.files import Snapshot
from lake.reads.choice import ChoiceReads
from qbrain_core.factors.fields import BAR_COLUMNS, expression_fields

__all__ = ["KeptReads", "fields_of"]


class KeptReads(ChoiceReads):
    """Reads that are answered from the local disk the second time."""

    def _factors_of_market(
        self, snapshot: Snapshot, names: Sequence[str], market: str
    ) -> tuple[Axes, NDArray[np.int64], NDArray[np.float32]]:
        # places by session, and the columns as the rows of one block
        arrays, state = self.cache.arrays, self.catalog.state(snapshot.table.name, snapshot.version)
        series = f"rows {snapshot.table.name} {market} {','.join(names)} {code_digest()}"
        rows, stored = arrays.get(f"{series} places", state), arrays.get(series, state)
        if rows is not None and stored is not None:
            return _axes(rows.facts), rows.values, stored.values
        cells = read_cells(snapshot, self.catalog.storage, names, bounds={}, values={"market": [market]})
        places, block = cells.rows()
        with arrays.turn(series):
            arrays.put(f"{series} places", state, places, _facts(cells.axes))
            arrays.put(series, state, block, {})
        return cells.axes, places, block

    def _fields_of_market(
        self, snapshot: Snapshot, fields: Sequence[str], market: str
    ) -> tuple[Axes, NDArray[np.int64], dict[str, NDArray[np.float32]]]:
        # places by instrument, gaps included, and what expressions read there
        arrays, state = self.cache.arrays, self.catalog.state(snapshot.table.name, snapshot.version)
        series = f"fields {market} {code_digest()}"
        rows = arrays.get(f"{series} places", state)
        stored = {name: arrays.get(f"{series} {name}", state) for name in fields} if rows is not None else {}
        found = {name: array.values for name, array in stored.items() if array is not None}
        missing = [name for name in fields if name not in found]
        if rows is not None and not missing:
            return _axes(rows.facts), rows.values, found
        columns, make = fields_of(missing)
        values = {"market": [market]}
        cells = read_cells(snapshot, self.catalog.storage, columns, bounds={}, values=values, make=make)
        places, block = cells.rows(by="instrument", gaps=True)
        with arrays.turn(series):
            arrays.put(f"{series} places", state, places, _facts(cells.axes))
            for name, column in zip(missing, block, strict=len(block) > 0):
                arrays.put(f"{series} {name}", state, column, {})
        found |= dict(zip(missing, block, strict=len(block) > 0))
        return cells.axes, places, {name: found[name] for name in fields if name in found}


def fields_of(names: Sequence[str]) -> tuple[tuple[str, ...], Callable[[pl.DataFrame], pl.DataFrame]]:
    """Tell how fields are made of stored bars.

    Parameters
    ----------
    names : sequence of str
        Of `BAR_COLUMNS`.

    Returns
    -------
    tuple of str
        The columns to read.
    callable
        Makes the fields, as float32, of a frame of these.
    """
    columns = tuple(dict.fromkeys(column for name in names for column in BAR_COLUMNS[name]))
    return columns, lambda rows: expression_fields(rows, names).with_columns(pl.col(names).cast(pl.Float32))


def _facts(axes: Axes) -> dict[str, object]:
    return {"sessions": axes.sessions.tolist(), "instruments": axes.instruments}


def _axes(facts: Mapping[str, Any]) -> Axes:
    return Axes(np.array(facts["sessions"], np.int32), tuple(facts["instruments"]))
