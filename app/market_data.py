"""Loaders of market data for the pages; passed to `app.session.read`, which caches them by table versions."""

from datetime import date
from typing import Any

import polars as pl

from lake import Lake
from qbrain_core.markets import MARKETS

__all__ = [
    "bars_of",
    "facets",
    "index_lines",
    "instrument",
    "is_synthetic",
    "markets",
    "moves",
    "name_of",
    "priced",
    "recent_closes",
]

_MOVE_WINDOW_DAYS = 40  # a halt may hide the last close for a while


def name_of(row: dict[str, Any], language: str) -> str:
    """Choose the name of an instrument in the reader's language.

    Parameters
    ----------
    row : dict
        With `name_en`, `name_zh` and `instrument`.
    language : str

    Returns
    -------
    str
        The other language's name, or the id, where there is none.
    """
    first, second = ("name_zh", "name_en") if language == "zh" else ("name_en", "name_zh")
    return str(row.get(first) or row.get(second) or row["instrument"])


def is_synthetic(market: str) -> bool:
    """Tell whether a market's prices are generated.

    Parameters
    ----------
    market : str

    Returns
    -------
    bool
    """
    return market in MARKETS and MARKETS[market].synthetic


def markets(lake: Lake, as_of: dict[str, int]) -> pl.DataFrame:
    """List the markets that have bars.

    Parameters
    ----------
    lake : Lake
    as_of : dict
        Table versions.

    Returns
    -------
    DataFrame, columns (market: str, first: date, last: date, n_rows: i64, n_instruments: i64)
        By number of rows, descending; `last` is that of the stocks where there are any.
    """
    return lake.sql(
        """
        SELECT b.market, min(b.session) AS first,
            coalesce(max(b.session) FILTER (coalesce(i.kind, 'stock') = 'stock'), max(b.session)) AS last,
            count(*) AS n_rows, count(DISTINCT b.instrument) AS n_instruments
        FROM bars b LEFT JOIN instruments i USING (instrument) GROUP BY b.market ORDER BY n_rows DESC
        """,
        as_of=as_of,
    )


def moves(lake: Lake, as_of: dict[str, int], *, market: str, session: date) -> pl.DataFrame:
    """Compare every stock's close with the one before on one session.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str
    session : date

    Returns
    -------
    DataFrame, columns (instrument, name_en, name_zh, sector: str, close, change, amount: f64, halted, at_limit_up,
    at_limit_down: bool)
        Ascending by change, a fraction against the last close before; null where there is none.
    """
    return lake.sql(
        f"""
        WITH recent AS (
            SELECT *, lag(close * factor) OVER (PARTITION BY instrument ORDER BY session) AS before
            FROM bars WHERE market = ? AND session > ?::DATE - {_MOVE_WINDOW_DAYS} AND session <= ?
        )
        SELECT r.instrument, i.name_en, i.name_zh, i.sector, r.close,
            CASE WHEN r.halted THEN NULL ELSE r.close * r.factor / r.before - 1 END AS change,
            coalesce(r.amount, r.close * r.volume) AS amount, r.halted,
            coalesce(r.close >= r.limit_up, false) AS at_limit_up,
            coalesce(r.close <= r.limit_down, false) AS at_limit_down
        FROM recent r LEFT JOIN instruments i USING (instrument)
        WHERE r.session = ? AND coalesce(i.kind, 'stock') = 'stock' ORDER BY change, r.instrument
        """,
        [market, session, session, session],
        as_of=as_of,
    )


def index_lines(lake: Lake, as_of: dict[str, int], *, market: str, session: date, sessions: int = 120) -> pl.DataFrame:
    """Read the closes of a market's indices and funds, the latest sessions.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str
    session : date
        Last one read.
    sessions : int
        Latest sessions of each.

    Returns
    -------
    DataFrame, columns (instrument, name_en, name_zh, session: str, close: f64)
        Sorted by instrument and session; at most six instruments.
    """
    return lake.sql(
        """
        WITH chosen AS (
            SELECT instrument, name_en, name_zh FROM instruments
            WHERE market = ? AND kind IN ('index', 'etf') ORDER BY kind DESC, instrument LIMIT 6
        ), ranked AS (
            SELECT b.instrument, c.name_en, c.name_zh, b.session, b.close,
                row_number() OVER (PARTITION BY b.instrument ORDER BY b.session DESC) AS age
            FROM bars b JOIN chosen c USING (instrument) WHERE b.market = ? AND b.session <= ? AND b.close IS NOT NULL
        )
        SELECT instrument, name_en, name_zh, CAST(session AS VARCHAR) AS session, close
        FROM ranked WHERE age <= ? ORDER BY instrument, ranked.session
        """,
        [market, market, session, sessions],
        as_of=as_of,
    )


def recent_closes(
    lake: Lake, as_of: dict[str, int], *, instruments: tuple[str, ...], sessions: int = 60
) -> pl.DataFrame:
    """Read the latest adjusted closes of some instruments.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    instruments : tuple of str
    sessions : int
        Latest sessions of each.

    Returns
    -------
    DataFrame, columns (instrument: str, last: date, close: f64, change: f64, line: list of f64)
        One row per instrument; `close` as stored, `change` of the last session as a fraction, `line` adjusted closes.
    """
    return lake.sql(
        """
        WITH ranked AS (
            SELECT instrument, session, close, close * factor AS adjusted,
                row_number() OVER (PARTITION BY instrument ORDER BY session DESC) AS age
            FROM bars WHERE instrument IN (SELECT unnest(?)) AND close IS NOT NULL
        )
        SELECT instrument, max(session) AS last, arg_min(close, age) AS close,
            max(adjusted) FILTER (age = 1) / max(adjusted) FILTER (age = 2) - 1 AS change,
            list(adjusted ORDER BY age DESC) AS line
        FROM ranked WHERE age <= ? GROUP BY instrument
        """,
        [list(instruments), sessions],
        as_of=as_of,
    )


def priced(lake: Lake, as_of: dict[str, int]) -> set[str]:
    """List the instruments that have prices.

    Parameters
    ----------
    lake : Lake
    as_of : dict

    Returns
    -------
    set of str
    """
    return set(lake.sql("SELECT DISTINCT instrument FROM bars", as_of=as_of)["instrument"])


def facets(lake: Lake, as_of: dict[str, int]) -> dict[str, list[str]]:
    """List the values that instruments can be filtered by.

    Parameters
    ----------
    lake : Lake
    as_of : dict

    Returns
    -------
    dict
        `market`, `kind`, `sector`: values present, sorted.
    """
    frame = lake.instruments(as_of=as_of)
    return {
        name: sorted(frame[name].drop_nulls().unique().to_list()) if name in frame.columns else []
        for name in ("market", "kind", "sector")
    }


def instrument(lake: Lake, as_of: dict[str, int], *, code: str) -> dict[str, Any] | None:
    """Read one instrument.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    code : str

    Returns
    -------
    dict or None
        Row of `instruments`; None where there is none.
    """
    return lake.instrument(code, as_of=as_of)


def bars_of(lake: Lake, as_of: dict[str, int], *, code: str) -> pl.DataFrame:
    """Read every bar of one instrument.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    code : str

    Returns
    -------
    DataFrame, columns of the table `bars`
        Ascending.
    """
    return lake.bars(instruments=[code], as_of=as_of)
