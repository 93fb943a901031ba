"""How reads over many instruments name what they want: a field of some table, and a market, a universe or a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import pyarrow as pa

from lake.catalog import AsOf
from lake.files import Snapshot
from lake.reads.market import markets_of
from lake.reads.reference import ReferenceReads
from lake.tables import Table
from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["ChoiceReads", "Place", "numbers_of"]

_PLAIN = ("bars", "valuation")  # tables whose columns need no table's name before them


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field is: a table by name, and its column."""

    table: str
    column: str


class ChoiceReads(ReferenceReads):
    """Resolves fields and choices of instruments."""

    def _field(self, field: str, as_of: AsOf) -> Place:
        tables = [self.catalog.declaration(name) for name in _PLAIN]
        column = field
        if "." in field:
            name, _, column = field.partition(".")
            tables = [self.snapshot(name, as_of=as_of).table]
        for table in tables:
            if table.key != ("instrument", "session"):
                raise InvalidInputError("field", field, f"{table.name} has no value per instrument and session")
            offered = numbers_of(table)
            if column in offered:
                return Place(table.name, column)
            if column in table.schema.names:
                raise InvalidInputError("field", field, f"it is no number; those of {table.name}: {', '.join(offered)}")
        raise UnknownNameError("field", field, [name for table in tables for name in numbers_of(table)])

    def _chosen(
        self, market: str | None, universe: str | None, instruments: Sequence[str] | None, start: date | None,
        end: date | None, snapshot: Snapshot, as_of: AsOf,
    ) -> tuple[list[str] | None, list[str]]:  # fmt: skip
        # the instruments (None: all) and the markets they are in
        if sum(choice is not None for choice in (market, universe, instruments)) != 1:
            given = {"market": market, "universe": universe, "instruments": instruments}
            raise InvalidInputError("market", given, "give one of market, universe, instruments, and only one")
        if isinstance(instruments, str):
            raise InvalidInputError("instruments", instruments, "it is a list of instrument ids")
        present = sorted({str(file.partition["market"]) for file in snapshot.files})
        if market is not None:
            return None, [market] if market in present else []
        if universe is not None:
            spells = self.universe(universe, as_of=as_of)
            if spells.is_empty():
                raise UnknownNameError("universe", universe, self.universes(as_of=as_of))
            lasting = pl.col("end").is_null() | (pl.col("end") >= (start or date.min))
            met = spells.filter((pl.col("start") <= (end or date.max)) & lasting)
            names = met["instrument"].unique().sort().to_list()
        else:
            names = sorted(set(instruments or ()))
        possible = markets_of(names)
        return names, present if possible is None else [code for code in present if code in possible]


def numbers_of(table: Table) -> list[str]:
    """Name the columns of a table that hold numbers or booleans, keys and partitions left out.

    Parameters
    ----------
    table : Table

    Returns
    -------
    list of str
        In the table's order.
    """
    kinds = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean)
    return [
        c.name for c in table.columns
        if any(is_kind(c.type) for is_kind in kinds) and c.name not in (*table.key, *table.partitions)
    ]  # fmt: skip
