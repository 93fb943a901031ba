"""Lines over sessions, one per column."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from app.charts.palette import Palette

__all__ = ["lines"]


def lines(
    frame: pl.DataFrame, *, names: Mapping[str, str], palette: Palette, number: str = "%.4f", zoom: bool = True
) -> dict[str, Any]:
    """Draw columns of a frame against its `session`.

    Parameters
    ----------
    frame : DataFrame, columns (session: str, and those of `names`: f64)
        Ascending.
    names : mapping of str to str
        Legend name by column.
    palette : Palette
    number : str
        Format of values in the tooltip.
    zoom : bool
        Whether a slider chooses the window.

    Returns
    -------
    dict
        ECharts option.
    """
    text = {"color": palette.muted, "fontSize": 11}
    bounds = [{"type": "inside"}, {"type": "slider", "height": 18, "bottom": 6}] if zoom else []
    return {
        "animation": False,
        "dataset": {"source": frame.select("session", *names)},
        "legend": {"top": 0, "itemWidth": 14, "itemHeight": 8, "textStyle": text},
        "tooltip": {"trigger": "axis", "confine": True, "valueFormatter": number},
        "grid": {"left": 58, "right": 16, "top": 30, "bottom": 52 if zoom else 26, "outerBoundsMode": "none"},
        "xAxis": {"type": "category", "axisTick": {"show": False}, "axisLabel": {**text, "hideOverlap": True}},
        "yAxis": {
            "type": "value", "scale": True, "axisLabel": text,
            "splitLine": {"lineStyle": {"color": palette.line, "opacity": 0.7}},
        },
        "dataZoom": bounds,
        "series": [
            {
                "type": "line", "name": name, "encode": {"x": "session", "y": column, "tooltip": [column]},
                "showSymbol": False, "lineStyle": {"width": 1.4}, "color": palette.series[i % len(palette.series)],
            }
            for i, (column, name) in enumerate(names.items())
        ],
    }  # fmt: skip
