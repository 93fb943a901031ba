"""A picture of any frame: what to draw is guessed from its columns, and may be chosen."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from app.charts.axes import Option, grid, legend, time_axis, tooltip, translucent, value_axis, zoom
from app.charts.palette import Palette

__all__ = ["MAX_BARS", "MAX_POINTS", "MAX_SERIES", "ChartChoice", "fit", "guess", "measures", "query_chart"]

MAX_POINTS = 4_000
"""Points of one series; a longer one is thinned evenly."""

MAX_BARS = 80
"""Bars of one series; later ones are left out."""

MAX_SERIES = 12
"""Series; those with fewer rows are left out."""

_BINS = 50
_NO_MEASURE = {"year", "month", "version", "rank", "order_id", "attempt", "id", "seq", "row"}
_FEW_NAMES = 12
_TITLED_PX = 46


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """What to draw.

    Attributes
    ----------
    kind : str
        line, bar, scatter or histogram.
    x : str
        Column along the horizontal axis; of a histogram the column counted.
    y : tuple of str
        Numeric columns drawn; none for a histogram.
    by : str
        Column whose values make a series each, of the first of `y`; "": none.
    """

    kind: str
    x: str
    y: tuple[str, ...] = ()
    by: str = ""


def measures(frame: pl.DataFrame) -> list[str]:
    """List the columns that can be drawn as heights.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    list of str
        Numeric columns, those that look like a quantity first.
    """
    numeric = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    return sorted(numeric, key=lambda name: (name.lower() in _NO_MEASURE, not frame.schema[name].is_float()))


def guess(frame: pl.DataFrame) -> ChartChoice | None:
    """Guess what would be drawn of a frame.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    ChartChoice or None
        Lines over time, one for each name where there are few; bars over names; points of two measures; else a
        histogram. None without a numeric column or a row.
    """
    heights = measures(frame)
    if not heights or frame.is_empty():
        return None
    times = [name for name, dtype in frame.schema.items() if dtype.is_temporal()]
    names = [name for name, dtype in frame.schema.items() if dtype in (pl.String, pl.Categorical, pl.Enum)]
    if times:
        x = times[0]
        if frame[x].n_unique() == frame.height:
            return ChartChoice("line", x, tuple(heights[:1]))
        for by in names:
            if frame[by].n_unique() <= _FEW_NAMES and not frame.select(pl.struct(x, by).is_duplicated().any()).item():
                return ChartChoice("line", x, (heights[0],), by)
    single = [name for name in names if frame[name].n_unique() == frame.height]
    if single:
        return ChartChoice("bar", single[0], (heights[0],))
    quantities = [name for name in heights if name.lower() not in _NO_MEASURE]
    if len(quantities) > 1:
        return ChartChoice("scatter", quantities[0], (quantities[1],))
    return ChartChoice("histogram", heights[0])


def query_chart(frame: pl.DataFrame, choice: ChartChoice, palette: Palette) -> tuple[Option, bool]:
    """Draw a frame.

    Parameters
    ----------
    frame : DataFrame
        Has the columns of `choice`; rows without a value in x or y are left out.
    choice : ChartChoice
    palette : Palette

    Returns
    -------
    tuple of (dict, bool)
        ECharts option; whether rows were left out to keep it legible.
    """
    if choice.kind == "histogram":
        return _histogram(frame[choice.x], palette), False
    series, thinned = _series(frame, choice)
    axis = _x_axis(frame.schema[choice.x], choice, palette)
    single = len(series) == 1
    drawn = [
        {
            "name": name, "type": choice.kind, "data": points, "color": palette.series[i % len(palette.series)],
            **_look(choice.kind, len(points)),
        }
        for i, (name, points) in enumerate(series)
    ]  # fmt: skip
    option: Option = {
        "animation": False,
        "grid": grid(top=_TITLED_PX, bottom=64, left=70),
        "tooltip": tooltip(palette, "", trigger="item" if choice.kind == "scatter" else "axis"),
        "xAxis": {
            **axis, "name": choice.x, "nameLocation": "middle", "nameGap": 30,
            "nameTextStyle": {"color": palette.muted, "fontSize": 11},
        },
        "yAxis": value_axis(palette, name=choice.y[0] if single or choice.by else "", scale=choice.kind != "bar"),
        "dataZoom": [*zoom([0]), {"type": "slider", "height": 14, "bottom": 4, "filterMode": "none"}],
        "series": drawn,
    }  # fmt: skip
    option["tooltip"].pop("valueFormatter")
    if not single:
        option["legend"] = legend(palette, type="scroll", right=18, left=220)
    return option, thinned


def _series(frame: pl.DataFrame, choice: ChartChoice) -> tuple[list[tuple[str, list[Any]]], bool]:
    if not choice.by:
        parts = [(name, frame.select(choice.x, name)) for name in choice.y[:MAX_SERIES]]
        cut = len(choice.y) > MAX_SERIES
    else:
        sizes = frame[choice.by].value_counts(sort=True)
        values = sizes[choice.by].to_list()[:MAX_SERIES]
        cut = sizes.height > MAX_SERIES
        height = choice.y[0]
        parts = [
            (str(v), frame.filter(pl.col(choice.by).eq_missing(v)).select(choice.x, height))
            for v in sorted(values, key=str)
        ]
    drawn = []
    for name, part in parts:
        rows = part.drop_nulls().drop_nans()
        rows = rows.sort(choice.x, maintain_order=True) if choice.kind == "line" else rows
        if choice.kind == "bar":
            cut, rows = cut or rows.height > MAX_BARS, rows.head(MAX_BARS)
        elif rows.height > MAX_POINTS:
            cut, rows = True, rows.gather_every(-(-rows.height // MAX_POINTS))
        drawn.append((name, _points(rows)))
    return drawn, cut


def _points(rows: pl.DataFrame) -> list[Any]:
    x, y = rows.columns
    if rows.schema[x].is_temporal():
        stamp = "%Y-%m-%d" if rows.schema[x] == pl.Date else "%Y-%m-%d %H:%M:%S"
        rows = rows.with_columns(pl.col(x).dt.to_string(stamp if rows.schema[x] != pl.Time else "%H:%M:%S"))
    elif not rows.schema[x].is_numeric():
        rows = rows.with_columns(pl.col(x).cast(pl.String, strict=False))
    numeric = [name for name in dict.fromkeys((x, y)) if rows.schema[name].is_numeric()]
    rows = rows.with_columns(pl.col(numeric).cast(pl.Float64))
    return [list(row) for row in rows.rows()]


def _x_axis(dtype: pl.DataType, choice: ChartChoice, palette: Palette) -> Option:
    if isinstance(dtype, pl.Datetime) or dtype == pl.Date:
        return time_axis(palette) | ({"type": "category"} if choice.kind == "bar" else {})
    if dtype.is_numeric() and choice.kind != "bar":
        return value_axis(palette)
    labels = {"color": palette.muted, "hideOverlap": True, "fontSize": 11}
    return {"type": "category", "axisLabel": labels, "axisLine": {"lineStyle": {"color": palette.line}}}


def _look(kind: str, points: int) -> Option:
    if kind == "line":
        return {"showSymbol": points < 40, "symbolSize": 5, "lineStyle": {"width": 1.5}}
    if kind == "scatter":
        return {"symbolSize": 8 if points < 200 else 4, "itemStyle": {"opacity": 0.65}}
    return {"barMaxWidth": 34}


def _histogram(values: pl.Series, palette: Palette) -> Option:
    sample = values.drop_nulls().cast(pl.Float64).drop_nans()
    sample = sample.filter(sample.is_finite())
    counts, edges = np.histogram(sample.to_numpy(), bins=min(_BINS, max(sample.n_unique(), 1)))
    width = float(edges[1] - edges[0])
    bars = [[float(f"{edge + width / 2:.6g}"), int(n)] for edge, n in zip(edges[:-1], counts, strict=True)]
    axis = value_axis(palette, name="", min=float(f"{edges[0]:.6g}"), max=float(f"{edges[-1]:.6g}"))
    return {
        "animation": False,
        "grid": grid(top=_TITLED_PX, bottom=44, left=70),
        "tooltip": tooltip(palette, "%d", axisPointer={"type": "shadow"}),
        "xAxis": {**axis, "splitLine": {"show": False}, "nameLocation": "middle", "nameGap": 26, "name": values.name},
        "yAxis": value_axis(palette, scale=False),
        "series": [
            {
                "type": "bar", "name": values.name, "data": bars, "barWidth": "96%",
                "itemStyle": {"color": translucent(palette.series[0], 0.8)},
            }
        ],
    }  # fmt: skip


def fit(choice: ChartChoice, frame: pl.DataFrame) -> ChartChoice | None:
    """Keep what of a choice the frame can show.

    Parameters
    ----------
    choice : ChartChoice
        As somebody wrote it, for this frame or another.
    frame : DataFrame

    Returns
    -------
    ChartChoice or None
        None where it names a column that is not there, or one that is not numeric as a height.
    """
    heights = set(measures(frame))
    y = tuple(name for name in choice.y if name in heights)
    by = choice.by if choice.by in frame.columns else ""
    known = choice.x in (heights if choice.kind == "histogram" else set(frame.columns))
    if not known or (not y and choice.kind != "histogram"):
        return None
    return replace(choice, y=y, by=by)
