"""How each operator is computed on stacked instruments.

Windows never cross into the previous instrument, and hold no state beyond their own rows. Values equal Qlib's
(`qlib.data.ops` 0.9.7) to float32; where one pass over the rows gives several statistics, operators share it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from qbrain_core.factors.kernels import section_order, sections, talib
from qbrain_core.factors.kernels.extremes import extreme, position
from qbrain_core.factors.kernels.moments import moments
from qbrain_core.factors.kernels.neutral import neutralize
from qbrain_core.factors.kernels.order import quantiles, rank
from qbrain_core.factors.kernels.pairs import comovement
from qbrain_core.factors.kernels.periods import as_known
from qbrain_core.factors.kernels.products import product
from qbrain_core.factors.kernels.resample import resample
from qbrain_core.factors.kernels.shapes import decay_linear, deviation, exponential_mean, linear_mean, shape
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers
from qbrain_core.factors.kernels.statements import Statements
from qbrain_core.factors.kernels.trend import trend
from qbrain_core.factors.tree import Call, Number

__all__ = ["FAMILIES", "KERNELS", "PERIODS", "SECTIONS", "Array", "Family", "Stack", "Statements"]

Kernel: TypeAlias = Callable[..., Array]


@dataclass(frozen=True, slots=True)
class Family:
    """Operators that one pass over the same arguments computes together.

    Attributes
    ----------
    compute : callable
        `(stack, *shared arguments, wanted=...)` → one array for each wanted member.
    shared : int
        How many leading arguments the members share; the next one, or the operator's name, tells them apart.
    """

    compute: Callable[..., list[Array]]
    shared: int = 2


FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("Mean", "Sum", "Std", "Var", "Count"), Family(moments)),
    **dict.fromkeys(("Slope", "Rsquare", "Resi"), Family(trend)),
    **dict.fromkeys(("Corr", "Cov"), Family(comovement, shared=3)),
    "Quantile": Family(quantiles),
    **{
        operator.name: family
        for function, operators in talib.FUNCTIONS.items()
        for family in [Family(partial(talib.indicator, function=function), shared=len(operators[0].slots))]
        for operator in operators
    },
}
"""Family of each operator that has one; the rest stand in `KERNELS`."""


def _elementwise(function: Callable[..., Any]) -> Kernel:
    return lambda _stack, *arguments: np.asarray(function(*arguments))


def _median(stack: Stack, x: Array, window: float) -> Array:
    return quantiles(stack, x, window, wanted=(0.5,))[0]


KERNELS: dict[str, Kernel] = {
    "Add": _elementwise(np.add), "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply), "Div": _elementwise(np.divide), "Power": _elementwise(np.power),
    "Gt": _elementwise(np.greater), "Ge": _elementwise(np.greater_equal),
    "Lt": _elementwise(np.less), "Le": _elementwise(np.less_equal),
    "Eq": _elementwise(np.equal), "Ne": _elementwise(np.not_equal),
    "And": _elementwise(np.logical_and), "Or": _elementwise(np.logical_or), "Not": _elementwise(np.logical_not),
    "Greater": _elementwise(np.maximum), "Less": _elementwise(np.minimum),
    "If": lambda _stack, *arguments: as_numbers(np.where(*arguments)),
    "Abs": _elementwise(np.abs), "Log": _elementwise(np.log),
    "Exp": _elementwise(np.exp), "Sqrt": _elementwise(np.sqrt),
    "Sign": _elementwise(lambda x: np.sign(x.astype(np.float32))),
    "Ref": Stack.shift,
    "Delta": lambda stack, x, rows: as_numbers(x) - stack.shift(x, rows),
    "Max": partial(extreme, sign=1.0), "Min": partial(extreme, sign=-1.0),
    "IdxMax": partial(position, sign=1.0), "IdxMin": partial(position, sign=-1.0),
    "Rank": rank, "Med": _median, "Mad": deviation, "WMA": linear_mean, "EMA": exponential_mean,
    "Skew": partial(shape, fourth=False), "Kurt": partial(shape, fourth=True),
    "Prod": product, "TResample": resample, "DecayLinear": decay_linear,
}  # fmt: skip
"""Computation of each other operator: `(stack, *arguments)` → array of shape (n_rows,); constants come as floats."""

SECTIONS: dict[str, Kernel] = {
    "CSRank": section_order.rank, "CSWinsorize": section_order.winsorize,
    "CSZScore": sections.zscore, "CSDemean": sections.demean, "CSScale": sections.scale, "CSNeutralize": neutralize,
    "ChangeInstrument": sections.of_instrument,
    "Mask": lambda stack, x, instrument: sections.of_instrument(stack, instrument, x),
}  # fmt: skip
"""Operators across instruments: `(stack of sessions, *arguments)` → array; each session's rows stand together."""


def _compute(stack: Stack, call: Call, arguments: Sequence[Any]) -> Array:
    family = FAMILIES.get(call.operator)
    if family is None:
        return KERNELS[call.operator](stack, *arguments)
    own = call.arguments[family.shared :]
    wanted = own[0].value if own and isinstance(own[0], Number) else call.operator
    return family.compute(stack, *arguments[: family.shared], wanted=(wanted,))[0]


PERIODS: dict[str, Kernel] = dict.fromkeys(("P", "PRef"), partial(as_known, compute=_compute))
"""Operators over report periods: `(stack, tree of the first argument, *other arguments)` → array."""
