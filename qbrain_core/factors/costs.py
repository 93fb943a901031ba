"""About how long a row of an expression takes, for an estimate before anything is computed."""

from qbrain_core.factors.operators import Scope, Slot
from qbrain_core.factors.tree import Call, Node, Number, walk

__all__ = ["cost_ns"]

# measured on 100,000 rows of float32, one thread of a 2.9 GHz server core: per row, and per row and row of the window
_NS = {
    "Mean": (3.3, 0.0), "Sum": (3.6, 0.0), "Std": (5.3, 0.0), "Var": (4.1, 0.0), "Count": (3.2, 0.0),
    "Max": (2.6, 0.0), "Min": (2.6, 0.0), "IdxMax": (5.0, 0.0), "IdxMin": (5.0, 0.0), "Prod": (3.1, 0.0),
    "Slope": (8.0, 0.0), "Rsquare": (8.0, 0.0), "Resi": (8.0, 0.0), "Corr": (8.5, 0.0), "Cov": (8.5, 0.0),
    "EMA": (5.5, 0.0), "Ref": (0.8, 0.0), "Delta": (0.8, 0.0), "Rank": (1.0, 0.24),
    "Med": (36.0, 0.35), "Quantile": (36.0, 0.35), "Mad": (8.0, 2.2), "WMA": (4.0, 0.8), "DecayLinear": (3.0, 0.8),
    "Skew": (30.0, 2.0), "Kurt": (15.0, 2.0), "TResample": (17.0, 0.0), "Power": (2.3, 0.0), "If": (3.6, 0.0),
}  # fmt: skip
_ELEMENTWISE, _TALIB, _SESSION, _PERIODS = 0.5, 20.0, 60.0, 100.0
_LONG = 250.0  # rows to reckon with where a window grows from the first row


def cost_ns(node: Node) -> float:
    """Estimate how long one thread computes a row of a tree, reading and writing left out.

    Parameters
    ----------
    node : Node

    Returns
    -------
    float
        Nanoseconds; what occurs twice is computed once. A machine may be half or twice as fast.
    """
    return sum(_own(n) for n in set(walk(node)) if isinstance(n, Call))


def _own(call: Call) -> float:
    definition = call.definition
    if definition.talib:
        return _TALIB
    if definition.scope is not Scope.OWN:
        return _PERIODS if definition.scope is Scope.PERIODS else _SESSION
    fixed, each = _NS.get(call.operator, (_ELEMENTWISE, 0.0))
    given = zip(definition.slots, call.arguments, strict=False)
    window = next((a.value for slot, a in given if slot is Slot.WINDOW and isinstance(a, Number)), 0.0)
    return fixed + each * (window or _LONG)
