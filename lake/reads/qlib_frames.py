"""Typed reads in the shape people know from Qlib, which is what models are trained on."""

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.catalog import AsOf
from lake.cells import Axes
from lake.dense import read_cells
from lake.reads.choice import numbers_of
from lake.reads.kept import KeptReads, fields_of
from lake.reads.rows import years
from qbrain_core.errors import UnknownNameError
from qbrain_core.factors import compute_blocks, parse
from qbrain_core.factors.expression import dependencies, lookback
from qbrain_core.factors.fields import BAR_COLUMNS, FIELDS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["QlibReads"]

_ALL_ROWS = 10_000  # a window this long reads every session there is


class QlibReads(KeptReads):
    """Reads of pandas frames."""

    def pandas(
        self, fields: Sequence[str] | Mapping[str, str] = ("$open", "$high", "$low", "$close", "$volume", "$factor"), *,
        market: str | None = None, universe: str | None = None, instruments: Sequence[str] | None = None,
        start: date | None = None, end: date | None = None, allow_future: bool = False, threads: int | None = None,
        as_of: AsOf = None,
    ) -> "pd.DataFrame":  # fmt: skip
        """Read bars, and compute expressions over them, as Qlib's data loaders give them.

        Parameters
        ----------
        fields : sequence of str, or mapping of str to str
            Expressions over what bars give: `$open`, `$high`, `$low`, `$close`, `$volume`, `$vwap`, `$amount`,
            `$factor`, `$turnover` (see `qbrain_core.factors.fields`), such as `Mean($close, 5)/$close`. A mapping
            names the columns; otherwise each is called as it is written.
        market, universe, instruments
            Exactly one: every instrument of a market; those that were members of a universe at any time in the range;
            or those named. Operators across instruments see these and no others.
        start, end : date, optional
            First and last session, both included. Windows reach back to earlier ones.
        allow_future : bool
            Accept a negative `Ref` or `Delta`, for labels.
        threads : int, optional
            Blocks of instruments computed at once; as many as there are processors when left out.
        as_of : optional

        Returns
        -------
        pandas.DataFrame
            Index (datetime, instrument), ascending; one float32 column per field, side by side in one block. NaN on
            halted sessions where the expression has no value there, and in those an instrument lacks between its first
            and last one read. The values are those of `D.features`, whose index has the two levels the other way round.

        Raises
        ------
        FactorSyntaxError
            If an expression cannot be read.
        UnknownNameError
            If a field or the universe is unknown.
        InvalidInputError
            If not exactly one choice is made, or an expression looks ahead.
        """
        texts = dict(fields) if isinstance(fields, Mapping) else {field: field for field in fields}
        plain = {name: text.removeprefix("$") for name, text in texts.items() if text.removeprefix("$") in FIELDS}
        first, trees = start, {n: parse(t, parameter=f"fields[{n!r}]") for n, t in texts.items() if n not in plain}
        read = set(plain.values()).union(*(dependencies(tree).fields for tree in trees.values()))
        statements = [f"$${name}" for tree in trees.values() for name in dependencies(tree).statements]
        for field in (*(f"${name}" for name in sorted(read)), *statements):
            if field[1:] not in BAR_COLUMNS:
                raise UnknownNameError("fields", field, [f"${known}" for known in BAR_COLUMNS])
        if start is not None and trees:
            back = max(lookback(tree) for tree in trees.values())
            # three calendar days a session cover every holiday
            first = start - timedelta(days=10 + 3 * int(back)) if back < _ALL_ROWS else None
        order = list(dict.fromkeys([*plain.values(), *sorted(read)]))
        snapshot = self.snapshot("bars", as_of=as_of)
        chosen, markets = self._chosen(market, universe, instruments, start, end, snapshot, as_of)
        if trees and len(markets) == 1:
            axes, rows, values = self._fields_of_market(snapshot, order, markets[0])
            rows, values = _of_range(axes, rows, values, chosen, first, end)
        else:
            columns, make = fields_of(order)
            cells = read_cells(
                snapshot, self.catalog.storage, columns, bounds={"session": (first, end), "year": years(first, end)},
                values={"market": markets, "instrument": chosen}, make=make,
            )  # fmt: skip
            if not trees:
                places, block = cells.rows(gaps=True)
                taken = [order.index(field) for field in plain.values()]
                block = block[taken] if len(block) and taken != list(range(len(order))) else block
                return _framed(cells.axes, places, list(texts), block)
            axes, (rows, block) = cells.axes, cells.rows(by="instrument", gaps=True)
            values = dict(zip(order, block, strict=len(block) > 0))
        if not len(rows):
            return _framed(axes, rows, list(texts), np.empty((len(texts), 0), np.float32))
        bars, seats, places = _by_instrument(axes, rows, values, start)
        block = np.empty((len(texts), len(places)), np.float32)
        made = dict(zip(texts, block, strict=True))
        kept = bars if len(seats) == bars.height else bars.filter(pl.col("session") >= start)
        for name, field in plain.items():
            made[name][seats] = kept[field].to_numpy()
        done, asked = 0, {name: texts[name] for name in trees}
        for part in compute_blocks(
            asked, bars, calendar=_days(axes).to_list(), allow_future=allow_future, start=start,
            threads=threads or os.cpu_count() or 1,
        ):  # fmt: skip
            where = seats[done : done + part.height]
            for name in trees:
                made[name][where] = _values(part[name])
            done += part.height
        return _framed(axes, places, list(texts), block)

    def dataset(
        self, table: str, columns: Sequence[str] | None = None, *, market: str | None = None,
        universe: str | None = None, instruments: Sequence[str] | None = None, start: date | None = None,
        end: date | None = None, as_of: AsOf = None,
    ) -> "pd.DataFrame":  # fmt: skip
        """Read a factor table as the frame that models are trained on.

        All factors of a market are kept on the local disk for each state of the table: the first such read takes them
        from the table, later ones from there.

        Parameters
        ----------
        table : str
            `factors/<set>-<hash8>`, or any other table of numbers by instrument and session.
        columns : sequence of str, optional
            All numbers of the table when left out.
        market, universe, instruments, start, end, as_of
            As for `pandas`.

        Returns
        -------
        pandas.DataFrame
            Index (datetime, instrument), ascending: the rows of the table. One float32 column per factor, side by side
            in one block; NaN where a factor has no value.

        Raises
        ------
        UnknownNameError
            If the table, a column or the universe is unknown.
        InvalidInputError
            If not exactly one choice is made.
        """
        snapshot = self.snapshot(table, as_of=as_of)
        known = numbers_of(snapshot.table)
        names = known if columns is None else list(columns)
        for name in names:
            if name not in known:
                raise UnknownNameError(f"{table}.columns", name, known)
        chosen, markets = self._chosen(market, universe, instruments, start, end, snapshot, as_of)
        if len(markets) == 1 and names == known:
            axes, places, block = self._factors_of_market(snapshot, names, markets[0])
            low, high = (int(np.searchsorted(places, n * len(axes.instruments))) for n in _span(axes, start, end))
            shown: Any = slice(low, high)
            if chosen is not None:
                member = np.isin(np.array(axes.instruments), chosen)
                shown = low + np.flatnonzero(member[places[low:high] % len(member)])
            # a frame of one's own: what is kept is shared with every process
            return _framed(axes, places[shown], names, np.array(block[:, shown]))
        cells = read_cells(
            snapshot, self.catalog.storage, names, bounds={"session": (start, end), "year": years(start, end)},
            values={"market": markets, "instrument": chosen},
        )  # fmt: skip
        places, block = cells.rows()
        return _framed(cells.axes, places, names, block)


