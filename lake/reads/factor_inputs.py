"""What factor expressions read, put together from the lake's tables: only the columns, rows and tables they name."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from lake.catalog import AsOf
from lake.reads.groups import GROUP_FIELDS, group_codes
from lake.reads.reference import ReferenceReads
from lake.reads.rows import years
from lake.reads.statements import read_items, statement_rows
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors.fields import BAR_COLUMNS, expression_fields
from qbrain_core.markets import market_of

__all__ = ["BENCHMARK_FIELDS", "INPUT_FIELDS", "VALUATION_FIELDS", "FactorInputReads", "FactorInputs", "input_tables"]

BENCHMARK_FIELDS = tuple(f"benchmark_{name}" for name in ("open", "high", "low", "close", "volume", "return"))
"""Fields of the market's benchmark, the same for every instrument of a session."""

VALUATION_FIELDS: dict[str, str] = {
    "pe": "pe_ttm", "pb": "pb", "ps": "ps_ttm", "pcf": "pcf_ttm", "dividend_yield": "dividend_yield_ttm",
    "market_cap": "market_cap", "float_market_cap": "float_cap",
}  # fmt: skip
"""Columns of the table `valuation` by field; the columns' own names are fields, too."""

_VALUATION = VALUATION_FIELDS | {column: column for column in VALUATION_FIELDS.values()}

INPUT_FIELDS = tuple(dict.fromkeys([*BAR_COLUMNS, *BENCHMARK_FIELDS, *GROUP_FIELDS, *_VALUATION]))
"""Every field (`$name`) the lake has."""

_KEY = ["instrument", "session"]


@dataclass(frozen=True)
class FactorInputs:
    """What a set of expressions reads.

    Attributes
    ----------
    bars : DataFrame, columns (instrument, session, then the fields asked for: f32)
        Sorted by instrument and session.
    statements : DataFrame or None, columns (instrument, period: i32, known_at: date, field: str, value: f64)
        Every filing that was known by the last session; None where nothing was asked for.
    missing : tuple of str
        Fields the lake has nothing of, null throughout.
    """

    bars: pl.DataFrame
    statements: pl.DataFrame | None = None
    missing: tuple[str, ...] = ()


