"""Figures of a few named things as bars, with the range each may lie in."""

from collections.abc import Mapping

import polars as pl

from app.charts.axes import Option, grid, legend, tooltip, translucent, value_axis
from app.charts.palette import Palette

__all__ = ["named_bars"]

_CROWD = 14  # names that still stand side by side


def named_bars(
    frame: pl.DataFrame, heights: Mapping[str, str], palette: Palette, *, name: str = "", number: str = "%+.4f",
    unit: str = "", error: str = "", lying: bool = False, signed: bool = False,
) -> Option:  # fmt: skip
    """Draw bars for each row.

    Parameters
    ----------
    frame : DataFrame, columns (item: str, those of `heights`: f64, and `error`: f64)
        In the order drawn; a null draws nothing.
    heights : mapping of str to str
        Legend name by column.
    palette : Palette
    name : str, optional
        What the bars measure, above their axis.
    number : str
        printf format of values in the tooltip.
    unit : str, optional
        Written after numbers on the axis.
    error : str, optional
        Column of standard errors of the first height; drawn as one to either side.
    lying : bool
        Whether bars lie, for long names.
    signed : bool
        Whether bars are coloured by their sign, where there is one height.

    Returns
    -------
    dict
        ECharts option.
    """
    items = frame["item"].cast(pl.String).to_list()
    names = {
        "type": "category", "data": items, "inverse": lying, "axisTick": {"show": False},
        "axisLine": {"show": not lying, "lineStyle": {"color": palette.line}, "onZero": False},
        "axisLabel": {
            "color": palette.text if lying else palette.muted, "fontSize": 11, "width": 132, "overflow": "truncate",
            "interval": 0 if lying or len(items) < _CROWD else "auto",
        },
    }  # fmt: skip
    values = value_axis(palette, name="" if lying else name, unit=unit, scale=False)
    series: list[Option] = [
        {
            "type": "bar", "name": said, "barMaxWidth": 30 if not lying else 15, "itemStyle": {"borderRadius": 2},
            "color": palette.series[i % len(palette.series)], "data": _bars(frame[column], palette, signed),
        }
        for i, (column, said) in enumerate(heights.items())
    ]  # fmt: skip
    if error:
        series += _whiskers(frame, next(iter(heights)), error, palette)
    many = len(heights) > 1
    return {
        "animation": False,
        "legend": legend(palette, right=18, itemHeight=8, data=list(heights.values())) if many else {"show": False},
        "grid": grid(left=146, top=12, right=26) if lying else grid(top=34, left=58),
        "tooltip": tooltip(palette, number, axisPointer={"type": "shadow"}),
        "xAxis": values if lying else names,
        "yAxis": names if lying else values,
        "series": series,
    }


def _bars(values: pl.Series, palette: Palette, signed: bool) -> list[Option | float | None]:
    rounded = [None if v is None else float(f"{v:.6g}") for v in values.cast(pl.Float64).fill_nan(None)]
    if not signed:
        return list(rounded)
    return [
        {"value": v, "itemStyle": {"color": translucent(palette.up if (v or 0) >= 0 else palette.down, 0.8)}}
        for v in rounded
    ]


def _whiskers(frame: pl.DataFrame, height: str, error: str, palette: Palette) -> list[Option]:
    # a line of two points per bar: there are no error bars without code in the browser
    rows = frame.select("item", height, error).drop_nulls().rows()
    return [
        {
            "type": "line", "silent": True, "symbol": "rect", "symbolSize": [9, 1.5], "z": 5,
            "tooltip": {"show": False}, "lineStyle": {"color": palette.text, "width": 1.3},
            "itemStyle": {"color": palette.text},
            "data": [[str(item), value - spread], [str(item), value + spread]],
        }
        for item, value, spread in rows
    ]  # fmt: skip
