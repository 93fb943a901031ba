"""Growth of an account against its benchmark, with the underwater curve below on the same dates."""

import math

import polars as pl

from app.charts.axes import Option, Say, grid, legend, time_axis, tooltip, translucent, value_axis, zoom
from app.charts.palette import Palette

__all__ = ["equity"]

_STEPS = (1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)


def equity(curves: pl.DataFrame, palette: Palette, t: Say, *, log: bool = False) -> Option:
    """Draw growth of 1 and drawdowns.

    Parameters
    ----------
    curves : DataFrame, columns (session: date, net: f64, gross: f64, benchmark: f64, drawdown: f64,
            benchmark_drawdown: f64)
        Growth of 1 and decimal fractions ≤ 0, ascending by session; the benchmark's columns may be null throughout.
    palette : Palette
    t : callable
        Translator.
    log : bool, optional
        Whether equal distances mean equal ratios.

    Returns
    -------
    dict
        ECharts option with two linked plots.
    """
    blue, orange, gray = palette.series[0], palette.series[1], palette.series[-1]
    known = curves["benchmark"].null_count() < curves.height
    growth = ["net", "gross", *(["benchmark"] if known else [])]
    percent = pl.col("drawdown", "benchmark_drawdown").mul(100)
    frame = curves.select("session", pl.col(growth), percent)
    line = {"type": "line", "showSymbol": False, "sampling": "lttb"}
    names = {"net": t("Net"), "gross": t("Gross"), "benchmark": t("Benchmark")}
    looks = {
        "net": {"itemStyle": {"color": blue}, "lineStyle": {"width": 2}, "z": 3},
        "gross": {"itemStyle": {"color": orange}, "lineStyle": {"width": 1.1, "type": "dotted"}},
        "benchmark": {"itemStyle": {"color": gray}, "lineStyle": {"width": 1.3}},
    }
    series: list[Option] = [
        {**line, **looks[c], "name": names[c], "encode": {"x": "session", "y": c, "tooltip": [c]}} for c in growth
    ]
    below = {"xAxisIndex": 1, "yAxisIndex": 1, "tooltip": {"valueFormatter": "%.2f%%"}}
    series.append(
        {
            **line,
            **below,
            "name": t("Drawdown"),
            "encode": {"x": "session", "y": "drawdown", "tooltip": ["drawdown"]},
            "itemStyle": {"color": palette.down},
            "lineStyle": {"width": 1},
            "areaStyle": {"color": translucent(palette.down, 0.22), "origin": 0},
        }
    )
    if known:
        series.append(
            {
                **line,
                **below,
                "name": t("Benchmark drawdown"),
                "encode": {"x": "session", "y": "benchmark_drawdown", "tooltip": ["benchmark_drawdown"]},
                "itemStyle": {"color": gray},
                "lineStyle": {"width": 1},
            }
        )
    return {
        "animation": False,
        "dataset": {"source": frame},
        "legend": legend(palette, data=[names[c] for c in growth]),
        "grid": [grid(bottom="36%"), grid(top="71%")],
        "tooltip": tooltip(palette, "%.4f"),
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "dataZoom": zoom([0, 1]),
        "xAxis": [time_axis(palette, labels=False), time_axis(palette, index=1)],
        "yAxis": [
            value_axis(palette, name=t("Growth of 1"), **(_log(curves.select(growth)) if log else {})),
            value_axis(palette, name=t("Drawdown"), unit="%", index=1, max=0, splitNumber=3),
        ],
        "series": series,
    }


def _log(growth: pl.DataFrame) -> Option:
    values = [v for column in growth for v in (column.min(), column.max()) if v is not None]
    low, high = max(min(values, default=1.0), 1e-6), max(values, default=1.0)
    ticks = [
        step * 10.0**power
        for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        for step in _STEPS
        if low * 0.97 <= step * 10.0**power <= high * 1.03
    ]
    while len(ticks) > 9:
        ticks = ticks[::2]
    ticks = [round(tick, 6) for tick in ticks]
    return {
        "type": "log",
        "min": low * 0.97,
        "max": high * 1.03,
        "axisTick": {"customValues": ticks},
        "axisLabel": {"customValues": ticks, "color": "inherit", "fontSize": 11},
    }
