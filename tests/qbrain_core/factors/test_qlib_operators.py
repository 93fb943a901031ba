"""Every operator of Qlib against Qlib itself, on real A-shares with halts, late listings and missing values."""

import ast
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from qbrain_core.factors.operators import OPERATORS, SPELLINGS

ELSEWHERE = {"TResample", "P", "PRef", "PFeature"}
"""Compared in tests of their kernels: with pandas (Qlib's TResample fails on its own index), and Qlib's own storage."""

WINDOWS = (0, 5, 60)
ROLLING = (
    "Mean", "Sum", "Std", "Var", "Max", "Min", "Med", "Mad", "Rank", "Count", "IdxMax", "IdxMin", "Slope", "Rsquare",
    "Resi", "WMA", "EMA", "Ref", "Delta",
)  # fmt: skip
INDEX = "ChangeInstrument('sh.600519', $close)"
EXPRESSIONS = {
    **{f"{name}_{n}": f"{name}($close, {n})" for name in ROLLING for n in WINDOWS},
    **{f"{name}_volume": f"{name}($volume/Ref($volume, 1), 10)" for name in ROLLING},
    **{f"{name}_condition": f"{name}($close > Ref($close, 1), 20)" for name in ROLLING},
    **{f"{name}_{n}": f"{name}($close/Ref($close, 1)-1, {n})" for name in ("Skew", "Kurt") for n in (0, 5, 60)},
    **{f"Quantile_{n}": f"Quantile($close, {n}, 0.8)" for n in WINDOWS},
    **{f"{name}_{n}": f"{name}($close, Log($volume+1), {n})" for name in ("Corr", "Cov") for n in (2, 5, 60)},
    **{f"{name}_self": f"{name}($high-$high, $close, 5)" for name in ("Corr", "Cov")},
    "rolling": "Rolling($close, 5, 'mean') + Rolling($close, 7, 'median') - Rolling($close, 9, 'std')",
    "fraction": "Mean($close, 0.2) - EMA($close, 0.05)",
    "feature": "Feature('close')/Feature(\"open\")",
    "elements": "Abs(Sign($close-$open))*Log($volume) + Sign($close > $open)",
    "power": "Power($close, 2) + $close**0.5 + 2**($close/$open)",
    "arithmetic": "Add(Sub($close, $open), Mul($high, Div($low, 3))) - (2-$close)*(3/$open)",
    "extremes": "Greater($close, Ref($close, 3)) - Less($open, 19)",
    "joined": "If(And(Gt($close, $open), Or(Le($high, 30), Ge($low, 20))), $close, Ref($close, 1))",
    "compared": "If(Lt($close, Ref($close, 1)), 1, 2) + If(Eq($high, $close), 4, 8) + If(Ne($open, $low), 16, 32)",
    "negated": "If(Not($close > $open) & ($volume > 0) | ($open >= 100), 1, -1.5)",
    "mask": "Mask(Mean($close, 20), 'sh.600519')",
    "index": f"{INDEX}/Ref({INDEX}, 1) - 1",
    "index_averaged": f"Mean({INDEX}, 60)",
    "index_beta": f"Cov($close/Ref($close, 1)-1, {INDEX}/Ref({INDEX}, 1)-1, 60)/Var({INDEX}/Ref({INDEX}, 1)-1, 60)",
    "index_against": f"Cov($close, Mask($close, 'sh.600519'), 20) + ($close/$open)/({INDEX}/Ref({INDEX}, 5))",
    "index_rising": f"Mean({INDEX} > Ref({INDEX}, 1), 20)",
    "infinite": "$volume/($close-$close) + Mean($volume/($high-$low), 5)",
    "vwap": "Std($vwap/$close, 20) + Mean($vwap, 3)",
}


@pytest.mark.real
def test_every_operator_real_stocks_equals_qlib(cn_fields: pl.DataFrame, assert_parity: Callable[..., None]) -> None:
    nulls = cn_fields.group_by("instrument").agg(pl.col("close").null_count(), rows=pl.len())
    halted = nulls.sort("close", descending=True)["instrument"].head(3).to_list()
    shortest = nulls.sort("rows")["instrument"].head(2).to_list()
    some = cn_fields.filter(pl.col("instrument").is_in([*halted, *shortest, "sh.600519"]))
    assert some["close"].null_count() > 100
    assert_parity(EXPRESSIONS, some)


def _names_in_qlib() -> set[str]:
    found = importlib.util.find_spec("qlib")
    assert found is not None
    assert found.origin is not None
    tree = ast.parse((Path(found.origin).parent / "data" / "ops.py").read_text())
    lists = [
        n.value for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "").endswith("OpsList")
    ]
    return {name.id for part in lists for name in ast.walk(part) if isinstance(name, ast.Name)} - {"TOpsList"}


def test_language_has_every_operator_of_qlib_and_all_are_compared() -> None:
    names = _names_in_qlib() | {"P", "PRef"}
    assert len(names) > 50
    assert not names - OPERATORS.keys() - SPELLINGS.keys()
    written = set(re.findall(r"\w+(?=\()", " ".join(EXPRESSIONS.values())))
    assert names - written <= ELSEWHERE
