"""Small pieces of HTML, escaped; their looks are in `style.css`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Badge", "Kpi", "badge", "empty", "kpi_strip", "notice", "section_row", "table", "text", "title_row"]


_TYPED = re.compile(r"`([^`]+)`")
_LONG_VALUE = 11  # characters that a narrow cell holds at full size
_CROWDED = 6  # figures that still fit side by side on a tablet


@dataclass(frozen=True, slots=True)
class Badge:
    """A short label: text, tone (green, amber, red, blue, violet or gray) and what it says when pointed at."""

    text: str
    tone: str = "gray"
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure.

    Attributes
    ----------
    label, value : str
        Name and formatted value.
    delta : str
        Second figure below: a change or the benchmark's value.
    trend : float
        Colours `value` by its sign, as a rise or a fall; 0: no colour.
    hint : str
        Convention or meaning, shown when pointed at.
    tone : str
        Colours `value` as a badge's tone would: what is bad is red in either habit of colouring a rise.
    """

    label: str
    value: str
    delta: str = ""
    trend: float = 0.0
    hint: str = ""
    tone: str = ""


def text(value: str) -> str:
    """Escape a text for use inside markup or an attribute.

    Parameters
    ----------
    value : str

    Returns
    -------
    str
        HTML.
    """
    return escape(value, quote=True)


def _prose(value: str) -> str:
    # `make up` in a sentence is something to type
    return _TYPED.sub(r"<code>\1</code>", escape(value))


def badge(item: Badge) -> str:
    """Draw one badge.

    Parameters
    ----------
    item : Badge

    Returns
    -------
    str
        HTML.
    """
    hint = f' title="{escape(item.hint)}"' if item.hint else ""
    return f'<span class="qb-badge qb-{escape(item.tone)}"{hint}>{escape(item.text)}</span>'


def title_row(title: str, caption: str = "", badges: Sequence[Badge] = ()) -> str:
    """Draw title, caption and badges of a page.

    Parameters
    ----------
    title : str
    caption : str, optional
    badges : sequence of Badge, optional

    Returns
    -------
    str
        HTML.
    """
    small = f'<div class="qb-caption">{escape(caption)}</div>' if caption else ""
    shown = "".join(badge(b) for b in badges)
    return f'<div class="qb-title"><div><h1>{escape(title)}</h1>{small}</div><div class="qb-badges">{shown}</div></div>'


def section_row(title: str, caption: str = "") -> str:
    """Draw the heading of a part of a page.

    Parameters
    ----------
    title : str
    caption : str, optional

    Returns
    -------
    str
        HTML.
    """
    small = f"<span>{escape(caption)}</span>" if caption else ""
    return f'<div class="qb-section"><h2>{escape(title)}</h2>{small}</div>'


def kpi_strip(figures: Iterable[Kpi]) -> str:
    """Draw key figures side by side.

    Parameters
    ----------
    figures : iterable of Kpi

    Returns
    -------
    str
        HTML.
    """
    cells = []
    for figure in figures:
        tone = " qb-up" if figure.trend > 0 else " qb-down" if figure.trend < 0 else ""
        tone += f" qb-{escape(figure.tone)}" if figure.tone else ""
        tone += " qb-long" if len(figure.value) > _LONG_VALUE else ""
        hint = f' title="{escape(figure.hint)}"' if figure.hint else ""
        delta = f'<div class="qb-delta">{escape(figure.delta)}</div>' if figure.delta else ""
        cells.append(
            f'<div class="qb-kpi"{hint}><div class="qb-label">{escape(figure.label)}</div>'
            f'<div class="qb-value{tone}">{escape(figure.value)}</div>{delta}</div>'
        )
    half, crowded = -(-len(cells) // 2), " qb-crowded" if len(cells) > _CROWDED else ""
    return f'<div class="qb-strip"><div class="qb-kpis{crowded}" style="--half:{half}">{"".join(cells)}</div></div>'


def empty(cause: str, advice: str = "") -> str:
    """Say that there is nothing to show, why, and what to do.

    Parameters
    ----------
    cause : str
    advice : str, optional

    Returns
    -------
    str
        HTML.
    """
    return f'<div class="qb-empty"><b>{_prose(cause)}</b><div>{_prose(advice)}</div></div>'


def notice(title: str, cause: str, footnote: str = "", *, tone: str = "red") -> str:
    """Say that something went wrong or needs attention.

    Parameters
    ----------
    title : str
    cause : str
    footnote : str, optional
    tone : str, optional
        As of `Badge`.

    Returns
    -------
    str
        HTML.
    """
    small = f"<small>{_prose(footnote)}</small>" if footnote else ""
    return (
        f'<div class="qb-notice qb-{escape(tone)}" role="alert"><b>{escape(title)}</b>'
        f"<div>{_prose(cause)}</div>{small}</div>"
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Draw a small table; cells are HTML and must be escaped by the caller, headings are escaped here.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequence of str
        Cells as HTML.
    right : iterable of int, optional
        Columns set flush right.

    Returns
    -------
    str
        HTML.
    """
    flush = set(right)

    def cell(tag: str, i: int, content: str) -> str:
        return f'<{tag} class="qb-right">{content}</{tag}>' if i in flush else f"<{tag}>{content}</{tag}>"

    head = "".join(cell("th", i, escape(h)) for i, h in enumerate(header))
    body = "".join("<tr>" + "".join(cell("td", i, c) for i, c in enumerate(row)) + "</tr>" for row in rows)
    return f'<table class="qb-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
