"""The numbers behind an order that was not filled, said in the reader's language."""

import re
from collections.abc import Callable

from app.i18n import mark

__all__ = ["detail_in_words"]

_SENTENCES = (
    mark("no bar in the session"),
    mark("halted or nothing traded"),
    mark("no opening price"),
    mark("no close to size the order by"),
    mark("open {a} at the limit {b}"),
    mark("stop {a} stands at the limit {b}"),
    mark("low {a} reached the stop {b} in the session of the purchase"),
    mark("slot {a} buys {b} shares, the smallest order is {c}"),
    mark("cash {a} buys {b} of {c} shares"),
)
"""What `qbrain_core.execution.simulate` writes, with its numbers as placeholders."""

_PATTERNS = [
    (sentence, re.compile(re.sub(r"\\\{(\w)\\\}", r"(?P<\1>\\S+?)", re.escape(sentence)))) for sentence in _SENTENCES
]


def detail_in_words(detail: str, t: Callable[..., str]) -> str:
    """Put a rejection's detail into the reader's language, with separators in its numbers.

    Parameters
    ----------
    detail : str
        Of the table `backtest_rejections`.
    t : callable
        Translator.

    Returns
    -------
    str
        The detail itself where it is no known sentence.
    """
    for sentence, pattern in _PATTERNS:
        found = pattern.fullmatch(detail)
        if found:
            return t(sentence, **{name: _number(text) for name, text in found.groupdict().items()})
    return detail


def _number(text: str) -> str:
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdigit() and (rest.isdigit() or not point) else text
