"""What a factor set on a market is made of: expressions, stocks, sessions, and the values of any part of it."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

import qbrain_core.factors
from jobs.code_hash import code_hash
from lake import Lake
from lake.catalog import AsOf
from lake.reads.factor_inputs import FactorInputs, input_tables
from lake.scan import scan_rows
from lake.tables import Table, factor_table
from qbrain_core.errors import InvalidInputError
from qbrain_core.factors import FactorSet, compute
from qbrain_core.factors.expression import Node, crosses_instruments, dependencies, lookback, parse
from qbrain_core.factors.operators import Scope
from qbrain_core.factors.tree import Call, Dependencies, walk
from qbrain_core.markets import MARKETS
from qbrain_core.reporting import NULL_REPORTER, Reporter
from qbrain_core.symbols import to_instrument

__all__ = ["FactorWork", "factor_frame"]

_SLACK_DAYS = 40
"""Days more than its sessions that a window of the calendar may span at first: holidays, halts of all."""

_KEY = ["instrument", "session"]


@dataclass(frozen=True)
class FactorWork:
    """A factor set on the stocks of a market, over one state of the lake.

    Attributes
    ----------
    lake : Lake
    factors : FactorSet
    market : str
    as_of : mapping of str to int
        Version of every table that is read.
    start, end : date, optional
        First and last session asked for.
    threads : int
        Blocks of instruments computed at once.
    """

    lake: Lake
    factors: FactorSet
    market: str
    as_of: Mapping[str, int]
    start: date | None = None
    end: date | None = None
    threads: int = field(default_factory=lambda: min(len(os.sched_getaffinity(0)), 8))

    @cached_property
    def table(self) -> Table:
        """Where the values go."""
        return factor_table(self.factors.name, self.factors.digest, tuple(self.factors.expressions))

    @cached_property
    def trees(self) -> dict[str, Node]:
        """Expressions, parsed."""
        return {name: parse(text, parameter=name) for name, text in self.factors.expressions.items()}

    @cached_property
    def needs(self) -> Dependencies:
        """What the expressions read, together."""
        found = [dependencies(tree) for tree in self.trees.values()]
        return Dependencies(*(frozenset().union(*parts) for parts in zip(*(
            (d.fields, d.groups, d.statements, d.instruments) for d in found), strict=True)))  # fmt: skip

    @cached_property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """Columns that are read, by table."""
        return input_tables(self.needs.fields, self.needs.statements)

    @cached_property
    def lookback(self) -> float:
        """Rows before its own that a value may depend on."""
        return max(lookback(tree) for tree in self.trees.values())

    @cached_property
    def crosses(self) -> bool:
        """Whether a value may depend on other instruments of its session."""
        return any(crosses_instruments(tree) for tree in self.trees.values())

    @cached_property
    def named(self) -> dict[str, str]:
        """Instruments that expressions name, as they name them → ids."""
        return {text: to_instrument(text, self.market) for text in sorted(self.needs.instruments)}

    @cached_property
    def benchmark(self) -> str:
        """The market's usual index, "" where the lake has no bars of one."""
        known = self.lake.instruments(market=self.market, as_of=self.as_of)["instrument"].to_list()
        return next((name for name in MARKETS[self.market].benchmarks if name in known), "")

    @cached_property
    def code(self) -> str:
        """The code that decides the values: of the factor engine."""
        return code_hash(Path(qbrain_core.factors.__file__).parent)

    def stocks(self, as_of: AsOf = None) -> pl.Series:
        """List the market's stocks.

        Parameters
        ----------
        as_of : optional
            The state worked on when left out.

        Returns
        -------
        Series of str
            Ascending.
        """
        found = self.lake.instruments(market=self.market, kind="stock", as_of=as_of or self.as_of)
        return found["instrument"].sort()

    @cached_property
    def names(self) -> list[str]:
        """The stocks, ascending."""
        return self.stocks().to_list()

    def sessions(
        self, start: date | None, end: date | None, as_of: AsOf = None, names: pl.Series | None = None
    ) -> pl.Series:
        """List the sessions on which some stock has a bar.

        Parameters
        ----------
        start, end : date or None
        as_of : optional
            The state worked on when left out.
        names : Series of str, optional
            The stocks; those of the state worked on when left out.

        Returns
        -------
        Series of date
            Ascending.
        """
        snapshot = self.lake.snapshot("bars", as_of=as_of or self.as_of)
        bounds = {"session": (start, end), "year": (start.year if start else None, end.year if end else None)}
        rows = scan_rows(snapshot, self.lake.catalog.storage, bounds, {"market": [self.market]})
        stocks = pl.DataFrame({"instrument": self.names if names is None else names}, schema={"instrument": pl.String})
        own = rows.select(_KEY).join(stocks.lazy(), on="instrument", how="semi")
        return own.select(pl.col("session").unique()).collect()["session"].sort()

    def reading_start(self, first: date) -> tuple[date | None, pl.Series]:
        """Find from which session on bars must be read for values from a session on.

        Parameters
        ----------
        first : date

        Returns
        -------
        tuple of (date or None, Series of date)
            None: from the first bar on; and the sessions from there to the end.
        """
        rows = self.lookback
        if math.isinf(rows):
            return None, self.sessions(None, self.end)
        oldest = self.oldest
        days = int(rows) * 3 // 2 + _SLACK_DAYS
        while oldest is not None and (first - oldest).days > days:
            found = self.sessions(first - timedelta(days=days), self.end)
            before = found.filter(found < first)
            if len(before) >= rows:
                begin = before[len(before) - int(rows)] if rows else first
                return begin, found.filter(found >= begin)
            days *= 4
        return None, self.sessions(None, self.end)

    @cached_property
    def oldest(self) -> date | None:
        """A day before which the market has no bars, as the log tells; None where it has none at all."""
        files = [f for f in self.lake.snapshot("bars", as_of=self.as_of).files if f.partition["market"] == self.market]
        return min((f.low.get("session", date(f.partition["year"], 1, 1)) for f in files), default=None)

    def compute(
        self, names: Sequence[str], first: date | None, last: date | None, *, reporter: Reporter = NULL_REPORTER,
        calendar: pl.Series | None = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Compute the values of some stocks on a span of sessions.

        Parameters
        ----------
        names : sequence of str
            All of them, where the set crosses instruments.
        first, last : date or None
        reporter : Reporter
        calendar : Series of date, optional
            The market's sessions over the whole span, where they are known already.

        Returns
        -------
        DataFrame, columns (instrument, session, then the factors)
            Sorted by instrument and session. The same values whichever span and stocks are asked for.
        """
        begin = None
        if first is not None:
            begin, known = self.reading_start(first)
            calendar = known if calendar is None else calendar
        inputs = self._read(names, begin, last)
        within = (
            calendar if calendar is None else calendar.filter(calendar.is_between(begin or date.min, last or date.max))
        )
        days = None if within is None else within.to_list()
        frames = []
        for expressions, others in self._groups():
            frame = inputs.bars
            if others:
                rows = self._others(others, begin, last).select(frame.columns)
                frame = pl.concat([frame, rows.join(frame.select("session").unique(), on="session", how="semi")])
            values = compute(
                expressions, frame, statements=inputs.statements, calendar=None if self.crosses else days, start=first,
                end=last, threads=self.threads, reporter=reporter,
            )  # fmt: skip
            frames.append(values.filter(~pl.col("instrument").is_in(list(others))) if others else values)
        whole = frames[0]
        for frame in frames[1:]:
            whole = whole.hstack(frame.drop(_KEY))
        return whole.select(*_KEY, *self.factors.expressions)

    def missing(self) -> tuple[str, ...]:
        """Name the fields that the lake has nothing of.

        Returns
        -------
        tuple of str
        """
        return self._read(self.names[:1], None, None).missing if set(self.tables) != {"bars"} else ()

    def _read(self, names: Sequence[str], first: date | None, last: date | None) -> FactorInputs:
        fields = sorted(self.needs.fields)
        last = min(filter(None, (last, self.end)), default=None)
        return self.lake.factor_inputs(
            fields, market=self.market, instruments=names, items=sorted(self.needs.statements), start=first, end=last,
            benchmark=self.benchmark, as_of=self.as_of,
        )  # fmt: skip

    def _groups(self) -> list[tuple[dict[str, str], dict[str, str]]]:
        # expressions that name instruments beyond the stocks see those instruments' rows; the others must not
        strangers = {text: name for text, name in self.named.items() if text not in self.names}
        if not strangers:
            return [(dict(self.factors.expressions), {})]
        with_others = {name for name, tree in self.trees.items() if dependencies(tree).instruments & set(strangers)}
        for name in sorted(with_others):
            if any(isinstance(n, Call) and n.definition.scope is Scope.SESSION for n in walk(self.trees[name])):
                rule = f"it ranks the session's stocks and names {next(iter(strangers))}, which is none of them"
                raise InvalidInputError(f"expressions[{name!r}]", self.factors.expressions[name], rule)
        texts = self.factors.expressions
        own = {name: text for name, text in texts.items() if name not in with_others}
        other = {name: text for name, text in texts.items() if name in with_others}
        return [(part, others) for part, others in ((own, {}), (other, strangers)) if part]

    def _others(self, others: Mapping[str, str], first: date | None, last: date | None) -> pl.DataFrame:
        frames = [self._read([name], first, last).bars.with_columns(instrument=pl.lit(text))
                  for text, name in others.items()]  # fmt: skip
        return pl.concat(frames)


def factor_frame(
    lake: Lake, expressions: Mapping[str, str], *, market: str, as_of: Mapping[str, int] | None = None,
    start: date | None = None, end: date | None = None, reporter: Reporter = NULL_REPORTER,
) -> pl.DataFrame:  # fmt: skip
    """Compute factors of a market's stocks as the job does, without storing them.

    Parameters
    ----------
    lake : Lake
    expressions : mapping of str to str
    market : str
    as_of : mapping of str to int, optional
        Versions of tables; the newest of the rest.
    start, end : date, optional
        First and last session.
    reporter : Reporter

    Returns
    -------
    DataFrame, columns (instrument, session, then one float32 per factor)
        Sorted by instrument and session.
    """
    factors = FactorSet("frame", dict(expressions))
    work = FactorWork(lake, factors, market, lake.versions(as_of), start, end)
    return work.compute(work.names, start, end, reporter=reporter)
