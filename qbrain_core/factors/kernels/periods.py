"""Expressions over report periods, each taken as it was known at the session.

Meaning and values are Qlib's (`qlib.data.pit`, 0.9.7): the expression is computed over the periods that had been
reported by the session, restatements included, and its value at the latest of them counts. Three things differ: with
`N = 0` a window reaches back to the first report (Qlib says of itself that it does not); `Delta` reads the period it
goes back to (in Qlib it is always NaN); `If` joins figures of the same period (Qlib joins the latest ones, whichever
period each is of).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from qbrain_core.errors import InvalidInputError
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers
from qbrain_core.factors.kernels.statements import PERIOD_RULE, Statements, ordinal
from qbrain_core.factors.operators import Slot
from qbrain_core.factors.tree import Call, Node, Number, PeriodField, walk

__all__ = ["as_known", "depth"]

Compute: TypeAlias = Callable[[Stack, Call, Sequence[Any]], Array]
"""Computes one call from its arguments' values."""

_EVERY = 10_000  # periods: more than anybody has reported


def depth(node: Node) -> int:
    """Count the periods before the latest that an expression reads.

    Parameters
    ----------
    node : Node

    Returns
    -------
    int
        As Qlib counts them: an average over N periods reads N, also one whose weights decay.
    """
    if not isinstance(node, Call):
        return 0
    below = max(depth(a) for a in node.arguments)
    for slot, argument in zip(node.definition.slots, node.arguments, strict=True):
        if isinstance(argument, Number) and slot in (Slot.WINDOW, Slot.SPAN, Slot.SHIFT):
            rows = argument.value
            if rows == 0:
                return _EVERY
            if 0 < rows < 1:
                return min(_EVERY, below + max(0, int(math.log(1e-6) / math.log(1 - rows)) - 1))
            return min(_EVERY, below + max(0, int(rows) - (slot is not Slot.SHIFT)))
    return below


def as_known(stack: Stack, node: Node, period: float | None = None, *, compute: Compute) -> Array:
    """Compute an expression over report periods, as known at each session.

    Parameters
    ----------
    stack : Stack
        Knows `instruments`, `days` and `statements`.
    node : Node
        The expression; its fields are figures of the statements.
    period : float, optional
        The one period to compute it for: a quarter such as 202003 or a year such as 2020. Without, the latest.
    compute : callable
        `(stack, call, values of its arguments)` → array.

    Returns
    -------
    ndarray of float32, shape (n_rows,)
        NaN before anything was reported. Figures count on the day they became known, too.

    Raises
    ------
    InvalidInputError
        If there are no statements, `period` is none, or quarters and years are joined.
    """
    if not isinstance(stack.statements, Statements):
        raise InvalidInputError("statements", None, "an expression reads $$ fields, so statements are needed")
    only = -1 if period is None else ordinal(int(period))
    if period is not None and only < 0:
        raise InvalidInputError("expression", f"{period:g}", PERIOD_RULE)
    names = list(dict.fromkeys(n.name for n in walk(node) if isinstance(n, PeriodField)))
    known = stack.statements.versions(stack.instruments, names, depth=depth(node) + 1, only=only)
    columns = dict(zip(names, known.columns, strict=True))
    values: dict[Node, Any] = {}

    def visit(part: Node) -> Any:
        if part not in values:
            match part:
                case PeriodField(name):
                    values[part] = columns[name]
                case Call():
                    values[part] = compute(known.stack, part, [visit(a) for a in part.arguments])
                case _:
                    values[part] = part.value if isinstance(part, Number) else math.nan
        return values[part]

    result = np.full(stack.rows, np.nan, np.float32)
    if known.stack.rows == 0:
        return result
    latest = as_numbers(visit(node))[known.stack.edges[1:] - 1].astype(np.float32)
    days = stack.days
    for k, (start, end) in enumerate(zip(stack.edges[:-1].tolist(), stack.edges[1:].tolist(), strict=True)):
        a, b = known.edges[k], known.edges[k + 1]
        place = np.searchsorted(known.days[a:b], days[start:end], side="right") - 1
        seen = place >= 0
        result[start:end][seen] = latest[a:b][place[seen]]
    return result
