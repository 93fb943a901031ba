"""A line without axes for a card, and a card's area coloured by whether it rose."""

from typing import Any

import polars as pl

from app.charts.palette import Palette

__all__ = ["sparkline"]


def sparkline(frame: pl.DataFrame, *, value: str, label: str, palette: Palette) -> dict[str, Any]:
    """Draw a small area, coloured as a rise or a fall from its first to its last value.

    Parameters
    ----------
    frame : DataFrame, columns (session: str, <value>: f64)
        Ascending.
    value : str
        Column drawn.
    label : str
        Name in the tooltip.
    palette : Palette

    Returns
    -------
    dict
        ECharts option.
    """
    values = frame[value].drop_nulls()
    rose = len(values) < 2 or values[-1] >= values[0]
    colour = palette.up if rose else palette.down
    return {
        "animation": False,
        "dataset": {"source": frame.select("session", value)},
        "grid": {"left": 2, "right": 2, "top": 4, "bottom": 2, "outerBoundsMode": "none"},
        "tooltip": {"trigger": "axis", "confine": True, "valueFormatter": "%,.2f", "textStyle": {"fontSize": 11}},
        "xAxis": {"type": "category", "show": False, "boundaryGap": False},
        "yAxis": {"type": "value", "show": False, "scale": True},
        "series": [
            {
                "type": "line", "name": label, "encode": {"x": "session", "y": value, "tooltip": [value]},
                "showSymbol": False, "color": colour, "lineStyle": {"width": 1.5}, "areaStyle": {"opacity": 0.12},
            }
        ],
    }  # fmt: skip
