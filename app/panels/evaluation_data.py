"""Loaders of evaluations, for `app.session.read`."""

import polars as pl

from lake import Lake
from qbrain_core.factors.expression import format, parse

__all__ = [
    "EVALUATIONS", "details", "evaluation", "evaluations", "evaluations_of", "factor_figures", "factor_sessions",
]  # fmt: skip

EVALUATIONS = ("evaluations", "evaluation_factors", "evaluation_sessions", "evaluation_details")
"""Tables that evaluations are stored in."""

_LOOSE = 20  # newest evaluations of expressions that are looked through


def evaluations(lake: Lake, as_of: dict[str, int], factor_set: str = "", factor: str = "") -> pl.DataFrame:
    """List evaluations of a set, or of a factor.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    factor_set : str, optional
        Reference of the set; "" for all.
    factor : str, optional
        Name of a factor they hold.

    Returns
    -------
    DataFrame, columns of the table `evaluations`
        Newest first.
    """
    return lake.evaluations(factor_set=factor_set or None, factor=factor or None, as_of=as_of)


def evaluations_of(lake: Lake, as_of: dict[str, int], factor_set: str, factor: str, expression: str) -> pl.DataFrame:
    """List the evaluations that judged one factor: with its set, or its expression alone under the same name.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    factor_set : str
        Reference of its set.
    factor : str
        Its name there.
    expression : str

    Returns
    -------
    DataFrame, columns of the table `evaluations`
        Newest first.
    """
    runs = lake.evaluations(factor=factor, as_of=as_of)
    mine = runs.filter(factor_set=factor_set)["run_id"].to_list()
    for run_id in runs.filter(pl.col("factor_set").is_null())["run_id"].head(_LOOSE):
        figures = lake.evaluation_factors(run_id, as_of=as_of).filter(factor=factor)
        if figures.height and format(parse(figures["expression"][0])) == format(parse(expression)):
            mine.append(run_id)
    return runs.filter(pl.col("run_id").is_in(mine))


def evaluation(lake: Lake, as_of: dict[str, int], run_id: str) -> dict | None:
    """Read one evaluation.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    run_id : str

    Returns
    -------
    dict or None
    """
    return lake.evaluation(run_id, as_of=as_of)


def factor_figures(lake: Lake, as_of: dict[str, int], run_id: str) -> pl.DataFrame:
    """Read the figures of every factor of an evaluation.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    run_id : str

    Returns
    -------
    DataFrame
        One row per factor.
    """
    return lake.evaluation_factors(run_id, as_of=as_of)


def factor_sessions(lake: Lake, as_of: dict[str, int], run_id: str, factor: str) -> pl.DataFrame:
    """Read a factor's figures session by session.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    run_id : str
    factor : str

    Returns
    -------
    DataFrame
        Ascending by session.
    """
    return lake.evaluation_sessions(run_id, factor, as_of=as_of)


def details(lake: Lake, as_of: dict[str, int], run_id: str, factor: str, section: str) -> pl.DataFrame:
    """Read one section of a factor's evaluation.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    run_id : str
    factor : str
    section : str

    Returns
    -------
    DataFrame
        One row per item, in order.
    """
    return lake.evaluation_details(run_id, factor, section, as_of=as_of)
