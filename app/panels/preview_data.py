"""What a preview needs of the lake, and the values that come of it."""

from datetime import date

import polars as pl

from lake import Lake
from lake.reads.factor_inputs import FactorInputs, input_tables
from qbrain_core.factors import compute
from qbrain_core.factors.expression import Node, crosses_instruments, dependencies, lookback, parse
from qbrain_core.markets import MARKETS

__all__ = ["largest", "most_sessions", "preview_inputs", "preview_values", "stocks", "tables_of"]

_MOST_ROWS = 600_000  # of a whole market at once: well under a second
_FEWEST_SESSIONS = 20


def tables_of(node: Node) -> tuple[str, ...]:
    """Name the tables that a preview reads.

    Parameters
    ----------
    node : Node

    Returns
    -------
    tuple of str

    Raises
    ------
    UnknownNameError
        If the lake has no such field.
    """
    known = dependencies(node)
    return ("instruments", *input_tables(known.fields | {"close"}, known.statements))


def stocks(lake: Lake, as_of: dict[str, int], market: str, language: str) -> dict[str, str]:
    """List the stocks of a market that have bars.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str
    language : str
        Whose names come first.

    Returns
    -------
    dict of str to str
        Name by instrument id, ascending by id.
    """
    names = "name_zh, name_en" if language == "zh" else "name_en, name_zh"
    rows = lake.sql(
        f"SELECT instrument, coalesce({names}, '') FROM instruments SEMI JOIN bars USING (instrument)"
        " WHERE instruments.market = ? AND kind = 'stock' ORDER BY instrument",
        [market],
        as_of=as_of,
    )
    return dict(rows.iter_rows())


def largest(lake: Lake, as_of: dict[str, int], market: str, n: int) -> list[str]:
    """Find the stocks that change hands most: names people know.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str
    n : int

    Returns
    -------
    list of str
        Instrument ids, ascending.
    """
    rows = lake.sql(
        "SELECT instrument FROM bars SEMI JOIN instruments i ON bars.instrument = i.instrument AND i.kind = 'stock'"
        " WHERE bars.market = ? AND session > (SELECT max(session) FROM bars WHERE market = ?) - 10"
        " GROUP BY 1 ORDER BY sum(coalesce(amount, close * volume)) DESC NULLS LAST, 1 LIMIT ?",
        [market, market, n],
        as_of=as_of,
    )
    return sorted(rows["instrument"].to_list())


def most_sessions(names: int, back: float) -> int:
    """Say how many sessions of a whole market a preview may show.

    Parameters
    ----------
    names : int
        Instruments of the market.
    back : float
        Sessions that a value reads before its own.

    Returns
    -------
    int
    """
    reach = 0 if back == float("inf") else int(back)
    return max(_MOST_ROWS // max(names, 1) - reach, _FEWEST_SESSIONS)


def preview_inputs(
    lake: Lake, as_of: dict[str, int], text: str, market: str, codes: tuple[str, ...], sessions: int = 0
) -> FactorInputs:
    """Read what an expression reads, for some instruments.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    text : str
    market : str
    codes : tuple of str
        Where the expression compares names of a session, every stock is read beside them.
    sessions : int, optional
        Only the latest; 0 for all there are, of a whole market as many as are quickly read.

    Returns
    -------
    FactorInputs
        With `close`, whatever the expression reads.
    """
    node = parse(text)
    known = dependencies(node)
    names = list(codes)
    if crosses_instruments(node):
        everyone = lake.instruments(market=market, kind="stock", as_of=as_of)["instrument"].to_list()
        names = sorted({*names, *everyone, *known.instruments})
        sessions = min(sessions or 10**6, most_sessions(len(names), lookback(node)))
    start: date | None = None
    if sessions:
        days = lake.sessions(market, as_of=as_of)
        reach = 0 if lookback(node) == float("inf") else int(lookback(node))
        start = days[max(len(days) - sessions - reach, 0)] if days else None
    benchmark = next(iter(MARKETS[market].benchmarks), "") if market in MARKETS else ""
    return lake.factor_inputs(
        sorted(known.fields | {"close"}), market=market, instruments=names, items=sorted(known.statements), start=start,
        benchmark=benchmark, as_of=as_of,
    )  # fmt: skip


def preview_values(
    lake: Lake, as_of: dict[str, int], text: str, market: str, codes: tuple[str, ...]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Compute an expression on some instruments.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    text : str
    market : str
    codes : tuple of str

    Returns
    -------
    DataFrame, columns (instrument, session, value: f32, price: f32)
        Of `codes` alone.
    tuple of str
        Fields that the lake has nothing of.
    """
    inputs = preview_inputs(lake, as_of, text, market, codes)
    values = compute({"value": text}, inputs.bars, statements=inputs.statements)
    closes = inputs.bars.select("instrument", "session", price="close")
    mine = values.filter(pl.col("instrument").is_in(codes))
    return mine.join(closes, on=["instrument", "session"], how="left", maintain_order="left"), inputs.missing
