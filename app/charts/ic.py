"""Information coefficient by session, its moving mean, and its sum."""

import polars as pl

from app.charts.axes import Option, Say, grid, legend, time_axis, tooltip, translucent, value_axis, zoom
from app.charts.palette import Palette

__all__ = ["ic_series"]


def ic_series(frame: pl.DataFrame, palette: Palette, t: Say, *, window: int = 20, name: str = "") -> Option:
    """Draw the coefficients.

    Parameters
    ----------
    frame : DataFrame, columns (session: date, ic: f64)
        Rank correlations in [-1, 1], ascending by session; null is left out.
    palette : Palette
    t : callable
        Translator.
    window : int, optional
        Sessions of the moving mean.
    name : str, optional
        What the coefficient is called; "Rank IC" where it is missing.

    Returns
    -------
    dict
        ECharts option; the sum has its own axis at the right.
    """
    known = frame.drop_nulls("ic").sort("session")
    source = known.select("session", "ic", mean=pl.col("ic").rolling_mean(window), sum=pl.col("ic").cum_sum())
    blue, orange = palette.series[0], palette.series[1]
    name = name or t("Rank IC")
    line = {"type": "line", "showSymbol": False, "lineStyle": {"width": 1.7}}
    right = value_axis(palette, name=t("Cumulative"), splitLine={"show": False}, position="right")
    right["nameTextStyle"] = {"color": palette.muted, "align": "right", "fontSize": 11, "padding": [0, -40, 0, 0]}
    return {
        "animation": False,
        "dataset": {"source": source},
        "legend": legend(palette, right=90),
        "grid": grid(right=46),
        "tooltip": tooltip(palette, "%+.4f"),
        "dataZoom": zoom([0]),
        "xAxis": time_axis(palette),
        "yAxis": [value_axis(palette, name=name, scale=False), right],
        "series": [
            {
                "type": "bar",
                "name": name,
                "encode": {"x": "session", "y": "ic", "tooltip": ["ic"]},
                "itemStyle": {"color": translucent(palette.series[-1], 0.4)},
                "barMinWidth": 1,
                "large": False,
            },
            {
                **line,
                "name": t("{n}-session mean", n=window),
                "encode": {"x": "session", "y": "mean", "tooltip": ["mean"]},
                "itemStyle": {"color": orange},
            },
            {
                **line,
                "name": t("Cumulative"),
                "yAxisIndex": 1,
                "encode": {"x": "session", "y": "sum", "tooltip": ["sum"]},
                "itemStyle": {"color": blue},
            },
        ],
    }
