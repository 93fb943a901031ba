"""How often a return of which size occurred."""

import numpy as np
import polars as pl

from app.charts.axes import Option, Say, grid, tooltip, translucent, value_axis
from app.charts.palette import Palette

__all__ = ["histogram"]

_BINS = 41  # odd, so that zero lies in the middle of a bin


def histogram(values: pl.Series, palette: Palette, t: Say) -> Option:
    """Draw the distribution of returns around zero.

    Parameters
    ----------
    values : Series of f64
        Decimal fractions; null and NaN are left out.
    palette : Palette
    t : callable
        Translator.

    Returns
    -------
    dict
        ECharts option; the outermost bins also hold what lies beyond the 0.5 % and 99.5 % quantiles.
    """
    sample = values.drop_nulls().drop_nans().to_numpy() * 100
    reach = float(np.quantile(np.abs(sample), 0.995)) if sample.size else 1.0
    edges = np.linspace(-reach or -1.0, reach or 1.0, _BINS + 1)
    counts, _ = np.histogram(np.clip(sample, edges[0], edges[-1]), bins=edges)
    centres, width = (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0])
    bars = [
        {
            "value": [round(float(x), 4), int(n)],
            "itemStyle": {"color": translucent(_tone(x, width, palette), 0.75)},
        }
        for x, n in zip(centres, counts, strict=True)
    ]
    marks = {"data": [], "symbol": "none", "silent": True}
    if sample.size:
        mean, tail = float(sample.mean()), float(np.quantile(sample, 0.05))
        label = {"color": palette.text, "fontSize": 11, "distance": 4}
        # away from each other: where the sample is narrow, labels over their lines would meet
        left, right = {**label, "align": "right"}, {**label, "align": "left"}
        marks["data"] = [
            {"xAxis": round(mean, 4), "label": {**right, "formatter": t("mean {v}%", v=f"{mean:+.2f}")}},
            {"xAxis": round(tail, 4), "label": {**left, "formatter": t("5% worst {v}%", v=f"{tail:+.2f}")}},
        ]
        marks["lineStyle"] = {"color": palette.muted, "type": "dashed"}
    return {
        "animation": False,
        "grid": grid(),
        "tooltip": tooltip(palette, "%d", axisPointer={"type": "shadow"}),
        "xAxis": {
            "type": "value",
            "min": round(float(edges[0]), 4),
            "max": round(float(edges[-1]), 4),
            "axisLabel": {
                "formatter": "{value}%",
                "color": palette.muted,
                "showMinLabel": False,
                "showMaxLabel": False,
            },
            "splitLine": {"show": False},
        },
        "yAxis": value_axis(palette, name=t("Sessions"), scale=False),
        "series": [{"type": "bar", "name": t("Sessions"), "data": bars, "barWidth": "92%", "markLine": marks}],
    }


def _tone(x: float, width: float, palette: Palette) -> str:
    # the bin in the middle holds rises and falls
    if abs(x) < width / 2:
        return palette.muted
    return palette.up if x > 0 else palette.down
