"""TA-Lib's functions over stacked instruments.

The library computes. A function sees the rows of one instrument that have all its inputs: halts are passed over, as on
a chart. None of its functions changes a row's value when later rows come.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import talib

from qbrain_core.errors import InvalidInputError
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers
from qbrain_core.factors.operators import OPERATORS, Operator, Slot

__all__ = ["FUNCTIONS", "indicator"]

FUNCTIONS: dict[str, list[Operator]] = {}
"""TA-Lib's functions, each with its operators in the order of its outputs."""

for _operator in OPERATORS.values():
    if _operator.talib:
        FUNCTIONS.setdefault(_operator.talib[0], []).append(_operator)


def indicator(stack: Stack, *arguments: Any, function: str, wanted: Sequence[str]) -> list[Array]:
    """Run a function of TA-Lib over each instrument.

    Parameters
    ----------
    stack : Stack
    *arguments : ndarray of shape (n_rows,), then float
        Its series in TA-Lib's order (NaN and infinities count as no value), then all its parameters.
    function : str
        In `FUNCTIONS`.
    wanted : sequence of str
        Operators of this function.

    Returns
    -------
    list of ndarray of float64, shape (n_rows,)
        As wanted. NaN on rows that lack an input, and until TA-Lib has seen enough rows (where it gives whole numbers,
        such as patterns, it gives 0 there).

    Raises
    ------
    InvalidInputError
        If TA-Lib does not take the parameters.
    """
    slots = FUNCTIONS[function][0].slots
    taken = sum(slot is Slot.NUMBER for slot in slots)
    series = [as_numbers(np.asarray(x)).astype(np.float64) for x in arguments[:taken]]
    settings = [
        int(v) if slot is Slot.WHOLE else float(v) for slot, v in zip(slots[taken:], arguments[taken:], strict=True)
    ]
    outputs = [OPERATORS[name].talib for name in wanted]
    valid = np.logical_and.reduce([np.isfinite(x) for x in series])
    result = [np.full(stack.rows, np.nan) for _ in wanted]
    for start, end in zip(stack.edges[:-1].tolist(), stack.edges[1:].tolist(), strict=True):
        rows = start + np.flatnonzero(valid[start:end])
        if rows.size:
            made = _call(function, [x[rows] for x in series], settings)
            for values, output in zip(result, outputs, strict=True):
                assert output is not None
                values[rows] = made[output[1]]
    return result


def _call(function: str, series: Sequence[Array], settings: Sequence[float]) -> tuple[Array, ...]:
    try:
        made: Any = getattr(talib, function)(*series, *settings)
    except Exception as error:  # the library raises nothing more particular
        if "TA_BAD_PARAM" not in str(error):
            raise
        shown = ", ".join(f"{v:g}" for v in settings)
        raise InvalidInputError("expression", f"TA_{function}", f"TA-Lib does not take {shown}") from error
    return made if isinstance(made, tuple) else (made,)
