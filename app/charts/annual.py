"""Return of each year beside the benchmark's."""

import polars as pl

from app.charts.axes import Option, Say, grid, legend, tooltip, translucent, value_axis
from app.charts.palette import Palette

__all__ = ["annual"]


def annual(years: pl.DataFrame, palette: Palette, t: Say) -> Option:
    """Draw a pair of bars per year.

    Parameters
    ----------
    years : DataFrame, columns (year: int, return: f64, benchmark: f64)
        Compounded returns, decimal fractions, ascending; `benchmark` may be null.
    palette : Palette
    t : callable
        Translator.

    Returns
    -------
    dict
        ECharts option.
    """
    frame = years.select(pl.col("year").cast(pl.String), pl.col("return", "benchmark").mul(100))
    known = years["benchmark"].null_count() < years.height
    bar = {"type": "bar", "barMaxWidth": 26, "itemStyle": {"color": palette.series[0], "borderRadius": 2}}
    series: list[Option] = [{**bar, "name": t("Net"), "encode": {"x": "year", "y": "return", "tooltip": ["return"]}}]
    if known:
        colour = {"itemStyle": {"color": translucent(palette.series[-1], 0.6), "borderRadius": 2}}
        encode = {"encode": {"x": "year", "y": "benchmark", "tooltip": ["benchmark"]}}
        series.append({**bar, **colour, **encode, "name": t("Benchmark")})
    return {
        "animation": False,
        "dataset": {"source": frame},
        "legend": legend(palette, itemHeight=8),
        "grid": grid(),
        "tooltip": tooltip(palette, "%+.2f%%", axisPointer={"type": "shadow"}),
        "xAxis": {"type": "category", "axisLabel": {"color": palette.muted}, "axisTick": {"show": False}},
        "yAxis": value_axis(palette, name=t("Return"), unit="%", scale=False),
        "series": series,
    }
