"""A figure over a moving window of sessions."""

from collections.abc import Mapping

import polars as pl

from app.charts.axes import Option, grid, legend, time_axis, tooltip, value_axis, zoom
from app.charts.palette import Palette

__all__ = ["rolling"]


def rolling(
    frame: pl.DataFrame, palette: Palette, *, series: Mapping[str, str], name: str, unit: str = "", digits: int = 2
) -> Option:
    """Draw lines over time, with a line at zero.

    Parameters
    ----------
    frame : DataFrame, columns (session: date, one f64 per series)
        Ascending; null where the window is not yet full.
    palette : Palette
    series : mapping of str to str
        Columns to draw and what they are called.
    name : str
        Name of the value axis.
    unit : str, optional
        Written after every number; `%` multiplies by 100.
    digits : int, optional
        Digits after the point in the tooltip.

    Returns
    -------
    dict
        ECharts option.
    """
    scale = 100 if unit == "%" else 1
    number = f"%.{digits}f" + unit.replace("%", "%%")
    zero = {"symbol": "none", "silent": True, "label": {"show": False}, "data": [{"yAxis": 0}]}
    colours = (palette.series[0], palette.series[-1], *palette.series[1:-1])
    lines: list[Option] = [
        {
            "type": "line",
            "name": label,
            "encode": {"x": "session", "y": column, "tooltip": [column]},
            "showSymbol": False,
            "itemStyle": {"color": colours[i % len(colours)]},
            "lineStyle": {"width": 1.6 if i == 0 else 1.1},
        }
        for i, (column, label) in enumerate(series.items())
    ]
    lines[0]["markLine"] = {**zero, "lineStyle": {"color": palette.muted, "type": "dashed", "width": 1}}
    return {
        "animation": False,
        "dataset": {"source": frame.select("session", pl.col(list(series)).mul(scale))},
        "legend": legend(palette),
        "grid": grid(),
        "tooltip": tooltip(palette, number),
        "dataZoom": zoom([0]),
        "xAxis": time_axis(palette),
        "yAxis": value_axis(palette, name=name, unit=unit),
        "series": lines,
    }
