"""Names and values in columns, and lists of notes, as HTML."""

from collections.abc import Iterable, Sequence
from html import escape

from app import markup

__all__ = ["anchor", "facts", "notes", "wide_table"]


def anchor(href: str, text: str) -> str:
    """Write a link within the product.

    Parameters
    ----------
    href : str
    text : str

    Returns
    -------
    str
        HTML.
    """
    return f'<a href="{escape(href)}" target="_self">{escape(text)}</a>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Lay names and values out in as many columns as fit.

    Parameters
    ----------
    pairs : iterable of (str, str)
        Name, and value as HTML (escaped by the caller); pairs with an empty value are left out.

    Returns
    -------
    str
        HTML.
    """
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in pairs if value)
    return f'<dl class="qb-facts">{rows}</dl>'


def notes(title: str, lines: Sequence[tuple[str, str]], *, tone: str) -> str:
    """Draw a box with a note per line.

    Parameters
    ----------
    title : str
    lines : sequence of (str, str)
        Tone (red, amber, gray …) and text of each note.
    tone : str
        Tone of the box.

    Returns
    -------
    str
        HTML.
    """
    items = "".join(f'<li class="qb-{escape(level)}">{escape(text)}</li>' for level, text in lines)
    return f'<div class="qb-notice qb-notes qb-{escape(tone)}"><b>{escape(title)}</b><ul>{items}</ul></div>'


def wide_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Draw a small table whose columns share the width and whose cells may wrap.

    Parameters
    ----------
    header, rows, right
        As of `markup.table`.

    Returns
    -------
    str
        HTML.
    """
    return f'<div class="qb-wide">{markup.table(header, rows, right=right)}</div>'
