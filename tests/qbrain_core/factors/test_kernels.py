from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
import pytest

from qbrain_core.factors import alpha158
from qbrain_core.factors.kernels import FAMILIES, KERNELS, PERIODS, SECTIONS, Stack
from qbrain_core.factors.operators import OPERATORS, Scope

ROLLING = (
    "Mean", "Sum", "Std", "Var", "Max", "Min", "Med", "Mad", "Rank", "Count",
    "IdxMax", "IdxMin", "Slope", "Rsquare", "Resi", "WMA", "EMA",
)  # fmt: skip
SINGLE = {
    "ema_alpha": "EMA($close, 0.1)",
    "ref_ahead": "Ref($close, -5)",
    "ref_first": "Ref($close, 0)",
    "ref_condition": "Ref($close > $open, 1)",
    "delta_ahead": "Delta($close, -3)",
    "conditions": "If(($close > $open) & ($high > $low) | Not($volume > 1000), $close*2, -1.5)",
    "powers": "Power($close, 2) + 2**($close/20)/$close**2",
    "elements": "Abs(Sign($close - $open))*Log($volume)",
    "comparisons": "If($close>=20, 1, 0) + If($close<=$open, 1, 0) + If($close!=$open, 2, 0) + If($close==$open, 4, 0)",
    "if_conditions": "If($close > $open, $high > $close*1.02, $volume > 1e5)*2",
    "mixed": "($close > $open)*$volume",
    "folded": "(2*3 - 1)/4*$close",
    "extremes": "Greater($close, 20) - Less($open, 19)",
    "nested": "Mean(Rank(Std($volume, 5), 10), 20) + EMA(Slope(If($volume > 9, $close, $open), 7), 12)",
    "divided_by_zero": "Mean($close/($close - $close), 5)",
    "infinite": "IdxMax(If($close > $open, $volume/0, $volume), 5)",
}


def _every_operator() -> Mapping[str, str]:
    texts = dict(SINGLE)
    for n in (0, 1, 2, 3, 5, 17, 60, 500):
        for name in ROLLING:
            texts[f"{name}_{n}"] = f"{name}($close, {n})"
            texts[f"{name}_condition_{n}"] = f"{name}($close > Ref($close, 1), {n})"
        texts |= {f"Ref_{n}": f"Ref($close, {n})", f"Delta_{n}": f"Delta($close, {n})"}
        texts[f"Quantile_{n}"] = f"Quantile(Log($volume), {n}, 0.3)"
        if n not in (1, 2, 3):
            texts |= {f"{name}_{n}": f"{name}($close/Ref($close, 1), {n})" for name in ("Skew", "Kurt")}
        if n:  # Qlib itself fails on Corr and Cov over 0
            texts |= {f"{name}_{n}": f"{name}($close, Log($volume + 1), {n})" for name in ("Corr", "Cov")}
    return texts


def test_kernels_every_operator_and_alpha158_equal_qlib(
    synthetic_fields: pl.DataFrame, assert_parity: Callable[[Mapping[str, str], pl.DataFrame], None]
) -> None:
    assert_parity({**_every_operator(), **alpha158()}, synthetic_fields)


def test_kernels_tables_have_every_operator_once() -> None:
    names = [*KERNELS, *FAMILIES, *SECTIONS, *PERIODS]
    assert sorted(names) == sorted(OPERATORS)
    across = {o.name for o in OPERATORS.values() if o.scope in (Scope.SESSION, Scope.OTHER)}
    assert across == set(SECTIONS)
    assert {o.name for o in OPERATORS.values() if o.scope is Scope.PERIODS} == set(PERIODS)


@pytest.mark.parametrize("rows", [1, 3, 10, -1, -3, -10])
def test_stack_shift_never_crosses_instruments(rows: int) -> None:
    shifted = Stack(np.array([4, 3])).shift(np.arange(7.0), rows)
    expected = []
    for own in (np.arange(4.0), np.arange(4.0, 7.0)):
        source = np.arange(len(own)) - rows
        expected += [own[s] if 0 <= s < len(own) else np.nan for s in source]
    np.testing.assert_array_equal(shifted, expected)


def test_correlation_windows_over_zero_rows_grow_from_the_start() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=9), random.normal(size=9)
    (grown,) = FAMILIES["Corr"].compute(Stack(np.array([9])), x, y, 0.0, wanted=("Corr",))
    assert grown[-1] == pytest.approx(np.corrcoef(x, y)[0, 1])
