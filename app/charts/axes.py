"""Pieces that charts share: axes, grids, tooltips and zoom, styled for the theme."""

from collections.abc import Callable, Sequence
from typing import Any

from app.charts.palette import Palette

__all__ = ["DATES", "Option", "Say", "grid", "legend", "time_axis", "tooltip", "translucent", "value_axis", "zoom"]

Option = dict[str, Any]
"""An ECharts option, or a part of one."""

DATES = {"year": "{yyyy}", "month": "{yyyy}-{MM}", "day": "{MM}-{dd}"}
"""How a date axis writes its labels, the same in every language."""

Say = Callable[..., str]
"""Puts an English text into the reader's language: `app.session.t`."""


def translucent(colour: str, alpha: float) -> str:
    """Make a colour see-through.

    Parameters
    ----------
    colour : str
        `#RRGGBB`.
    alpha : float
        0 invisible, 1 opaque.

    Returns
    -------
    str
        `#RRGGBBAA`.
    """
    return f"{colour}{round(alpha * 255):02X}"


def grid(*, top: int | str = 34, bottom: int | str = 28, left: int = 56, right: int = 18, **more: Any) -> Option:
    """Place a plot area with fixed margins, so that stacked plots line up.

    Parameters
    ----------
    top, bottom : int or str, optional
        Pixels, or a share of the height such as `68%`.
    left, right : int, optional
        Pixels.
    **more
        Further options of an ECharts grid.

    Returns
    -------
    dict
    """
    return {"top": top, "bottom": bottom, "left": left, "right": right, "outerBoundsMode": "none", **more}


def time_axis(palette: Palette, *, index: int = 0, labels: bool = True) -> Option:
    """Make a date axis.

    Parameters
    ----------
    palette : Palette
    index : int, optional
        Grid it belongs to.
    labels : bool, optional
        Whether its dates are written.

    Returns
    -------
    dict
    """
    return {
        "type": "time",
        "gridIndex": index,
        "axisLabel": {
            "show": labels,
            "color": palette.muted,
            "hideOverlap": True,
            "fontSize": 11,
            "formatter": DATES,
        },
        "axisTick": {"show": labels},
        "axisLine": {"lineStyle": {"color": palette.line}},
        "splitLine": {"show": False},
    }


def value_axis(palette: Palette, *, name: str = "", unit: str = "", index: int = 0, **more: Any) -> Option:
    """Make a number axis; its name stands above it.

    Parameters
    ----------
    palette : Palette
    name : str, optional
    unit : str, optional
        Written after every number.
    index : int, optional
        Grid it belongs to.
    **more
        Further options of an ECharts axis.

    Returns
    -------
    dict
    """
    return {
        "type": "value",
        "scale": True,
        "name": name,
        "nameGap": 8,
        "nameTextStyle": {"color": palette.muted, "align": "left", "padding": [0, 0, 0, -44], "fontSize": 11},
        "gridIndex": index,
        "axisLabel": {"color": palette.muted, "formatter": "{value}" + unit, "fontSize": 11},
        "splitLine": {"lineStyle": {"color": palette.line, "opacity": 0.7}},
        **more,
    }


def tooltip(palette: Palette, number: str, **more: Any) -> Option:
    """Make a tooltip that lists all series at the pointer.

    Parameters
    ----------
    palette : Palette
    number : str
        printf format of the values.
    **more
        Further options of an ECharts tooltip.

    Returns
    -------
    dict
    """
    return {
        "trigger": "axis",
        "valueFormatter": number,
        "backgroundColor": palette.surface,
        "borderColor": palette.line,
        "textStyle": {"color": palette.text, "fontSize": 12},
        "axisPointer": {"type": "line", "lineStyle": {"color": palette.muted, "type": "dashed"}},
        "confine": True,
        **more,
    }


def legend(palette: Palette, **more: Any) -> Option:
    """Make a legend at the top right.

    Parameters
    ----------
    palette : Palette
    **more
        Further options of an ECharts legend.

    Returns
    -------
    dict
    """
    return {
        "top": 0,
        "right": 44,
        "icon": "roundRect",
        "itemWidth": 14,
        "itemHeight": 3,
        "itemGap": 16,
        "textStyle": {"color": palette.text, "fontSize": 12},
        **more,
    }


def zoom(axes: Sequence[int]) -> list[Option]:
    """Let wheel and drag zoom these x axes together.

    Parameters
    ----------
    axes : sequence of int

    Returns
    -------
    list of dict
    """
    return [{"type": "inside", "xAxisIndex": list(axes), "filterMode": "none", "zoomOnMouseWheel": "ctrl"}]