def input_tables(fields: Collection[str], items: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Tell which tables and columns expressions read.

    Parameters
    ----------
    fields : collection of str
        Names behind `$`.
    items : collection of str
        Names behind `$$`.

    Returns
    -------
    dict of str to tuple of str
        Columns by table, keys left out; `bars` always, because its rows are the rows of factors.

    Raises
    ------
    UnknownNameError
        If the lake has no such field or item.
    """
    for name in fields:
        if name not in INPUT_FIELDS:
            raise UnknownNameError("field", name, INPUT_FIELDS)
    needed = [column for name in fields for column in BAR_COLUMNS.get(name, ())]
    for name in fields:
        if name in BENCHMARK_FIELDS:
            needed += BAR_COLUMNS[_of_benchmark(name)]
    tables = {"bars": tuple(dict.fromkeys(needed))}
    if found := tuple(dict.fromkeys(_VALUATION[name] for name in fields if name in _VALUATION)):
        tables["valuation"] = found
    if any(name in GROUP_FIELDS for name in fields):
        tables["industries"] = ("industry", "end")
    if items:
        tables["fundamentals"] = (*read_items(items), "fiscal_year", "fiscal_period")
    return tables


class FactorInputReads(ReferenceReads):
    """Reads for factor expressions."""

    def factor_inputs(
        self, fields: Collection[str], *, market: str, instruments: Sequence[str], items: Collection[str] = (),
        start: date | None = None, end: date | None = None, benchmark: str = "", as_of: AsOf = None,
    ) -> FactorInputs:  # fmt: skip
        """Read what expressions name.

        Parameters
        ----------
        fields : collection of str
            Names behind `$`: see `INPUT_FIELDS`. Prices and volumes in Qlib's meaning (`expression_fields`); groups as
            codes of the classes that an instrument was in on the day.
        market : str
        instruments : sequence of str
        items : collection of str
            Names behind `$$`: numbers of the table `fundamentals`; of its quarters, or of its years where the name ends
            in `_a`.
        start, end : date, optional
            First and last session, both included.
        benchmark : str
            Instrument that the fields `benchmark_…` are of.
        as_of : optional

        Returns
        -------
        FactorInputs
            Nothing in it was known later than its row's session, or its `known_at`.

        Raises
        ------
        UnknownNameError
            If the lake has no such field or item.
        InvalidInputError
            If a field of the benchmark is asked for and none is named.
        """
        if isinstance(instruments, str):
            raise InvalidInputError("instruments", instruments, "it is a list of instrument ids")
        tables = input_tables(fields, items)
        own = [name for name in fields if name in BAR_COLUMNS]
        columns = tuple(dict.fromkeys(column for name in own for column in BAR_COLUMNS[name]))
        rows = self._of_names("bars", market, instruments, columns, start, end, as_of)
        frame = expression_fields(rows, own).with_columns(pl.col(own).cast(pl.Float32))
        missing: list[str] = []
        if "valuation" in tables:
            given = {name: _VALUATION[name] for name in fields if name in _VALUATION}
            found = self._of_names("valuation", market, instruments, tuple(given.values()), start, end, as_of)
            frame = _beside(frame, found, given)
            missing += [name for name in given if found.is_empty()]
        if theirs := [name for name in fields if name in BENCHMARK_FIELDS]:
            found = self._benchmark(benchmark, theirs, as_of)
            frame = frame.join(found, on="session", how="left", maintain_order="left")
            missing += theirs if found.is_empty() else []
        if groups := [name for name in fields if name in GROUP_FIELDS]:
            spells = self._rows("industries", as_of, {}, {"market": [market]}).collect()
            frame = group_codes(frame, spells, groups)
            missing += groups if spells.is_empty() else []
        statements = self._statements(market, instruments, items, end, as_of) if items else None
        return FactorInputs(frame.select(*_KEY, *fields), statements, tuple(missing))

    def _of_names(
        self, table: str, market: str, instruments: Sequence[str], columns: Sequence[str], start: date | None,
        end: date | None, as_of: AsOf,
    ) -> pl.DataFrame:  # fmt: skip
        names = pl.Series("instrument", sorted(set(instruments)), pl.String)
        if names.is_empty():
            names = pl.Series("instrument", [""])
        bounds = {"session": (start, end), "year": years(start, end), "instrument": (names[0], names[-1])}
        rows = (
            self._rows(table, as_of, bounds, {"market": [market]})
            .select(list(dict.fromkeys([*_KEY, *columns])))
            .collect()
        )
        # whoever is in order already, as files of one year are, is not sorted again; numbers sort faster than texts
        rank = rows["instrument"].replace_strict(names, pl.int_range(len(names), eager=True), default=None)
        rows = rows.with_columns(_rank=rank.cast(pl.Int32)).filter(pl.col("_rank").is_not_null())
        return rows.sort("_rank", "session").drop("_rank")

    def _benchmark(self, benchmark: str, fields: Sequence[str], as_of: AsOf) -> pl.DataFrame:
        if not benchmark:
            raise InvalidInputError("benchmark", benchmark, f"expressions read {fields[0]}: name the index it is of")
        own = sorted({_of_benchmark(name) for name in fields})
        columns = sorted({column for name in own for column in BAR_COLUMNS[name]})
        rows = self._of_names("bars", market_of(benchmark).code, [benchmark], columns, None, None, as_of)
        made = expression_fields(rows, own)
        closes = pl.col("close")
        values = {
            name: closes / closes.shift(1) - 1 if name == "benchmark_return" else pl.col(_of_benchmark(name))
            for name in fields
        }
        return made.select("session", *(value.cast(pl.Float32).alias(name) for name, value in values.items()))

    def _statements(
        self, market: str, instruments: Sequence[str], items: Collection[str], end: date | None, as_of: AsOf
    ) -> pl.DataFrame:
        bounds = {"known_at": (None, end), "known_year": years(None, end)}
        rows = self._rows("fundamentals", as_of, bounds, {"market": [market]})
        names = pl.DataFrame({"instrument": sorted(set(instruments))}, schema={"instrument": pl.String})
        return statement_rows(rows.join(names.lazy(), on="instrument", how="semi").collect(), items)


def _of_benchmark(field: str) -> str:
    name = field.removeprefix("benchmark_")
    return "close" if name == "return" else name


def _beside(frame: pl.DataFrame, found: pl.DataFrame, given: Mapping[str, str]) -> pl.DataFrame:
    values = found.select(*_KEY, *(pl.col(column).cast(pl.Float32).alias(name) for name, column in given.items()))
    return frame.join(values, on=_KEY, how="left", maintain_order="left")
