"""How much of an account was invested, and in how many names."""

import polars as pl

from app.charts.axes import Option, Say, grid, legend, time_axis, tooltip, translucent, value_axis, zoom
from app.charts.palette import Palette

__all__ = ["exposure"]


def exposure(sessions: pl.DataFrame, palette: Palette, t: Say) -> Option:
    """Draw cash share and number of positions.

    Parameters
    ----------
    sessions : DataFrame, columns (session: date, cash_share: f64, n_positions: int)
        One row per close, ascending; `cash_share` is a fraction of equity.
    palette : Palette
    t : callable
        Translator.

    Returns
    -------
    dict
        ECharts option with two linked plots.
    """
    frame = sessions.select("session", pl.col("cash_share").mul(100), "n_positions")
    line = {"type": "line", "showSymbol": False, "step": "end", "lineStyle": {"width": 1.2}}
    cash, held = palette.series[3], palette.series[0]
    return {
        "animation": False,
        "dataset": {"source": frame},
        "legend": legend(palette),
        "grid": [grid(bottom="55%"), grid(top="57%")],
        "tooltip": tooltip(palette, "%.2f"),
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "dataZoom": zoom([0, 1]),
        "xAxis": [time_axis(palette, labels=False), time_axis(palette, index=1)],
        "yAxis": [
            value_axis(palette, name=t("Positions"), splitNumber=3, scale=False, minInterval=1),
            value_axis(palette, name=t("Cash"), unit="%", index=1, splitNumber=3, scale=False),
        ],
        "series": [
            {
                **line,
                "name": t("Positions"),
                "encode": {"x": "session", "y": "n_positions", "tooltip": ["n_positions"]},
                "itemStyle": {"color": held},
                "tooltip": {"valueFormatter": "%d"},
            },
            {
                **line,
                "name": t("Cash share"),
                "xAxisIndex": 1,
                "yAxisIndex": 1,
                "encode": {"x": "session", "y": "cash_share", "tooltip": ["cash_share"]},
                "itemStyle": {"color": cash},
                "areaStyle": {"color": translucent(cash, 0.18)},
                "tooltip": {"valueFormatter": "%.2f%%"},
            },
        ],
    }
