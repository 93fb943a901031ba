"""Train, valid and test on a time line, with the sessions dropped between them."""

from collections.abc import Mapping, Sequence
from datetime import date

from app.charts.axes import DATES, Option, Say, translucent
from app.charts.palette import Palette

__all__ = ["segments"]

Span = tuple[date, date]
"""First and last day."""


def segments(
    spans: Mapping[str, Span], palette: Palette, t: Say, *, gaps: Sequence[Span] = (), data: Span | None = None
) -> Option:
    """Draw the segments as bands.

    Parameters
    ----------
    spans : mapping of str to (date, date)
        Segments by name: train, valid, test.
    palette : Palette
    t : callable
        Translator.
    gaps : sequence of (date, date), optional
        Purged and embargoed spans.
    data : (date, date), optional
        What the lake holds.

    Returns
    -------
    dict
        ECharts option.
    """
    names = {"train": t("Train"), "valid": t("Valid"), "test": t("Test")}
    colours = dict(zip(("train", "valid", "test"), palette.series, strict=False))
    bands = [
        _band(span, translucent(colours.get(name, palette.muted), 0.32), names.get(name, name), palette)
        for name, span in spans.items()
    ]
    # a gap of two sessions is thinner than a pixel on ten years: lines as well as bands
    purged = [_band(gap, palette.surface, "", palette) for gap in gaps]
    cuts = [{"xAxis": (gap[0] + (gap[1] - gap[0]) / 2).isoformat()} for gap in gaps]
    cut = {"symbol": "none", "silent": True, "label": {"show": False}, "data": cuts}
    cut["lineStyle"] = {"color": palette.surface, "width": 4, "type": "solid"}
    days = [d for span in (*spans.values(), *([data] if data else [])) for d in span]
    axis = {
        "type": "time",
        "axisLabel": {"color": palette.muted, "hideOverlap": True, "fontSize": 11, "formatter": DATES},
    }
    outline = {
        "type": "line",
        "data": [[d.isoformat(), 0] for d in data] if data else [],
        "showSymbol": False,
        "lineStyle": {"color": palette.muted, "width": 6, "opacity": 0.55, "cap": "round"},
        "silent": True,
    }
    return {
        "animation": False,
        "grid": {"top": 6, "bottom": 22, "left": 10, "right": 10, "outerBoundsMode": "none"},
        "tooltip": {"show": False},
        "xAxis": {
            **axis,
            "min": min(days).isoformat() if days else None,
            "max": max(days).isoformat() if days else None,
            "splitLine": {"show": False},
        },
        "yAxis": {"type": "value", "show": False, "min": 0, "max": 1},
        "series": [
            outline,
            {"type": "line", "data": [], "markArea": {"silent": True, "data": bands}},
            {"type": "line", "data": [], "markArea": {"silent": True, "data": purged}, "markLine": cut, "z": 5},
        ],
    }


def _band(span: Span, colour: str, name: str, palette: Palette) -> list[Option]:
    label = {"show": bool(name), "color": palette.text, "position": "inside", "fontSize": 12, "fontWeight": 600}
    return [
        {"xAxis": span[0].isoformat(), "name": name, "itemStyle": {"color": colour}, "label": label},
        {"xAxis": span[1].isoformat()},
    ]
