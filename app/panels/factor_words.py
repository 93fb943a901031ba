"""What the words of an expression mean: operators with what they take, and fields."""

from functools import cache
from typing import Any

import polars as pl

from lake.reads.factor_inputs import INPUT_FIELDS
from qbrain_core.factors.operators import OPERATORS, Operator, talib_title
from qbrain_core.factors.wording import FIELD_WORDS, WORDS, Language

__all__ = ["EXAMPLES", "shape", "vocabulary", "words_frame"]

EXAMPLES = (
    "Mean($close, 5) / $close",
    "$close / Ref($close, 20) - 1",
    "-Corr($close, Log($volume + 1), 20)",
    "CSRank(-Std($close / Ref($close, 1) - 1, 20))",
    "TA_RSI($close, 14)",
    "If($close > Mean($close, 60), $volume / Mean($volume, 20), 0)",
)
"""Expressions to start from."""

_SHORT = {"feature": "x", "feature_left": "x", "feature_right": "y"}  # Qlib's long names


def shape(operator: Operator) -> str:
    """Write an operator with what it takes.

    Parameters
    ----------
    operator : Operator

    Returns
    -------
    str
        `Corr(x, y, N)`.
    """
    more = ", …" if operator.repeats else ""
    return f"{operator.name}({', '.join(_names(operator))}{more})"


@cache
def vocabulary(language: Language) -> list[dict[str, Any]]:
    """List what an expression can hold.

    Parameters
    ----------
    language : {"en", "zh"}

    Returns
    -------
    list of dict
        name, kind (field or call), shape, sentence.
    """
    fields = [
        {"name": f"${name}", "kind": "field", "shape": f"${name}",
         "sentence": FIELD_WORDS.get(name, "") if language == "zh" else name.replace("_", " ")}
        for name in INPUT_FIELDS
    ]  # fmt: skip
    calls = [
        {"name": o.name, "kind": "call", "shape": shape(o), "sentence": _sentence(o, language)}
        for o in OPERATORS.values()
    ]
    return [*fields, *calls]


def words_frame(language: Language) -> pl.DataFrame:
    """Lay the vocabulary out as rows.

    Parameters
    ----------
    language : {"en", "zh"}

    Returns
    -------
    DataFrame, columns (shape, sentence: str)
    """
    return pl.DataFrame(vocabulary(language)).select("shape", "sentence")


def _sentence(operator: Operator, language: Language) -> str:
    if operator.talib:
        return talib_title(operator.talib[0])
    phrase = WORDS.get(operator.name, {}).get(language, "")
    return phrase.format(*_names(operator), *("…",) * phrase.count("{"))


def _names(operator: Operator) -> list[str]:
    return [_SHORT.get(name, name) for name in operator.names]
