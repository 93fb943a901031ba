"""TA-Lib's functions as operators, one for each output, made from the library's own description of them."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import talib
from talib import abstract

from qbrain_core.factors.operators.declaration import Operator, Slot

__all__ = ["TALIB", "talib_keeps_scale", "talib_rows", "talib_title"]


def _operators(function: str) -> Iterator[Operator]:
    info = _described(function).info
    series = tuple(_flat(info["input_names"].values()))
    parameters: dict[str, float] = dict(info["parameters"])
    constants = tuple(Slot.WHOLE if isinstance(v, int) else Slot.SETTING for v in parameters.values())
    outputs = info["output_names"]
    for number, output in enumerate(outputs):
        yield Operator(
            f"TA_{function}" if len(outputs) == 1 else f"TA_{function}_{output.upper()}",
            (Slot.NUMBER,) * len(series) + constants,
            (*series, *parameters),
            defaults=tuple(float(v) for v in parameters.values()),
            talib=(function, number),
            remembers=_remembers(function, info),
        )


def _described(function: str, **settings: float) -> Any:
    return abstract.Function(function, **settings)  # type: ignore[attr-defined]


def _flat(names: Any) -> Iterator[str]:
    # {"price": "close", "prices": ["volume"]}: one name, or several at once
    for given in names:
        yield from [given] if isinstance(given, str) else given


def _remembers(function: str, info: Any) -> bool:
    # what has a parameter has a window of rows, and halted ones in it are skipped; candles look at earlier ones
    flags = " ".join(info["function_flags"] or ())
    unbounded = "unstable" in flags or "path-dependent" in flags
    return bool(info["parameters"]) or unbounded or _described(function).lookback > 0


@cache
def talib_rows(function: str, settings: tuple[float, ...]) -> int:
    """Count the rows before a function's first value.

    Parameters
    ----------
    function : str
        As TA-Lib names it: `RSI`.
    settings : tuple of float
        Its parameters, in its order; whole ones are given as whole floats.

    Returns
    -------
    int
        -1 where TA-Lib does not accept the parameters.
    """
    defaults = _described(function).info["parameters"]
    named = {n: type(d)(v) for (n, d), v in zip(defaults.items(), settings, strict=True)}
    return int(_described(function, **named).lookback)


@cache
def talib_keeps_scale(function: str) -> bool:
    """Whether a function's values are of the scale of its first input, as a moving average is.

    Parameters
    ----------
    function : str
        As TA-Lib names it: `SMA`.

    Returns
    -------
    bool
    """
    return any("scale same" in flag for flag in _described(function).info["function_flags"] or ())


@cache
def talib_title(function: str) -> str:
    """Give the function's name in words.

    Parameters
    ----------
    function : str
        As TA-Lib names it: `RSI`.

    Returns
    -------
    str
        "Relative Strength Index".
    """
    return str(_described(function).info["display_name"])


_functions: list[str] = talib.get_functions()  # type: ignore[no-untyped-call]

TALIB = tuple(operator for function in sorted(_functions) for operator in _operators(function))
"""Operators of TA-Lib, sorted by function."""
