"""Which features a model used most."""

import polars as pl

from app.charts.axes import Option, Say, tooltip
from app.charts.palette import Palette

__all__ = ["importance"]


def importance(features: pl.DataFrame, palette: Palette, t: Say, *, top: int = 30) -> Option:
    """Draw the largest importances as bars.

    Parameters
    ----------
    features : DataFrame, columns (feature: str, importance: f64)
        In any order.
    palette : Palette
    t : callable
        Translator.
    top : int, optional
        How many are drawn.

    Returns
    -------
    dict
        ECharts option; values are shares of the total in percent.
    """
    total = features["importance"].sum() or 1.0
    share = (pl.col("importance") / total * 100).alias("share")
    frame = features.select("feature", share).sort("share", "feature", descending=[True, False]).head(top)
    return {
        "animation": False,
        "dataset": {"source": frame},
        "grid": {"top": 8, "bottom": 24, "left": 76, "right": 24, "outerBoundsMode": "none"},
        "tooltip": tooltip(palette, "%.2f%%", axisPointer={"type": "shadow"}),
        "xAxis": {
            "type": "value",
            "axisLabel": {"formatter": "{value}%", "color": palette.muted, "fontSize": 11},
            "splitLine": {"lineStyle": {"color": palette.line}},
        },
        "yAxis": {
            "type": "category",
            "inverse": True,
            "axisLabel": {"color": palette.text, "fontSize": 11, "interval": 0},
            "axisTick": {"show": False},
        },
        "series": [
            {
                "type": "bar",
                "name": t("Share of gain"),
                "encode": {"x": "share", "y": "feature", "tooltip": ["share"]},
                "itemStyle": {"color": palette.series[0], "borderRadius": [0, 2, 2, 0]},
                "barMaxWidth": 12,
            }
        ],
    }
