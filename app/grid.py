"""A frame as a table on the screen: dates as dates, counts with separators, missing values as a dash."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from app.figures import MISSING

__all__ = ["grid", "table_height"]

_HEAD_PX, _ROW_PX = 34, 31  # at the theme's font size


def table_height(rows: int, max_height: int = 640) -> int:
    """Height that shows a table without a gap below its last row.

    Parameters
    ----------
    rows : int
    max_height : int, optional
        In pixels; a longer table scrolls.

    Returns
    -------
    int
        Pixels.
    """
    return min(_HEAD_PX + _ROW_PX * max(rows, 1), max_height)


def grid(
    frame: pl.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    max_height: int = 520,
    **options: Any,
) -> Any:
    """Draw a table.

    Parameters
    ----------
    frame : DataFrame
    labels : mapping of str to str, optional
        Heading by column; the column's name where it is missing.
    config : mapping, optional
        Streamlit's own column configuration, for columns that need more.
    max_height : int
        In pixels; a longer table scrolls.
    **options
        Passed on to `st.dataframe`, such as `on_select` and `key`.

    Returns
    -------
    object
        What `st.dataframe` returned.
    """
    words = labels or {}
    columns = {name: _column(words.get(name, name), dtype) for name, dtype in frame.schema.items()}
    # as Arrow, because the way over pandas turns dates into midnights
    return st.dataframe(
        frame.to_arrow(),
        hide_index=True,
        placeholder=MISSING,
        height=table_height(frame.height, max_height),
        column_config={**columns, **(config or {})},
        **options,
    )


def _column(label: str, dtype: pl.DataType) -> Any:
    if dtype == pl.Date:
        return st.column_config.DateColumn(label, format="YYYY-MM-DD")
    if isinstance(dtype, pl.Datetime):
        return st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm")
    if dtype.is_integer() and label not in ("year", "version"):
        return st.column_config.NumberColumn(label, format="localized")
    return st.column_config.Column(label)
