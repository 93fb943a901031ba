"""Correlate scores with the returns that followed, session by session.

Functions take long frames, one row per session and instrument. No I/O, no plots, no logs.
"""

from typing import Literal, TypedDict

import polars as pl

from qbrain_core.errors import InsufficientDataError, InvalidInputError
from qbrain_core.factors import compute

__all__ = ["MIN_CROSS_SECTION", "IcSummary", "forward_returns", "ic", "ic_summary", "rank_ic"]

MIN_CROSS_SECTION = 5
"""Instruments; a correlation over fewer is noise."""


class IcSummary(TypedDict):
    """A series of information coefficients in four figures.

    Attributes
    ----------
    mean : float
        In [-1, 1].
    std : float or None
        Sample standard deviation over sessions; None with one session.
    icir : float or None
        `mean` ÷ `std`, not annualised; None where `std` is 0 or None.
    n : int
        Sessions that have a coefficient.
    """

    mean: float
    std: float | None
    icir: float | None
    n: int


def ic(scores: pl.DataFrame) -> pl.DataFrame:
    """Pearson information coefficient of each session [1]_.

    Parameters
    ----------
    scores : DataFrame, columns (session: date, score: float, forward_return: float)
        One row per session and instrument. `forward_return` is a decimal fraction earned strictly after `session`
        closes. Rows with a null, NaN or infinity in either column are dropped.

    Returns
    -------
    DataFrame, columns (session: date, ic: f64, n_instruments: u32)
        Ascending; `ic` in [-1, 1], null where either side is constant. Sessions with fewer than `MIN_CROSS_SECTION`
        instruments are left out.

    Raises
    ------
    InsufficientDataError
        If no session has `MIN_CROSS_SECTION` instruments.

    References
    ----------
    .. [1] Grinold & Kahn, *Active Portfolio Management*, 2nd ed., ch. 6.
    """
    return _correlations(scores, "pearson")


def rank_ic(scores: pl.DataFrame) -> pl.DataFrame:
    """Spearman rank information coefficient of each session; ties share their mean rank.

    Parameters
    ----------
    scores : DataFrame, columns (session: date, score: float, forward_return: float)
        As for `ic`.

    Returns
    -------
    DataFrame, columns (session: date, ic: f64, n_instruments: u32)
        As from `ic`.

    Raises
    ------
    InsufficientDataError
        If no session has `MIN_CROSS_SECTION` instruments.
    """
    return _correlations(scores, "spearman")


def _correlations(scores: pl.DataFrame, method: Literal["pearson", "spearman"]) -> pl.DataFrame:
    pair = ("score", "forward_return")
    valid = scores.select("session", *(pl.col(c).cast(pl.Float64) for c in pair)).filter(
        pl.all_horizontal(pl.col(c).is_finite().fill_null(False) for c in pair)
    )
    constant = pl.any_horizontal(pl.col(c).n_unique() == 1 for c in pair)
    coefficient = pl.when(~constant).then(pl.corr(*pair, method=method).fill_nan(None))
    result = (
        valid.group_by("session")
        .agg(ic=coefficient, n_instruments=pl.len())
        .filter(pl.col("n_instruments") >= MIN_CROSS_SECTION)
        .sort("session")
    )
    if result.is_empty():
        raise InsufficientDataError(f"no session has {MIN_CROSS_SECTION} instruments in {scores.height} rows")
    return result


def ic_summary(per_session: pl.DataFrame) -> IcSummary:
    """Sum a series of coefficients up.

    Parameters
    ----------
    per_session : DataFrame, columns (session, ic: f64)
        As `ic` or `rank_ic` gives; null coefficients do not count.

    Returns
    -------
    IcSummary

    Raises
    ------
    InsufficientDataError
        If no session has a coefficient.
    """
    values = per_session["ic"].drop_nulls().drop_nans().to_numpy()
    if not len(values):
        raise InsufficientDataError(f"none of {per_session.height} sessions has an information coefficient")
    mean = float(values.mean())
    std = float(values.std(ddof=1)) if len(values) > 1 else None
    return IcSummary(mean=mean, std=std, icir=mean / std if std else None, n=len(values))


def forward_returns(prices: pl.DataFrame, *, horizon: int = 1, delay: int = 1) -> pl.DataFrame:
    """Return earned by buying `delay` sessions after each session and holding for `horizon`.

    Looks ahead by `delay + horizon` sessions: only ever a yardstick, never an input to a score.

    Parameters
    ----------
    prices : DataFrame, columns (instrument: str, session: date, close: float)
        Adjusted closes; sessions count on the frame's own calendar.
    horizon : int
        Sessions held, at least 1.
    delay : int
        Sessions between the score and the purchase, at least 0; 1 makes Qlib's default label.

    Returns
    -------
    DataFrame, columns (instrument, session, forward_return: f32)
        Decimal fraction; null where either price is missing. Sorted by instrument and session.

    Raises
    ------
    InvalidInputError
        If `horizon` is below 1 or `delay` below 0.
    """
    if horizon < 1:
        raise InvalidInputError("horizon", horizon, "at least one session is held")
    if delay < 0:
        raise InvalidInputError("delay", delay, "a purchase before the score is known is impossible")
    bought = f"Ref($close, -{delay})" if delay else "$close"
    label = f"Ref($close, -{delay + horizon})/{bought} - 1"
    return compute({"forward_return": label}, prices, allow_future=True)
