"""Everything an evaluation reads from the lake, laid out: labels, groups, sizes, and factor values in portions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.catalog import AsOf
from lake.lakehouse import Lake
from lake.reads.groups import scheme_of
from qbrain_core.errors import InsufficientDataError, InvalidInputError
from qbrain_core.evaluation.conventions import Convention, convention
from qbrain_core.evaluation.rules import Rules
from qbrain_core.evaluation.yardstick import Yardstick, lay_spells, make_yardstick
from qbrain_core.factors import compute
from qbrain_core.factors.expression import parse
from qbrain_core.factors.tree import crosses_instruments, dependencies
from qbrain_core.layout import Layout
from qbrain_core.markets import MARKETS, Market, stamp_duty_bps
from qbrain_core.preprocess import log_size
from qbrain_core.reporting import NULL_REPORTER, Reporter
from qbrain_core.specs.evaluate import EvaluateSpec

__all__ = ["EvaluationInputs", "factor_values", "read_inputs"]

Floats = NDArray[np.float64]

_CARRY = timedelta(days=400)  # how long before the first signal a halt may have begun
_SLIPPAGE_BPS = 5.0
_LOCKED = {"keep": "locked_kept", "drop": "locked_dropped"}
_SIZE_SESSIONS = 20
_CELLS = 40_000_000  # of the factors read at once: 320 MB
_BAR_COLUMNS = ("close", "factor", "volume", "halted", "limit_up", "limit_down", "amount")


@dataclass(frozen=True)
class EvaluationInputs:
    """What all factors of an evaluation share.

    Attributes
    ----------
    yardstick : Yardstick
    rules : Rules
    stocks : tuple of str
        Stocks of the market that may be members.
    label : ndarray, optional
        Values of the spec's own label.
    sectors : tuple of (ndarray of int, tuple of str), optional
    size : ndarray, optional
    exposures : tuple of ndarray
    conventions : list of Convention
        What holds for this evaluation.
    """

    yardstick: Yardstick
    rules: Rules
    stocks: tuple[str, ...]
    label: Floats | None = None
    sectors: tuple[NDArray[np.int64], tuple[str, ...]] | None = None
    size: Floats | None = None
    exposures: tuple[Floats, ...] = ()
    conventions: list[Convention] = field(default_factory=list)

    @property
    def taken_out(self) -> dict[str, Any]:
        """Arguments of `qbrain_core.preprocess.prepare` that say what values are neutralised by."""
        names = self.rules.steps.neutralise
        sizes = (log_size(self.size),) if "size" in names and self.size is not None else ()
        groups = self.sectors[0] if "sector" in names and self.sectors is not None else None
        return {"groups": groups, "exposures": (*sizes, *self.exposures)}


def read_inputs(
    lake: Lake, spec: EvaluateSpec, *, table: str | None = None, as_of: AsOf = None,
    reporter: Reporter = NULL_REPORTER,
) -> EvaluationInputs:  # fmt: skip
    """Read what an evaluation judges factors by.

    Parameters
    ----------
    lake : Lake
    spec : EvaluateSpec
    table : str, optional
        Factor table; signals start and end with it at the latest.
    as_of : optional
    reporter : Reporter

    Returns
    -------
    EvaluationInputs

    Raises
    ------
    InvalidInputError
        If the universe is empty, or sectors or sizes are to be taken out that the lake has not.
    InsufficientDataError
        If there are no bars in the span.
    """
    market = MARKETS[spec.market]
    stocks = lake.instruments(market=market.code, kind="stock", as_of=as_of)["instrument"].to_list()
    spells = None
    if spec.universe is not None:
        spells = lake.universe(spec.universe, as_of=as_of)
        if spells.is_empty():
            raise InvalidInputError("universe", spec.universe, "it has no member")
        stocks = sorted(set(spells["instrument"]).intersection(stocks))
    sessions = lake.sessions(market.code, as_of=as_of)
    if not sessions or not stocks:
        raise InsufficientDataError(f"market {market.code} has no stock with bars that could be judged")
    start, end = _span(lake, spec, table, as_of)
    bars = lake.bars(
        market=market.code, instruments=stocks, start=max(start - _CARRY, sessions[0]) if start else None,
        columns=_BAR_COLUMNS, as_of=as_of,
    )  # fmt: skip
    reporter.check()
    if bars.is_empty():
        raise InsufficientDataError(
            f"the stocks of market {market.code} have no session from {start or sessions[0]} on"
        )
    last = bars["session"].max()
    assert isinstance(last, date)
    sessions = [s for s in sessions if s <= last]  # an index may have bars of later days
    yardstick = make_yardstick(
        bars, sessions=sessions, start=start, end=end, spells=spells, keep_locked=spec.locked == "keep",
        tick=market.tick, horizon=spec.horizon,
    )  # fmt: skip
    layout = yardstick.layout
    cost_bps = _cost(market, layout.sessions[-1]) if spec.cost_bps is None else spec.cost_bps
    rules = Rules(
        horizon=spec.horizon, horizons=spec.horizons, quantiles=spec.quantiles, cost_bps=cost_bps,
        sessions_per_year=market.sessions_per_year, steps=spec.preprocess,
    )  # fmt: skip
    sectors, about_sectors = _sectors(lake, spec, layout, as_of)
    size, about_size = _sizes(lake, spec, bars, layout, as_of)
    styles = [name for name in spec.preprocess.neutralise if name not in ("sector", "size")]
    own = {"label": spec.label} if spec.label else {}
    computed = _computed(
        lake, spec, own | {f"style {n}": text for n, text in enumerate(styles)}, stocks, layout, as_of, future=True
    )  # fmt: skip
    limits_known = bars["limit_up"].count() > 0
    conventions = [
        convention("signal"),
        convention("label_expression", expression=spec.label, last=1 + spec.horizon) if spec.label
        else convention("label_return", last=1 + spec.horizon),
        convention("universe", universe=spec.universe) if spec.universe
        else convention("market", market=market.code),
        convention("halted"), convention("delisted"),
        convention(_LOCKED[spec.locked] if limits_known else "locked_unknown"),
        convention("newey_west"), convention("quantiles"),
        *([convention("overlapping", horizon=spec.horizon)] if spec.horizon > 1 else []),
        convention("costs", bps=f"{cost_bps:g}"), convention("annualised", sessions=market.sessions_per_year),
        *about_sectors, *about_size,
    ]  # fmt: skip
    return EvaluationInputs(
        yardstick, rules, tuple(stocks), computed.pop("label", None), sectors, size, tuple(computed.values()),
        conventions,
    )  # fmt: skip


def factor_values(
    lake: Lake, spec: EvaluateSpec, names: Sequence[str], inputs: EvaluationInputs, *, table: str | None,
    as_of: AsOf = None,
) -> Iterator[tuple[str, Floats]]:  # fmt: skip
    """Read or compute raw values, a few factors at a time.

    Parameters
    ----------
    lake : Lake
    spec : EvaluateSpec
    names : sequence of str
        Columns of `table`, or keys of the spec's expressions.
    inputs : EvaluationInputs
    table : str or None
        Factor table; None: compute the spec's expressions.
    as_of : optional

    Yields
    ------
    name : str
    values : ndarray, shape (n_signals, n_instruments)

    Raises
    ------
    UnknownNameError
        If the table has no such factor.
    """
    layout = inputs.yardstick.layout
    if table is None:
        yield from _computed(lake, spec, {n: spec.expressions[n] for n in names}, inputs.stocks, layout, as_of).items()
        return
    portion = max(1, _CELLS // max(layout.shape[0] * layout.shape[1], 1))
    for first in range(0, len(names), portion):
        some = names[first : first + portion]
        rows = lake.factors(
            table, market=spec.market, instruments=inputs.stocks, start=layout.sessions[0], end=layout.sessions[-1],
            columns=some, as_of=as_of,
        )  # fmt: skip
        cells = layout.cells(rows)
        for name in some:
            yield name, layout.dense(rows, name, cells=cells)


def _span(lake: Lake, spec: EvaluateSpec, table: str | None, as_of: AsOf) -> tuple[date | None, date | None]:
    # the spec's, within the sessions that the factor table has
    if table is None:
        return spec.start, spec.end
    rows = lake.scan(table, as_of=as_of).filter(pl.col("market") == spec.market)
    first, last = rows.select(pl.col("session").min(), pl.col("session").max().alias("last")).collect().row(0)
    if first is None:
        raise InsufficientDataError(f"{table} has no rows of market {spec.market}; run a factors job first")
    return max(first, spec.start or first), min(last, spec.end or last)


def _cost(market: Market, session: date) -> float:
    return market.commission_bps + stamp_duty_bps(market, session) / 2 + _SLIPPAGE_BPS


def _sectors(
    lake: Lake, spec: EvaluateSpec, layout: Layout, as_of: AsOf
) -> tuple[tuple[NDArray[np.int64], tuple[str, ...]] | None, list[Convention]]:
    spells = lake.scan("industries", as_of=as_of).filter(pl.col("market") == spec.market).collect()
    scheme = scheme_of(spells)
    spells = spells.filter(pl.col("scheme") == (scheme or ""))
    spells = spells.filter(pl.col("level") == pl.col("level").min())
    about = convention("sector_dated", scheme=scheme)
    if spells.is_empty():
        known = lake.instruments(market=spec.market, kind="stock", as_of=as_of)
        static = pl.coalesce("sector", "industry").alias("industry")
        spells = known.select("instrument", static, start=pl.lit(None, pl.Date), end=pl.lit(None, pl.Date))
        about = convention("sector_static")
    codes, names = lay_spells(spells, layout, "industry")
    if names:
        return (codes, names), [about]
    if "sector" in spec.preprocess.neutralise:
        raise InvalidInputError("preprocess.neutralise", "sector", f"the lake knows no sectors of market {spec.market}")
    return None, []


def _sizes(
    lake: Lake, spec: EvaluateSpec, bars: pl.DataFrame, layout: Layout, as_of: AsOf
) -> tuple[Floats | None, list[Convention]]:
    rows = lake.valuation(
        market=spec.market, instruments=layout.instruments, start=layout.sessions[0], end=layout.sessions[-1],
        columns=["market_cap", "float_cap"], as_of=as_of,
    )  # fmt: skip
    for column in ("market_cap", "float_cap"):
        if rows[column].count():
            return layout.dense(rows, column), [convention("size_market_cap")]
    amount = pl.col("amount").rolling_mean(_SIZE_SESSIONS, min_samples=1).over("instrument")
    rows = bars.filter(~pl.col("halted")).select("instrument", "session", amount)
    if rows["amount"].count():
        return layout.dense(rows, "amount"), [convention("size_amount")]
    if "size" in spec.preprocess.neutralise:
        rule = f"the lake has neither market values nor traded amounts of market {spec.market}"
        raise InvalidInputError("preprocess.neutralise", "size", rule)
    return None, []


def _computed(
    lake: Lake, spec: EvaluateSpec, expressions: Mapping[str, str], stocks: Sequence[str], layout: Layout,
    as_of: AsOf, *, future: bool = False,
) -> dict[str, Floats]:  # fmt: skip
    if not expressions:
        return {}
    trees = {name: parse(text) for name, text in expressions.items()}
    needs = [dependencies(tree) for tree in trees.values()]
    listed = lake.instruments(market=spec.market, as_of=as_of)
    if any(crosses_instruments(tree) for tree in trees.values()):  # they see the whole market, whatever is judged
        stocks = listed.filter(kind="stock")["instrument"].to_list()
    known = set(listed["instrument"])
    benchmark = next((name for name in MARKETS[spec.market].benchmarks if name in known), "")
    found = lake.factor_inputs(
        sorted(set().union(*(n.fields for n in needs))), market=spec.market, instruments=stocks,
        items=sorted(set().union(*(n.statements for n in needs))), benchmark=benchmark, as_of=as_of,
    )  # fmt: skip
    made = compute(
        expressions, found.bars, statements=found.statements, calendar=lake.sessions(spec.market, as_of=as_of),
        allow_future=future, start=layout.sessions[0], end=layout.sessions[-1],
    )  # fmt: skip
    cells = layout.cells(made)
    return {name: layout.dense(made, name, cells=cells) for name in expressions}
