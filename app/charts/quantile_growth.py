"""What each quantile's portfolio grew to."""

import polars as pl

from app.charts.axes import Option, grid, legend, time_axis, tooltip, value_axis, zoom
from app.charts.palette import Palette

__all__ = ["quantile_growth"]


def quantile_growth(frame: pl.DataFrame, names: dict[str, str], palette: Palette, *, name: str) -> Option:
    """Draw a line per portfolio.

    Parameters
    ----------
    frame : DataFrame, columns (session: date, and those of `names`: f64)
        Cumulative return since the first session, decimal fractions, ascending.
    names : dict of str to str
        Legend name by column; quantiles first, in order.
    palette : Palette
    name : str
        What is drawn, above the axis.

    Returns
    -------
    dict
        ECharts option; quantiles go from the colour of a fall to that of a rise, the rest is muted.
    """
    quantiles = [column for column in names if column.startswith("quantile_")]
    colours = dict(zip(quantiles, _shades(palette.down, palette.up, palette.muted, len(quantiles)), strict=True))
    source = frame.select("session", *(pl.col(column).mul(100).round(3) for column in names))
    return {
        "animation": False,
        "dataset": {"source": source},
        "legend": legend(palette, right=18),
        "grid": grid(left=58),
        "tooltip": tooltip(palette, "%+.1f%%"),
        "dataZoom": zoom([0]),
        "xAxis": time_axis(palette),
        "yAxis": value_axis(palette, name=name, unit="%"),
        "series": [
            {
                "type": "line", "name": said, "encode": {"x": "session", "y": column, "tooltip": [column]},
                "showSymbol": False, "color": colours.get(column, palette.text),
                "lineStyle": {"width": 1.6, "type": "solid" if column in colours else "dashed"},
            }
            for column, said in names.items()
        ],
    }  # fmt: skip


def _shades(first: str, last: str, middle: str, n: int) -> list[str]:
    # over grey, so that neighbours differ and the middle means nothing
    def mix(a: str, b: str, share: float) -> str:
        parts = (round(int(a[i : i + 2], 16) * (1 - share) + int(b[i : i + 2], 16) * share) for i in (1, 3, 5))
        return "#" + "".join(f"{part:02X}" for part in parts)

    places = [i / (n - 1) if n > 1 else 0.5 for i in range(n)]
    return [mix(first, middle, p * 2) if p < 0.5 else mix(middle, last, p * 2 - 1) for p in places]
