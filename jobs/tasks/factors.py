"""Compute a factor set over a market's stocks, from the lake into the lake."""

from typing import Any

from jobs.context import TaskContext
from lake.tables import factor_table
from qbrain_core.errors import InsufficientDataError
from qbrain_core.factors import compute, expression_fields
from qbrain_core.factors.sets import factor_set
from qbrain_core.specs import FactorsSpec

__all__ = ["run"]

_COLUMNS = ("open", "high", "low", "close", "volume", "amount", "factor", "halted")


def run(spec: FactorsSpec, context: TaskContext) -> dict[str, Any]:
    """Compute and store.

    Parameters
    ----------
    spec : FactorsSpec
    context : TaskContext

    Returns
    -------
    dict
        `table`, `version`, `rows`, `rows_written` (those that are new or changed), `columns`, `instruments`, `start`
        and `end` (ISO dates).

    Raises
    ------
    UnknownNameError
        If there is no such factor set.
    InsufficientDataError
        If the market has no stock with bars between `start` and `end`.
    JobCancelledError
        If the user asked for it.
    """
    factors, lake, reporter = factor_set(spec.factor_set), context.lake, context.reporter
    reporter.stage("load")
    pins = context.versions
    stocks = lake.instruments(market=spec.market, kind="stock", as_of=pins)["instrument"].to_list()
    # every session before `start` is read too: windows reach back, and a value must not depend on what else was asked
    bars = lake.bars(market=spec.market, instruments=stocks, end=spec.end, columns=_COLUMNS, as_of=pins)
    reporter.log(f"{bars.height:,} bars of {bars['instrument'].n_unique():,} stocks")
    frame = compute(factors.expressions, expression_fields(bars), start=spec.start, end=spec.end, reporter=reporter)
    if frame.is_empty():
        span = f"{spec.start or 'the first session'} and {spec.end or 'the last'}"
        raise InsufficientDataError(f"market {spec.market} has no stock with bars between {span}")
    reporter.stage("write")
    sessions = frame["session"].unique().sort()
    table = factor_table(factors.name, factors.digest, tuple(factors.expressions))
    with context.commit() as transaction:
        transaction.upsert(table, frame)
    return {
        "table": table.name,
        "version": transaction.versions[table.name],
        "rows": frame.height,
        "rows_written": transaction.changed[table.name],
        "columns": len(factors.expressions),
        "instruments": frame["instrument"].n_unique(),
        "start": sessions[0].isoformat(),
        "end": sessions[-1].isoformat(),
    }
