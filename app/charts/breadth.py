"""How many instruments rose and fell, counted by the size of the move."""

import math
from typing import Any

import polars as pl

from app.charts.palette import Palette

__all__ = ["BANDS", "breadth"]

BANDS = ((0.0, 0.01), (0.01, 0.03), (0.03, 0.05), (0.05, 0.07), (0.07, math.inf))
"""Sizes of a move that are counted together, as fractions: above the first, up to and with the second."""


def breadth(changes: pl.Series, *, label: str, palette: Palette) -> dict[str, Any]:
    """Count moves by size, falls to the left and rises to the right of the unchanged.

    Parameters
    ----------
    changes : Series of f64
        Each instrument's change on the session, as a fraction; null where it did not trade.
    label : str
        Name in the tooltip.
    palette : Palette

    Returns
    -------
    dict
        ECharts option; the labels are percent without the sign.
    """
    values = changes.drop_nulls()

    def bar(sign: int, low: float, high: float) -> tuple[str, dict[str, Any]]:
        moves = values * sign
        if high == math.inf:
            name = f"< −{low * 100:.0f}" if sign < 0 else f"> {low * 100:.0f}"
        elif sign < 0:
            name = f"−{high * 100:.0f}…{'−' if low else ''}{low * 100:.0f}"
        else:
            name = f"{low * 100:.0f}…{high * 100:.0f}"
        n = int(((moves > low) & (moves <= high)).sum())
        colour = palette.up if sign > 0 else palette.down
        return name, {"value": n, "itemStyle": {"color": colour}}

    unchanged = ("0", {"value": int((values == 0).sum()), "itemStyle": {"color": palette.muted}})
    bars = [*(bar(-1, *band) for band in reversed(BANDS)), unchanged, *(bar(1, *band) for band in BANDS)]
    text = {"color": palette.muted, "fontSize": 10}
    return {
        "animation": False,
        "grid": {"left": 6, "right": 6, "top": 22, "bottom": 20, "outerBoundsMode": "none"},
        "tooltip": {"trigger": "item", "confine": True},
        "xAxis": {
            "type": "category", "data": [name for name, _ in bars], "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": palette.line}},
            "axisLabel": {**text, "interval": 0, "hideOverlap": True},
        },
        "yAxis": {"type": "value", "show": False},
        "series": [
            {
                "type": "bar", "name": label, "data": [item for _, item in bars], "barWidth": "72%",
                "label": {"show": True, "position": "top", **text},
            }
        ],
    }  # fmt: skip
