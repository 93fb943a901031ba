"""Expressions over frames sorted by instrument and time: what stood in the row before, and how far something moved."""

import polars as pl

__all__ = ["adjusted_close", "before", "moved", "near_split", "not_indices", "run_length"]

_SPLITS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)


def before(value: str | pl.Expr) -> pl.Expr:
    """Take a value from the row before of the same instrument.

    Parameters
    ----------
    value : str or Expr

    Returns
    -------
    Expr
        Null on an instrument's first row. Rows must be sorted by instrument.
    """
    column = pl.col(value) if isinstance(value, str) else value
    same = pl.col("instrument") == pl.col("instrument").shift(1)
    return pl.when(same).then(column.shift(1))


def moved(value: str | pl.Expr) -> pl.Expr:
    """Divide a value by that of the row before of the same instrument.

    Parameters
    ----------
    value : str or Expr

    Returns
    -------
    Expr
        1 for no change; null on an instrument's first row.
    """
    column = pl.col(value) if isinstance(value, str) else value
    return column / before(column)


def adjusted_close(rows: pl.DataFrame) -> pl.Expr:
    """Choose the adjusted close that rows have.

    Parameters
    ----------
    rows : DataFrame, columns (close: f64, [factor: f64], [adj_close: f64])

    Returns
    -------
    Expr
        close × factor, else adj_close, else close.
    """
    if "factor" in rows.columns:
        return pl.col("close") * pl.col("factor")
    return pl.col("adj_close") if "adj_close" in rows.columns else pl.col("close")


_SMALL_SPLIT, _SMALL_TOLERANCE = 1.5, 0.02
"""3:2 is close to what news does to a price, so it has to be met closely, and downwards only."""


def near_split(ratio: pl.Expr, tolerance: float) -> pl.Expr:
    """Tell whether a ratio of prices looks like a split or a reverse split.

    Parameters
    ----------
    ratio : Expr
    tolerance : float
        How far it may be from n or 1/n, relatively.

    Returns
    -------
    Expr, bool
    """
    big = pl.max_horizontal(ratio, 1 / ratio)
    small = (ratio * _SMALL_SPLIT - 1).abs() <= min(tolerance, _SMALL_TOLERANCE)
    return pl.any_horizontal(small, *((big / n - 1).abs() <= tolerance for n in _SPLITS))


def not_indices(rows: pl.DataFrame, instruments: pl.DataFrame | None) -> pl.DataFrame:
    """Leave indices out: they have no splits, no ticks and no limits.

    Parameters
    ----------
    rows : DataFrame, columns (instrument: str, [kind: str], …)
    instruments : DataFrame or None, columns (instrument: str, kind: str)
        Where the kinds are known from, if the rows do not say.

    Returns
    -------
    DataFrame
        The rows of everything else, in their order; all of them where nothing says what they are.
    """
    if "kind" in rows.columns:
        return rows.filter(pl.col("kind").ne_missing("index"))
    if instruments is None:
        return rows
    indices = instruments.filter(pl.col("kind") == "index").select("instrument")
    return rows if indices.is_empty() else rows.join(indices, on="instrument", how="anti", maintain_order="left")


def run_length(rows: pl.DataFrame, same: pl.Expr) -> pl.DataFrame:
    """Count how long each run of rows is that repeat the one before.

    Parameters
    ----------
    rows : DataFrame
    same : Expr, bool
        Whether a row repeats the one before.

    Returns
    -------
    DataFrame
        Rows that repeat, with `run`: how many of them follow each other.
    """
    marked = rows.with_columns(_same=same.fill_null(False)).with_columns(_run=(~pl.col("_same")).cum_sum())
    return marked.filter("_same").with_columns(run=pl.len().over("_run")).drop("_same", "_run")
