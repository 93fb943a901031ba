"""The K-line: candles with overlays on top, volume and indicator panes below, all on one linked time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from app.charts.palette import Palette

__all__ = ["Line", "Pane", "candles", "candles_height"]

_MAIN, _VOLUME, _PANE, _GAP = 380, 84, 92, 26  # pixels
_TOP, _FOOT = 34, 62
_LEFT, _RIGHT = 62, 66
_FEW_FLAGS = 8  # that still leave the candles to be seen


@dataclass(frozen=True, slots=True)
class Line:
    """A line over a column of the frame: column, legend name, and whether it is dashed."""

    column: str
    name: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Pane:
    """A pane below the candles.

    Attributes
    ----------
    title : str
    lines : tuple of Line
    bars : str
        Column drawn as bars coloured by their sign, or "".
    levels : tuple of float
        Horizontal guides, such as 30 and 70 of an RSI.
    """

    title: str
    lines: tuple[Line, ...] = ()
    bars: str = ""
    levels: tuple[float, ...] = ()


def candles_height(panes: int) -> int:
    """Height of the whole chart.

    Parameters
    ----------
    panes : int
        Panes below the volume.

    Returns
    -------
    int
        Pixels.
    """
    return _TOP + _MAIN + _GAP + _VOLUME + panes * (_GAP + _PANE) + _FOOT


def candles(
    frame: pl.DataFrame,
    *,
    labels: Mapping[str, str],
    overlays: Sequence[Line],
    panes: Sequence[Pane],
    markers: Sequence[tuple[str, float, str]] = (),
    first_shown: str,
    digits: int,
    logarithmic: bool,
    palette: Palette,
) -> dict[str, Any]:
    """Draw one instrument's bars.

    Parameters
    ----------
    frame : DataFrame, columns (session: str, open, high, low, close, volume: f64, and those of lines and panes)
        One row per session or period, ascending; a null draws nothing.
    labels : mapping of str to str
        Words for title (what is drawn), session, open, high, low, close, volume and the bars of panes.
    overlays : sequence of Line
        Drawn over the candles.
    panes : sequence of Pane
        Drawn below the volume, top to bottom.
    markers : sequence of (session, price, letter)
        Flags over the candles.
    first_shown : str
        Session at the left edge of the window that opens.
    digits : int
        Decimals of prices.
    logarithmic : bool
        Whether the price axis is.
    palette : Palette

    Returns
    -------
    dict
        ECharts option; its dataset holds the frame.
    """
    signed = {"volume": pl.col("close") >= pl.col("open"), **{p.bars: pl.col(p.bars) >= 0 for p in panes if p.bars}}
    source = frame.with_columns(**{_side(c): rose.cast(pl.Int8) for c, rose in signed.items()})
    tops = [_TOP, _TOP + _MAIN + _GAP]
    heights = [_MAIN, _VOLUME]
    for _ in panes:
        tops.append(tops[-1] + heights[-1] + _GAP)
        heights.append(_PANE)
    axes = range(len(tops))
    name = {c: labels.get(c, c) for c in source.columns}
    price = f"%,.{digits}f"
    last = frame["close"].drop_nulls()
    series: list[dict[str, Any]] = [
        {
            "type": "candlestick", "name": labels.get("title", labels["close"]), "xAxisIndex": 0, "yAxisIndex": 0,
            "barMaxWidth": 14,
            "encode": {
                "x": "session", "y": ["open", "close", "low", "high"],
                "tooltip": ["open", "high", "low", "close"],
            },
            "itemStyle": {
                "color": palette.up, "borderColor": palette.up, "color0": palette.down, "borderColor0": palette.down,
            },
            "tooltip": {"valueFormatter": price},
            "markPoint": _flags(markers, palette, crowded=sum(m[0] >= first_shown for m in markers) > _FEW_FLAGS),
            "markLine": _last_price(last[-1] if len(last) else None, digits, palette),
        }
    ]  # fmt: skip
    series += [_line(line, 0, palette.series[i % len(palette.series)], price) for i, line in enumerate(overlays)]
    series.append(_bars("volume", name["volume"], 1, "%,.2f"))
    for i, pane in enumerate(panes, start=2):
        if pane.bars:
            series.append(_bars(pane.bars, name[pane.bars], i, "%.3f"))
        for k, line in enumerate(pane.lines):
            drawn = _line(line, i, palette.series[k], "%.3f")
            if k == 0 and pane.levels:
                drawn["markLine"] = {
                    "silent": True, "symbol": "none", "label": {"show": False},
                    "lineStyle": {"type": "dotted", "color": palette.muted, "width": 1},
                    "data": [{"yAxis": level} for level in pane.levels],
                }  # fmt: skip
            series.append(drawn)
    text = {"color": palette.muted, "fontSize": 11}
    titles = [{"text": name["volume"]}, *({"text": p.title} for p in panes)]
    return {
        "animation": False,
        "dataset": {
            "source": source,
            "dimensions": [{"name": c, "displayName": name[c]} for c in source.columns],
        },
        "title": [
            {**t, "left": _LEFT + 4, "top": tops[i] - 19, "textStyle": {**text, "fontWeight": "normal"}}
            for i, t in enumerate(titles, start=1)
        ],
        "legend": {
            "top": 4, "left": _LEFT, "itemWidth": 14, "itemHeight": 8, "itemGap": 12, "icon": "roundRect",
            "textStyle": text, "data": [line.name for line in overlays],
        },
        "tooltip": {
            "trigger": "axis", "axisPointer": {"type": "cross"}, "confine": True, "transitionDuration": 0,
            "textStyle": {"fontSize": 11}, "padding": [4, 8], "valueFormatter": price,
        },
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "grid": [
            {"left": _LEFT, "right": _RIGHT, "top": top, "height": height, "outerBoundsMode": "none"}
            for top, height in zip(tops, heights, strict=True)
        ],
        "xAxis": [
            {
                "type": "category", "gridIndex": i, "boundaryGap": True,
                "axisLine": {"lineStyle": {"color": palette.line}}, "axisTick": {"show": False},
                "axisLabel": {**text, "show": i == axes[-1], "hideOverlap": True},
                "splitLine": {"show": False},
                "axisPointer": {"label": {"show": i == axes[-1]}},
            }
            for i in axes
        ],
        "yAxis": [
            {
                "gridIndex": i, "scale": i != 1, "type": "log" if logarithmic and i == 0 else "value",
                "splitNumber": 6 if i == 0 else 2, "axisLabel": {**text, **({} if i == 0 else {"showMinLabel": False})},
                "splitLine": {"lineStyle": {"color": palette.line, "opacity": 0.7}},
                "axisLine": {"show": False}, "axisTick": {"show": False},
            }
            for i in axes
        ],
        "dataZoom": [
            {
                "type": "inside", "xAxisIndex": list(axes), "startValue": first_shown, "minValueSpan": 10,
                "endValue": frame["session"][-1],
            },
            {
                "type": "slider", "xAxisIndex": list(axes), "bottom": 8, "height": 20, "left": _LEFT, "right": _RIGHT,
                "startValue": first_shown, "endValue": frame["session"][-1], "minValueSpan": 10,
                "textStyle": {**text, "fontSize": 10}, "borderColor": palette.line, "brushSelect": False,
            },
        ],
        "visualMap": _by_side(series, source.columns, palette),
        "series": series,
    }  # fmt: skip


def _line(line: Line, axis: int, colour: str, number: str) -> dict[str, Any]:
    return {
        "type": "line", "name": line.name, "xAxisIndex": axis, "yAxisIndex": axis, "showSymbol": False,
        "encode": {"x": "session", "y": line.column, "tooltip": [line.column]},
        "lineStyle": {"width": 1.2, "type": "dashed" if line.dashed else "solid"}, "color": colour,
        "connectNulls": False, "tooltip": {"valueFormatter": number}, "emphasis": {"disabled": True},
    }  # fmt: skip


def _bars(column: str, name: str, axis: int, number: str) -> dict[str, Any]:
    return {
        "type": "bar", "name": name, "xAxisIndex": axis, "yAxisIndex": axis, "large": False,
        "encode": {"x": "session", "y": column, "tooltip": [column]}, "itemStyle": {"opacity": 0.75},
        "barMaxWidth": 14, "emphasis": {"disabled": True}, "tooltip": {"valueFormatter": number},
    }  # fmt: skip


def _side(column: str) -> str:
    return f"{column}_rose"


def _by_side(series: Sequence[Mapping[str, Any]], columns: Sequence[str], palette: Palette) -> list[dict[str, Any]]:
    # a bar takes the colour of another column through a hidden visual map: there are no callbacks here
    bars = (i for i, drawn in enumerate(series) if drawn["type"] == "bar")
    return [
        {
            "type": "piecewise", "show": False, "seriesIndex": index, "dimension": columns.index(_side(drawn)),
            "pieces": [{"value": 1, "color": palette.up}, {"value": 0, "color": palette.down}],
        }
        for index in bars
        for drawn in [series[index]["encode"]["y"]]
    ]  # fmt: skip


def _flags(markers: Sequence[tuple[str, float, str]], palette: Palette, *, crowded: bool) -> dict[str, Any]:
    return {
        "symbol": "pin", "symbolSize": 18 if crowded else 26, "silent": True,
        "itemStyle": {"color": palette.series[2], "opacity": 0.85},
        "label": {"fontSize": 8 if crowded else 10, "color": "#fff", "formatter": "{b}"},
        "data": [{"name": letter, "coord": [session, price], "value": letter} for session, price, letter in markers],
    }  # fmt: skip


def _last_price(price: float | None, digits: int, palette: Palette) -> dict[str, Any]:
    return {
        "silent": True, "symbol": "none", "animation": False,
        "lineStyle": {"type": "dashed", "color": palette.series[0], "width": 1, "opacity": 0.7},
        "label": {
            "position": "end", "distance": 3, "formatter": "" if price is None else f"{price:,.{digits}f}",
            "color": "#fff", "backgroundColor": palette.series[0], "padding": [2, 4], "borderRadius": 2, "fontSize": 11,
        },
        "data": [] if price is None else [{"yAxis": price}],
    }  # fmt: skip
