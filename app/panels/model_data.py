"""What the model page shows of the lake: scores, how they ranked what followed, and the runs that traded them."""

from datetime import date, timedelta

import polars as pl

from lake import Lake
from qbrain_core.errors import InsufficientDataError
from qbrain_core.evaluation import forward_returns, rank_ic

__all__ = ["latest_scores", "rank_ics", "runs_of", "score_sessions"]

_TAIL = timedelta(days=30)  # holds the two sessions that the last scores' returns need


def score_sessions(lake: Lake, as_of: dict[str, int], model: str, version: int) -> list[date]:
    """List the sessions a model version has scored.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    model : str
    version : int

    Returns
    -------
    list of date
        Newest first.
    """
    query = "SELECT DISTINCT session FROM predictions WHERE model = ? AND version = ? ORDER BY session DESC"
    return lake.sql(query, [model, version], as_of=as_of)["session"].to_list()


def latest_scores(lake: Lake, as_of: dict[str, int], model: str, version: int, session: date) -> pl.DataFrame:
    """Rank the scores of one session.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    model : str
    version : int
    session : date

    Returns
    -------
    DataFrame, columns (rank: i64, instrument, name_en, name_zh, sector: str, score: f64)
        Best first; the industry stands for a missing sector.
    """
    return lake.sql(
        "SELECT row_number() OVER (ORDER BY p.score DESC, p.instrument) AS rank, p.instrument, i.name_en, i.name_zh,"
        " coalesce(i.sector, i.industry) AS sector, p.score"
        " FROM predictions p LEFT JOIN instruments i USING (instrument)"
        " WHERE p.model = ? AND p.version = ? AND p.session = ? ORDER BY rank",
        [model, version, session],
        as_of=as_of,
    )


def rank_ics(lake: Lake, as_of: dict[str, int], model: str, version: int) -> pl.DataFrame:
    """Correlate scores with what followed: the close of t+1 to the close of t+2.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    model : str
    version : int

    Returns
    -------
    DataFrame, columns (session: date, ic: f64)
        Ascending; empty where no session has enough instruments with a return.
    """
    scores = lake.predictions(model, version, as_of=as_of).select("instrument", "session", "score")
    empty = pl.DataFrame(schema={"session": pl.Date, "ic": pl.Float64})
    if scores.is_empty():
        return empty
    names = scores["instrument"].unique().sort().to_list()
    start, end = scores["session"].min(), scores["session"].max()
    bars = lake.bars(
        instruments=names, start=start, end=end + _TAIL, columns=["close", "factor", "halted"], as_of=as_of
    )
    closes = bars.select(
        "instrument", "session", close=pl.when(~pl.col("halted")).then(pl.col("close") * pl.col("factor"))
    )
    try:
        found = rank_ic(scores.join(forward_returns(closes), on=["instrument", "session"]))
    except InsufficientDataError:
        return empty
    return found.select("session", "ic")


def runs_of(lake: Lake, as_of: dict[str, int], model: str, version: int) -> pl.DataFrame:
    """List the backtests that traded a model version.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    model : str
    version : int

    Returns
    -------
    DataFrame, columns of the table `backtest_runs`
        Newest first.
    """
    return lake.runs(limit=10_000, as_of=as_of).filter(model=model, version=version)
