"""Orders that were not filled, by reason."""

import polars as pl

from app.charts.axes import Option, Say, tooltip
from app.charts.palette import Palette

__all__ = ["rejections"]


def rejections(counts: pl.DataFrame, palette: Palette, t: Say) -> Option:
    """Draw one bar per reason, split by side.

    Parameters
    ----------
    counts : DataFrame, columns (reason: str, buy: int, sell: int)
        Reasons as they shall be read; one row each, in any order.
    palette : Palette
    t : callable
        Translator.

    Returns
    -------
    dict
        ECharts option; the most frequent reason first.
    """
    frame = counts.sort(pl.col("buy") + pl.col("sell"), descending=True)
    bar = {"type": "bar", "stack": "orders", "barMaxWidth": 18}
    return {
        "animation": False,
        "dataset": {"source": frame.select("reason", "buy", "sell")},
        "legend": {"top": 0, "right": 44, "textStyle": {"color": palette.text}, "itemHeight": 8, "itemWidth": 14},
        "grid": {"top": 28, "bottom": 42, "left": 128, "right": 24, "outerBoundsMode": "none"},
        "tooltip": tooltip(palette, "%d", axisPointer={"type": "shadow"}),
        "xAxis": {
            "type": "value",
            "minInterval": 1,
            "name": t("Orders"),
            "nameLocation": "middle",
            "nameGap": 24,
            "nameTextStyle": {"color": palette.muted, "fontSize": 11},
            "axisLabel": {"color": palette.muted},
            "splitLine": {"lineStyle": {"color": palette.line}},
        },
        "yAxis": {
            "type": "category",
            "inverse": True,
            "axisLabel": {"color": palette.text, "interval": 0},
            "axisTick": {"show": False},
        },
        "series": [
            {
                **bar,
                "name": t("Buy"),
                "encode": {"x": "buy", "y": "reason", "tooltip": ["buy"]},
                "itemStyle": {"color": palette.series[0]},
            },
            {
                **bar,
                "name": t("Sell"),
                "encode": {"x": "sell", "y": "reason", "tooltip": ["sell"]},
                "itemStyle": {"color": palette.series[1]},
            },
        ],
    }
