"""A distribution that was counted before: one bar per bin."""

import polars as pl

from app.charts.axes import Option, grid, tooltip, translucent, value_axis
from app.charts.palette import Palette

__all__ = ["bins"]


def bins(
    frame: pl.DataFrame, height: str, palette: Palette, *, name: str, along: str = "", mean: float | None = None
) -> Option:
    """Draw the bins.

    Parameters
    ----------
    frame : DataFrame, columns (low: f64, high: f64, and `height`: number)
        Ascending bins of one width; the outermost may hold tails.
    height : str
        Column drawn: a count, or a share as a decimal fraction.
    palette : Palette
    name : str
        What is counted, above the axis.
    along : str, optional
        What lies along the horizontal axis.
    mean : float, optional
        Marked with a line.

    Returns
    -------
    dict
        ECharts option; shares are written as percent.
    """
    share = frame.schema[height].is_float()
    scale = 100 if share else 1
    rows = frame.select("low", "high", pl.col(height) * scale).rows()
    data = [[float(f"{(low + high) / 2:.6g}"), round(value, 4)] for low, high, value in rows]
    axis = value_axis(palette, name=along, splitLine={"show": False}, nameLocation="middle", nameGap=24)
    axis["nameTextStyle"] = {"color": palette.muted, "fontSize": 11}
    if rows:
        axis |= {"min": float(f"{rows[0][0]:.4g}"), "max": float(f"{rows[-1][1]:.4g}")}
        axis["axisLabel"] = {**axis["axisLabel"], "showMinLabel": False, "showMaxLabel": False}
    marks: Option = {"symbol": "none", "silent": True, "data": [] if mean is None else [{"xAxis": mean}]}
    marks["lineStyle"] = {"color": palette.series[1], "type": "dashed", "width": 1.5}
    marks["label"] = {"formatter": "" if mean is None else f"{mean:+.4f}", "color": palette.text, "fontSize": 11}
    return {
        "animation": False,
        "grid": grid(bottom=44 if along else 28, left=58),
        "tooltip": tooltip(palette, "%.2f%%" if share else "%d", axisPointer={"type": "shadow"}),
        "xAxis": axis,
        "yAxis": value_axis(palette, name=name, unit="%" if share else "", scale=False),
        "series": [
            {
                "type": "bar", "name": name, "data": data, "barWidth": "94%", "markLine": marks,
                "itemStyle": {"color": translucent(palette.series[0], 0.75)},
            }
        ],
    }  # fmt: skip
