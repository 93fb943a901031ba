"""Loss or score by iteration, for the training and the validation rows, while a model learns."""

import polars as pl

from app.charts.axes import Option, Say, grid, legend, tooltip, value_axis, zoom
from app.charts.palette import Palette

__all__ = ["training_curve"]


def training_curve(history: pl.DataFrame, palette: Palette, t: Say, *, metric: str, best: int | None = None) -> Option:
    """Draw the curves of one metric.

    Parameters
    ----------
    history : DataFrame, columns (step: int, <segment>.<metric>: f64 …)
        One row per iteration, counted from 0, ascending.
    palette : Palette
    t : callable
        Translator.
    metric : str
        The part of the column names after the dot.
    best : int, optional
        Iteration to mark.

    Returns
    -------
    dict
        ECharts option.
    """
    names = {"train": t("Train"), "valid": t("Valid"), "test": t("Test")}
    columns = [c for c in history.columns if c.partition(".")[2] == metric]
    frame = history.select(pl.col("step") + 1, *columns)
    series: list[Option] = [
        {
            "type": "line",
            "name": names.get(column.partition(".")[0], column),
            "encode": {"x": "step", "y": column, "tooltip": [column]},
            "showSymbol": history.height < 3,
            "symbolSize": 5,
            "lineStyle": {"width": 2},
            "itemStyle": {"color": palette.series[i % len(palette.series)]},
            "connectNulls": True,
        }
        for i, column in enumerate(columns)
    ]
    if best is not None and series:
        series[-1]["markLine"] = {
            "symbol": "none",
            "silent": True,
            "lineStyle": {"color": palette.muted, "type": "dashed"},
            "label": {"formatter": t("best: {n}", n=best + 1), "color": palette.text, "position": "end", "rotate": 0},
            "data": [{"xAxis": best + 1}],
        }
    return {
        "animation": False,
        "dataset": {"source": frame},
        "legend": legend(palette),
        "grid": grid(left=62, bottom=44),
        "tooltip": tooltip(palette, "%.6f"),
        "dataZoom": zoom([0]),
        "xAxis": {
            "type": "value",
            "name": t("Iteration"),
            "nameLocation": "middle",
            "nameGap": 24,
            "nameTextStyle": {"color": palette.muted, "fontSize": 11},
            "min": 1,
            "max": "dataMax",
            "minInterval": 1,
            "axisLabel": {"color": palette.muted, "fontSize": 11},
            "splitLine": {"show": False},
        },
        "yAxis": value_axis(palette, name=metric),
        "series": series,
    }
