"""What the training form can choose from, read from the lake."""

from datetime import date

from lake import Lake

__all__ = ["benchmarks", "calendar", "universes"]


def calendar(lake: Lake, as_of: dict[str, int], market: str) -> list[date]:
    """List the sessions of a market.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str

    Returns
    -------
    list of date
        Ascending.
    """
    return lake.sessions(market, as_of=as_of)


def universes(lake: Lake, as_of: dict[str, int], market: str) -> dict[str, int]:
    """List the universes with members of a market.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str

    Returns
    -------
    dict of str to int
        Members on the last day anything changed, by universe.
    """
    rows = lake.sql(
        'SELECT u.universe, count(DISTINCT u.instrument) FILTER (WHERE u."end" IS NULL) AS now,'
        " count(DISTINCT u.instrument) AS ever FROM universes u JOIN instruments i USING (instrument)"
        " WHERE i.market = ? GROUP BY 1 ORDER BY 1",
        [market],
        as_of=as_of,
    )
    return {name: now or ever for name, now, ever in rows.iter_rows()}


def benchmarks(lake: Lake, as_of: dict[str, int], market: str, language: str = "en") -> dict[str, str]:
    """List the indices and funds of a market.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str
    language : str, optional
        Whose names come first.

    Returns
    -------
    dict of str to str
        Name by instrument id; indices first.
    """
    names = "name_zh, name_en" if language == "zh" else "name_en, name_zh"
    rows = lake.sql(
        f"SELECT instrument, coalesce({names}, '') FROM instruments"
        " WHERE market = ? AND kind IN ('index', 'etf') ORDER BY kind DESC, instrument",
        [market],
        as_of=as_of,
    )
    return dict(rows.iter_rows())
