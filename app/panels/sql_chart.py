"""A result as a picture: what to draw is guessed, and chosen in the URL."""

import polars as pl
import streamlit as st

from app.charts.query_chart import ChartChoice, fit, guess, measures, query_chart
from app.choice import choose, choose_many
from app.i18n import mark
from app.page import empty
from app.session import palette, t
from lake.cage import QueryResult

__all__ = ["draw_chart"]

_KINDS = {"line": mark("Line"), "bar": mark("Bars"), "scatter": mark("Points"), "histogram": mark("Histogram")}
_SAMPLE_ROWS = 20_000
_HEIGHT_PX = 430
_MAX_HEIGHTS = 24
_NONE, _DOT = "-", "·"  # a dot parts names in the URL


def draw_chart(result: QueryResult) -> None:
    """Draw the picture and what chooses it.

    Parameters
    ----------
    result : QueryResult
    """
    sample = result.page(0, _SAMPLE_ROWS)
    guessed = guess(sample)
    if guessed is None:
        empty(t("There is nothing to draw."), t("A chart needs rows and a numeric column."))
        return
    choice = _choose(sample, guessed)
    if choice is None:
        empty(t("There is nothing to draw."), t("Choose at least one numeric column."))
        return
    columns = dict.fromkeys(name for name in (choice.x, *choice.y, choice.by) if name)
    option, thinned = query_chart(result.select(*columns), choice, palette())
    st.echarts_chart(option, height=_HEIGHT_PX, key="sql-chart", alt=_said(choice))
    if thinned:
        st.caption(t("Not every row is drawn: long series are thinned, and only the first bars and series are shown."))


def _choose(sample: pl.DataFrame, guessed: ChartChoice) -> ChartChoice | None:
    heights = measures(sample)[:_MAX_HEIGHTS]
    with st.container(horizontal=True, vertical_alignment="bottom", key="sql-chart-choice"):
        kind = choose(t("Chart"), {code: t(word) for code, word in _KINDS.items()}, name="chart", default=guessed.kind)
        along = heights if kind == "histogram" else sample.columns
        usual = guessed if kind == guessed.kind else _usual(sample, kind, guessed)
        x = choose(
            t("Along"), {name: name for name in along}, name="x", default=usual.x, look="select", show_label=True
        )
        by = _NONE
        if kind != "histogram":
            names = [n for n in sample.columns if n != x and not sample.schema[n].is_float()]
            by = choose(
                t("One series for each"), {_NONE: "–", **{name: name for name in names}}, name="by",
                default=usual.by or _NONE, look="select", show_label=True,
            )  # fmt: skip
    y: tuple[str, ...] = ()
    if kind != "histogram":
        codes = {name.replace(".", _DOT): name for name in heights if name != x}
        default = [code for code, name in codes.items() if name in usual.y]
        y = tuple(codes[code] for code in choose_many(t("Heights"), codes, name="y", default=default))
    return fit(ChartChoice(kind, x, y, by.removeprefix(_NONE)), sample)


def _usual(sample: pl.DataFrame, kind: str, guessed: ChartChoice) -> ChartChoice:
    heights = measures(sample)
    if kind == "histogram":
        return ChartChoice(kind, heights[0])
    others = [name for name in heights if name != guessed.x]
    return ChartChoice(kind, guessed.x, guessed.y or tuple(others[:1]), guessed.by)


def _said(choice: ChartChoice) -> str:
    if choice.kind == "histogram":
        return t("Histogram of {x}", x=choice.x)
    return t("{y} against {x}", y=", ".join(choice.y), x=choice.x)
