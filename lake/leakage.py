"""Check a factor set over the whole path from the lake to its values: the lake is cut off at a day, not a frame."""

import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import polars as pl

from lake.catalog import AsOf
from lake.excerpt import Workshop, excerpt, telling_names
from lake.lakehouse import Lake
from qbrain_core.errors import InsufficientDataError
from qbrain_core.factors.expression import dependencies, lookback, parse
from qbrain_core.factors.leakage import (
    LeakageReport,
    check_foresight,
    check_knowledge,
    check_startup,
    check_static,
    choose_cuts,
    probe,
)
from qbrain_core.factors.leakage.compare import ordered
from qbrain_core.factors.sets import FactorSet
from qbrain_core.reporting import NULL_REPORTER, Reporter
from qbrain_core.symbols import to_instrument

__all__ = ["FrameOf", "check_factor_set"]

FrameOf = Callable[[Lake], pl.DataFrame]
"""Lake → the values a job would store: `instrument`, `session`, one column per factor."""

_FIELD_REACH = {"benchmark_return": 1}
_SESSIONS = 750  # three years: windows fill, and it stays cheap


def check_factor_set(
    lake: Lake,
    factors: FactorSet,
    frame_of: FrameOf,
    *,
    market: str,
    as_of: AsOf = None,
    names: int = 12,
    cuts: int = 2,
    code_hash: str = "",
    reporter: Reporter = NULL_REPORTER,
) -> LeakageReport:
    """Check a factor set on some instruments of a market.

    Small lakes are made of their rows: one whole, and for each of some days one that ends there (bars, valuation and
    corporate actions by session, membership and industries as they were, reports that had become public), and one in
    which every number after the day is another. What `frame_of` makes of them must agree up to the day, to the bit.

    Parameters
    ----------
    lake : Lake
    factors : FactorSet
    frame_of : callable
        The job's own path. It reads nothing but the lake it is given.
    market : str
    as_of : optional
        Versions to read.
    names : int
        How many instruments, at most; those on which a mistake would show come first.
    cuts : int
        How many days.
    code_hash : str
        Of the code that makes the values, for the report.
    reporter : Reporter

    Returns
    -------
    LeakageReport
        Checks `static`, `lake`, `startup`, `foresight`, and `knowledge` where expressions read statements.

    Raises
    ------
    InsufficientDataError
        If the market has no stock with bars, or too few sessions to cut.
    JobCancelledError
        If the reporter says so.
    """
    reporter.stage("leakage")
    texts = factors.expressions
    trees = {name: parse(text) for name, text in texts.items()}
    chosen, start = telling_names(lake, market, names, sessions=_SESSIONS, as_of=as_of)
    if not chosen:
        raise InsufficientDataError(f"market {market} has no stock with bars")
    named = {to_instrument(text, market) for tree in trees.values() for text in dependencies(tree).instruments}
    frames = excerpt(lake, market, [*chosen, *named], start=start, as_of=as_of)
    lookbacks = {name: lookback(tree) + _reach(dependencies(tree).fields) for name, tree in trees.items()}
    with tempfile.TemporaryDirectory(prefix="qbrain-probe-") as folder:
        workshop = Workshop(lake.settings, Path(folder))

        def function(given: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
            reporter.check()
            return frame_of(workshop.lake(given))

        whole = ordered(function(frames))
        days = choose_cuts(frames, cuts)
        checks = [
            check_static(texts),
            probe(function, frames, days, whole=whole, repeat=False, name="lake"),
            check_startup(function, frames, lookbacks=lookbacks, whole=whole),
        ]
    checks.append(check_foresight(whole, _adjusted_close(frames["bars"])))
    if any(dependencies(tree).statements for tree in trees.values()) and "fundamentals" in frames:
        checks.append(check_knowledge(frames["fundamentals"]))
    return LeakageReport(
        subject=factors.name, digest=factors.digest, market=market, checks=tuple(checks), factors=len(texts),
        instruments=whole["instrument"].n_unique(), rows=whole.height, cuts=tuple(days), code_hash=code_hash,
    )  # fmt: skip


def _reach(fields: Collection[str]) -> int:
    # sessions before its own that a field is made of
    return max((_FIELD_REACH.get(name, 0) for name in fields), default=0)


def _adjusted_close(bars: pl.DataFrame) -> pl.DataFrame:
    traded = pl.when(~pl.col("halted")).then(pl.col("close") * pl.col("factor"))
    return bars.select("instrument", "session", close=traded)
