"""An expression as coloured text, with the places marked that something is wrong with."""

import re
from collections.abc import Iterable
from html import escape

__all__ = ["expression_html"]

_TOKEN = re.compile(
    r"(?P<field>\$\$?\w+)|(?P<call>[A-Za-z_]\w*)(?=\s*\()|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
)


def expression_html(text: str, marks: Iterable[tuple[int, int, str]] = ()) -> str:
    """Colour an expression.

    Parameters
    ----------
    text : str
    marks : iterable of (int, int, str)
        First character, the one behind the last, and the tone of what is wrong there.

    Returns
    -------
    str
        HTML.
    """
    kinds = {i: m.lastgroup for m in _TOKEN.finditer(text) for i in range(m.start(), m.end())}
    wrong = {i: tone for first, end, tone in marks for i in range(first, end)}
    parts, start = [], 0
    for i in range(1, len(text) + 1):
        if i == len(text) or (kinds.get(i), wrong.get(i)) != (kinds.get(start), wrong.get(start)):
            names = [f"qb-{kinds[start]}"] if start in kinds else []
            names += ["qb-wrong", f"qb-{wrong[start]}"] if start in wrong else []
            piece = escape(text[start:i])
            parts.append(f'<span class="{" ".join(names)}">{piece}</span>' if names else piece)
            start = i
    return f'<div class="qb-expression">{"".join(parts)}</div>'