def _span(axes: Axes, start: date | None, end: date | None) -> tuple[int, int]:
    # numbers of the first session of a range, and of the first after it
    low, high = ((day - date(1970, 1, 1)).days if day else None for day in (start, end))
    first = 0 if low is None else int(np.searchsorted(axes.sessions, low))
    return first, len(axes.sessions) if high is None else int(np.searchsorted(axes.sessions, high, "right"))


def _of_range(
    axes: Axes, rows: NDArray[np.int64], values: Mapping[str, NDArray[np.float32]], chosen: Collection[str] | None,
    start: date | None, end: date | None,
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]:  # fmt: skip
    low, high = _span(axes, start, end)
    if chosen is None and high - low == len(axes.sessions):
        return rows, dict(values)
    names, days = np.divmod(rows, len(axes.sessions))
    shown = (days >= low) & (days < high)
    if chosen is not None:
        shown &= np.isin(np.array(axes.instruments), list(chosen))[names]
    return rows[shown], {name: column[shown] for name, column in values.items()}


def _by_instrument(
    axes: Axes, rows: NDArray[np.int64], values: Mapping[str, NDArray[np.float32]], start: date | None
) -> tuple[pl.DataFrame, NDArray[np.int64], NDArray[np.int64]]:
    # a frame of rows by instrument; which row of the answer each of those from `start` is; and where the rows of the
    # answer, which are by session, stand in the axes
    n_sessions, n_instruments = axes.shape
    names, days = np.divmod(rows.astype(np.uint32), np.uint32(n_sessions))
    keys = {
        "instrument": pl.Series(names).cat.to(pl.Enum(axes.instruments)),
        "session": _days(axes).gather(days),
    }
    bars = pl.DataFrame(keys | dict(values))
    opening, _ = _span(axes, start, None)
    shown = slice(None) if opening == 0 else days >= opening
    seats = days[shown].astype(np.int64) * n_instruments + names[shown]
    listed = np.zeros(n_sessions * n_instruments, np.bool_)
    listed[seats] = True
    places = np.flatnonzero(listed)
    if len(places) < listed.size:
        seats = (np.cumsum(listed, dtype=np.int64) - 1)[seats]
    return bars, seats, places


def _values(column: pl.Series) -> NDArray[np.float32]:
    # as computed, where NaN stands below each null: filling them in would copy the column once more
    arrow = column.rechunk().to_arrow()
    return np.frombuffer(arrow.buffers()[1], np.float32)[arrow.offset : arrow.offset + len(arrow)]


def _days(axes: Axes) -> pl.Series:
    return pl.Series("session", axes.sessions, dtype=pl.Int32).cast(pl.Date)


def _framed(
    axes: Axes, places: NDArray[np.int64], names: Sequence[str], block: NDArray[np.float32]
) -> "pd.DataFrame":  # fmt: skip
    import pandas as pd  # takes a while, and most reads do without

    block = block if len(block) else np.empty((len(names), 0), np.float32)
    days = axes.sessions.astype("datetime64[D]").astype("datetime64[ns]")
    # from codes, because building it from values takes ten times as long
    index = pd.MultiIndex(
        levels=[pd.DatetimeIndex(days), pd.Index(axes.instruments, dtype="str")],  # type: ignore[list-item]
        codes=list(np.divmod(places, max(len(axes.instruments), 1))),  # type: ignore[arg-type]
        names=["datetime", "instrument"],
        verify_integrity=False,
    )
    return pd.DataFrame(block.T, index=index, columns=list(names), copy=False)
