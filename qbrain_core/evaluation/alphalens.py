"""Hand a factor on to alphalens: the frame its tear sheets are made of."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qbrain_core.errors import InsufficientDataError, InvalidInputError
from qbrain_core.evaluation.portfolios import assign_quantiles
from qbrain_core.evaluation.yardstick import Yardstick
from qbrain_core.sections import RowOrder

__all__ = ["alphalens_frame"]

_NO_GROUP = "none"


def alphalens_frame(
    values: NDArray[np.float64], yardstick: Yardstick, *, periods: Sequence[int] = (1, 5, 10), quantiles: int = 5,
    sectors: tuple[NDArray[np.int64], Sequence[str]] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Make the frame that `alphalens.utils.get_clean_factor_and_forward_returns` gives [1]_.

    Parameters
    ----------
    values : ndarray, shape (n_signals, n_instruments)
        Of the factor; NaN where it has none.
    yardstick : Yardstick
        Of the same signals.
    periods : sequence of int
        Sessions held.
    quantiles : int
    sectors : tuple of (ndarray of int, sequence of str), optional
        Code of each cell (-1: none), and the names of the codes.

    Returns
    -------
    DataFrame
        Index (date: datetime64, asset: str); columns `1D`, `5D` … (forward returns, fractions), `factor` (f64),
        `factor_quantile` (int, from 1) and `group` (category). Rows that lack any of the returns are left out before
        quantiles are formed, as alphalens does. One thing differs: alphalens lets a position begin at the close
        that the factor is computed from, here it begins at the close of the next session.

    Raises
    ------
    InvalidInputError
        If there is no period.
    InsufficientDataError
        If no row has a value and every return.

    References
    ----------
    .. [1] alphalens-reloaded, `alphalens/utils.py`: `compute_forward_returns`, `quantize_factor`.
    """
    if not periods:
        raise InvalidInputError("periods", periods, "at least one is needed")
    returns = {f"{h}D": yardstick.label(h) for h in sorted(set(periods))}
    mask = yardstick.members & np.isfinite(values)
    for found in returns.values():
        mask &= np.isfinite(found)
    codes = assign_quantiles(RowOrder.of(np.where(mask, values, np.nan)), mask, quantiles)
    mask &= codes >= 0
    if not mask.any():
        raise InsufficientDataError(
            f"no session has enough names with a value and returns over {max(periods)} sessions"
        )
    row, column = np.nonzero(mask)
    layout = yardstick.layout
    days = pd.DatetimeIndex(np.array(layout.sessions, dtype="datetime64[ns]"))
    index = pd.MultiIndex(
        levels=[days.to_list(), list(layout.instruments)],
        codes=[row.tolist(), column.tolist()],
        names=["date", "asset"],
    ).remove_unused_levels()
    group = np.full(mask.shape, -1) if sectors is None else sectors[0]
    names = [_NO_GROUP, *(sectors[1] if sectors else ())]
    return pd.DataFrame(
        {name: found[mask] for name, found in returns.items()}
        | {
            "factor": values[mask],
            "factor_quantile": codes[mask] + 1,
            "group": pd.Categorical.from_codes(
                np.asarray(group[mask] + 1), categories=pd.Index(names)
            ).remove_unused_categories(),
        },
        index=index,
    )
