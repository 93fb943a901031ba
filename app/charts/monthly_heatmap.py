"""Returns by month and year as a coloured table, with the years' totals."""

import polars as pl

from app.charts.axes import Option, Say, translucent
from app.charts.palette import Palette

__all__ = ["monthly_heatmap"]

_MONTHS = 12


def monthly_heatmap(returns: pl.DataFrame, palette: Palette, t: Say) -> Option:
    """Draw the table.

    Parameters
    ----------
    returns : DataFrame, columns (year: int, month: int, return: f64)
        Compounded return of each month, a decimal fraction, and of each year as month 0; months without sessions are
        missing.
    palette : Palette
    t : callable
        Translator.

    Returns
    -------
    dict
        ECharts option; the last column is the year.
    """
    months, years = returns.filter(pl.col("month") > 0), returns.filter(month=0)
    rows = years.sort("year", descending=True)["year"].to_list()
    place = {year: i for i, year in enumerate(rows)}
    cells = [_cell(m - 1, place[y], r, palette) for y, m, r in months.select("year", "month", "return").iter_rows()]
    totals = [_cell(_MONTHS, place[y], r, palette, bold=True) for y, r in years.select("year", "return").iter_rows()]
    names = [t("Jan"), t("Feb"), t("Mar"), t("Apr"), t("May"), t("Jun"), t("Jul"), t("Aug"), t("Sep"), t("Oct"),
             t("Nov"), t("Dec"), t("Year")]  # fmt: skip
    axis = {"type": "category", "axisLine": {"show": False}, "axisTick": {"show": False}, "splitArea": {"show": False}}
    label = {"color": palette.text, "fontSize": 11}
    look = {"type": "heatmap", "label": {"show": True, "color": palette.text, "fontSize": 11}}
    border = {"borderColor": palette.surface, "borderWidth": 2, "borderRadius": 3}
    return {
        "animation": False,
        "grid": {"top": 26, "bottom": 4, "left": 38, "right": 2, "outerBoundsMode": "none"},
        "tooltip": {"show": False},
        "xAxis": {**axis, "data": names, "position": "top", "axisLabel": {**label, "interval": 0}},
        "yAxis": {**axis, "data": [str(y) for y in rows], "inverse": True, "axisLabel": label},
        "visualMap": [_scale(months["return"], 0, palette), _scale(years["return"], 1, palette)],
        "series": [
            {**look, "name": t("Month"), "data": cells, "itemStyle": border},
            {**look, "name": t("Year"), "data": totals, "itemStyle": border},
        ],
    }


def _cell(x: int, y: int, value: float | None, palette: Palette, *, bold: bool = False) -> Option:
    text = "–" if value is None else f"{value * 100:.1f}"
    return {
        "value": [x, y, None if value is None else round(value * 100, 3)],
        "label": {"formatter": text, "fontWeight": "bold" if bold else "normal", "color": palette.text},
    }


def _scale(values: pl.Series, series: int, palette: Palette) -> Option:
    largest = values.abs().quantile(0.95) or 0.01
    return {
        "show": False,
        "seriesIndex": series,
        "dimension": 2,
        "min": -largest * 100,
        "max": largest * 100,
        "inRange": {
            "color": [
                translucent(palette.down, 0.75), translucent(palette.down, 0.12),
                translucent(palette.up, 0.12), translucent(palette.up, 0.75),
            ]
        },
    }  # fmt: skip
