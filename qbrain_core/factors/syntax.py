"""The words of the expression language: characters to tokens, and the error that points at a character."""

import re
from dataclasses import dataclass

from qbrain_core.errors import InvalidInputError

__all__ = ["MAX_LENGTH", "FactorSyntaxError", "Token", "is_field_name", "scan"]

MAX_LENGTH = 4000
"""Longest expression, in characters."""

# names of fields as in Qlib, which knows Chinese ones with these marks in them
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<field>\$\$?[\w、：（）]+)|(?P<name>[^\W\d]\w*)|(?P<text>'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<wrong>&&|\|\||//|<>|=>|=<)|(?P<symbol>\*\*|[<>=!]=|[-+*/<>&|(),=~]))"
)
_WRITTEN = {
    "（": "(", "）": ")", "，": ",", "＋": "+", "－": "-", "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "÷": "/",
    "＊": "*", "／": "/", "＞": ">", "＜": "<", "＝": "==", "≥": ">=", "≤": "<=", "≠": "!=", "＆": "&", "｜": "|",
    "＄": "$", "“": '"', "”": '"', "‘": "'", "’": "'", "[": "(", "]": ")", "{": "(", "}": ")", "^": "**", "!": "~",
    "¬": "~", "&&": "&", "||": "|", "//": "/", "<>": "!=", "=>": ">=", "=<": "<=", "；": ",", ";": ",",
}  # fmt: skip


class FactorSyntaxError(InvalidInputError):
    """An expression cannot be read.

    Parameters
    ----------
    parameter : str
        What the expression was given as.
    text : str
        The expression.
    position : int
        Character the trouble is at, from 0.
    rule : str
        What is wrong there.
    """

    def __init__(self, parameter: str, text: str, position: int, rule: str) -> None:
        self.position = position
        self.text = text
        shown = text if len(text) <= 120 else text[:119] + "…"
        super().__init__(parameter, shown, f"at character {position + 1} {rule}")

    @property
    def pointer(self) -> str:
        """The expression with a caret below the place, on two lines."""
        flat = re.sub(r"\s", " ", self.text)
        return f"{flat}\n{' ' * self.position}^"


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression.

    Attributes
    ----------
    kind : {"number", "field", "name", "text", "symbol", "end"}
    text : str
        As written.
    position : int
        Its first character, from 0.
    """

    kind: str
    text: str
    position: int

    def __str__(self) -> str:
        """Show it in an error."""
        if self.kind == "end":
            return "the end"
        return repr(self.text) if len(self.text) <= 40 else repr(self.text[:39] + "…")


def scan(text: str, parameter: str) -> list[Token]:
    """Take an expression apart.

    Parameters
    ----------
    text : str
    parameter : str
        What to call the expression in an error.

    Returns
    -------
    list of Token
        The last one is the end.

    Raises
    ------
    FactorSyntaxError
        At the first character that begins no word, or if the text is too long.
    """
    if len(text) > MAX_LENGTH:
        raise FactorSyntaxError(parameter, text, MAX_LENGTH, f"it is longer than {MAX_LENGTH} characters")
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        kind = found.lastgroup or "" if found else ""
        if found is None or kind == "wrong":
            at = found.start(kind) if found else end - len(text[position:end].lstrip())
            raise FactorSyntaxError(parameter, text, at, _unknown(text, at, found[kind] if found else text[at]))
        token = Token(kind, found[kind], found.start(kind))
        if kind == "field" and (stray := _unbalanced(token.text)) is not None:
            at = token.position + stray
            raise FactorSyntaxError(parameter, text, at, _unknown(text, at, text[at]))
        tokens.append(token)
        position = found.end()
    return [*tokens, Token("end", "", end)]


def is_field_name(name: str) -> bool:
    """Whether a name may stand behind a `$`.

    Parameters
    ----------
    name : str

    Returns
    -------
    bool
    """
    found = _TOKEN.fullmatch(f"${name}")
    return found is not None and not name.startswith("$") and _unbalanced(name) is None


def _unknown(text: str, at: int, what: str) -> str:
    if what == "$":
        return "a field's name should follow the '$', such as $close"
    if what in "'\"":
        return f"the text that begins here has no closing {what} on its line"
    if what == "%":
        return "'%' is no part of the language: divide by 100 for percent; there is no remainder"
    if what in _WRITTEN:
        return f"{what!r} is no part of the language: write {_WRITTEN[what]!r}"
    return f"{what!r} is no part of the language: a field, a number, an operator or a bracket should stand here"


def _unbalanced(name: str) -> int | None:
    # a full-width bracket that belongs to no pair within a field's name was meant as a bracket
    opened = []
    for place, character in enumerate(name):
        if character == "（":
            opened.append(place)
        elif character == "）":
            if not opened:
                return place
            opened.pop()
    return opened[0] if opened else None
