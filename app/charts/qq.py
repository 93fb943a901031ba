"""Quantiles of a sample against those of the normal distribution."""

import polars as pl

from app.charts.axes import Option, Say, grid, tooltip, translucent, value_axis
from app.charts.palette import Palette

__all__ = ["qq"]


def qq(frame: pl.DataFrame, palette: Palette, t: Say) -> Option:
    """Draw the points and the line they would lie on.

    Parameters
    ----------
    frame : DataFrame, columns (theoretical: f64, observed: f64)
        Quantiles of the standard normal distribution and of the standardised sample.
    palette : Palette
    t : callable
        Translator.

    Returns
    -------
    dict
        ECharts option.
    """
    points = [[round(x, 4), round(y, 4)] for x, y in frame.select("theoretical", "observed").drop_nulls().rows()]
    reach = max((abs(x) for x, _ in points), default=1.0)
    named = {"nameLocation": "middle", "nameTextStyle": {"color": palette.muted, "fontSize": 11}}
    x_axis = {**value_axis(palette, name=t("Normal quantiles")), **named, "nameGap": 24}
    return {
        "animation": False,
        "grid": grid(top=30, bottom=44, left=50),
        "tooltip": tooltip(palette, "%.2f", trigger="item"),
        "xAxis": x_axis,
        "yAxis": value_axis(palette, name=t("Observed, standardised"), axisLine={"show": False, "onZero": False}),
        "series": [
            {
                "type": "line", "data": [[-reach, -reach], [reach, reach]], "showSymbol": False, "silent": True,
                "lineStyle": {"color": palette.muted, "type": "dashed", "width": 1}, "tooltip": {"show": False},
            },
            {
                "type": "scatter", "name": t("Quantile"), "data": points, "symbolSize": 4,
                "itemStyle": {"color": translucent(palette.series[0], 0.8)},
            },
        ],
    }  # fmt: skip
