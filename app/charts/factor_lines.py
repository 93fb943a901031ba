"""A factor of a few instruments over time, above their prices."""

from collections.abc import Mapping

import polars as pl

from app.charts.axes import Option, Say, grid, legend, time_axis, tooltip, value_axis
from app.charts.palette import Palette

__all__ = ["HEIGHT", "factor_lines"]

HEIGHT = 430
"""Pixels."""

_UPPER, _LOWER = 220, 96
_TOP, _BELOW = 34, 40


def factor_lines(frame: pl.DataFrame, names: Mapping[str, str], palette: Palette, t: Say) -> Option:
    """Draw a line per instrument: the factor, and below it the price since the first session shown.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, session: date, value: f64, price: f64)
        Ascending by instrument and session; `price` is adjusted. Null and infinite values leave a gap.
    names : mapping of str to str
        Legend name by instrument, in the order of their colours.
    palette : Palette
    t : callable
        Translator.

    Returns
    -------
    dict
        ECharts option; prices stand as percent of their first.
    """
    series = []
    for i, (code, name) in enumerate(names.items()):
        part = frame.filter(instrument=code)
        first = part["price"].drop_nulls().head(1)
        days = part["session"].dt.to_string().to_list()
        value = part["value"].cast(pl.Float64).replace([float("inf"), float("-inf"), float("nan")], None)
        price = part["price"] / first[0] * 100 if len(first) else part["price"]
        look = {
            "type": "line", "name": name, "showSymbol": False, "color": palette.series[i % len(palette.series)],
            "lineStyle": {"width": 1.5}, "connectNulls": False,
        }  # fmt: skip
        series.append({**look, "data": [list(p) for p in zip(days, _short(value, 6), strict=True)]})
        series.append(
            {**look, "data": [list(p) for p in zip(days, _short(price, 2), strict=True)], "xAxisIndex": 1,
             "yAxisIndex": 1, "lineStyle": {"width": 1.2}, "tooltip": {"valueFormatter": "%.1f"}}
        )  # fmt: skip
    bounds = [
        {"type": "inside", "xAxisIndex": [0, 1], "filterMode": "none", "zoomOnMouseWheel": "ctrl"},
        {"type": "slider", "xAxisIndex": [0, 1], "height": 16, "bottom": 4, "filterMode": "none"},
    ]
    lower_top = _TOP + _UPPER + _BELOW
    return {
        "animation": False,
        "grid": [
            grid(top=_TOP, left=64, height=_UPPER, bottom="auto"),
            grid(top=lower_top, left=64, height=_LOWER, bottom="auto"),
        ],
        "legend": legend(palette, right=18, data=list(names.values())),
        "tooltip": tooltip(palette, "%.5g"),
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "xAxis": [time_axis(palette, labels=False), time_axis(palette, index=1)],
        "yAxis": [
            value_axis(palette, name=t("Factor value")),
            value_axis(palette, name=t("Adjusted close, first = 100"), index=1, splitNumber=2),
        ],
        "dataZoom": bounds,
        "series": series,
    }


def _short(values: pl.Series, digits: int) -> list[float | None]:
    return [None if v is None else float(f"{v:.{digits}g}") if digits > 2 else round(v, digits) for v in values]
