import math
from datetime import date, timedelta
from random import Random

import numpy as np
import polars as pl
import pytest
from factor_texts import FIELDS, call

from qbrain_core.factors import compute
from qbrain_core.factors.expression import (
    Call,
    Node,
    dependencies,
    first_row,
    format,
    is_causal,
    lookahead,
    lookback,
    parse,
    reads_future,
)
from qbrain_core.factors.operators import OPERATORS, Scope
from qbrain_core.factors.tree import walk

ROWS = 90
NAMES = ("A", "SH000300", "600519.SH", "it's")


@pytest.mark.parametrize(
    ("text", "back", "ahead"),
    [
        ("$close", 0, 0),
        ("Mean($close, 5)/$close", 4, 0),
        ("Ref(Mean($close, 5), 3)", 7, 0),
        ("Mean($close > Ref($close, 1), 60)", 60, 0),
        ("Ref($close, -2)/Ref($close, -1) - 1", 0, 2),
        ("Ref(Ref($close, -2), 3)", 1, 0),
        ("Delta($close, -3)", 0, 3),
        ("Delta($close, 3)", 3, 0),
        ("Mean(Ref($close, -5), 3)", 0, 5),
        ("Corr($close, Ref($volume, 2), 10)", 11, 0),
        ("Sum($close, 0)", math.inf, 0),
        ("EMA($close, 12)", math.inf, 0),
        ("Mean(CSRank(Mean($close, 5)), 3)", 6, 0),
        ("CSNeutralize($close, Ref($industry, 5))", 5, 0),
        ("Mask(Mean($close, 5), 'X')", 4, 0),
        ("TResample($close, 'M', 'sum')", 30, 0),
        ("P(Mean($$roe_q, 8))", 0, 0),
        ("Mean(P(Ref($$roe_q, 0)), 5)", 4, 0),
        ("TA_AVGPRICE($open, $high, $low, Ref($close, 3))", 3, 0),
        ("TA_SMA($close, 5)", math.inf, 0),
    ],
)
def test_reach_known_expression_counts_rows(text: str, back: float, ahead: int) -> None:
    assert (lookback(parse(text)), lookahead(parse(text))) == (back, ahead)


def test_reads_future_hidden_below_ref_is_seen() -> None:
    assert reads_future(parse("Ref(Ref($close, -2), 3)"))
    assert not reads_future(parse("Ref($close, 3)"))
    assert is_causal(parse("CSRank(Ref($close, 3))"))
    assert not is_causal(parse("CSRank(Delta($close, -3))"))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("$close", 0),
        ("Ref($close, 5)/$close", 5),
        ("Std(Ref($close, 5), 20)", 6),
        ("Delta(Std($close, 3), 2)", 3),
        ("Kurt($close, 20)", 3),
        ("Ref($close, 5) > 1", 0),
        ("Count(Ref($close, 5), 3)", 0),
        ("Ref($close, -5)", 0),
        ("TA_MACD_MACDSIGNAL(Ref($close, 2), 12, 26, 9)", 35),
    ],
)
def test_first_row_known_expression(text: str, rows: int) -> None:
    assert first_row(parse(text)) == rows


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    random = np.random.default_rng(5)
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(ROWS)]
    fields = [*FIELDS, "industry"]
    columns = {
        name: random.integers(1, 4, ROWS * 4) if name == "industry" else random.normal(20, 1, ROWS * 4)
        for name in fields
    }
    return pl.DataFrame({"instrument": np.repeat(NAMES, ROWS), "session": days * 4, **columns})


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """An expression of every operator on rows; none needs statements or begins behind the middle of the frame."""
    random, made = Random(6), {}
    for definition in OPERATORS.values():
        if definition.talib or definition.scope is Scope.PERIODS:
            continue
        tree = call(random, definition, 4)
        while _is_unfit(tree) or max(lookahead(tree), first_row(tree)) > ROWS // 2:
            tree = call(random, definition, 4)
        made[definition.name] = format(tree)
    return made


def _is_unfit(tree: Node) -> bool:
    # TA-Lib's whole-number outputs are 0 before their first value
    talib = any(isinstance(n, Call) and n.definition.talib for n in walk(tree))
    return talib or bool(dependencies(tree).statements)


def test_values_begin_at_the_first_row_and_depend_on_no_row_out_of_reach(
    frame: pl.DataFrame, texts: dict[str, str]
) -> None:
    trees = {name: parse(text) for name, text in texts.items()}
    row = ROWS // 2
    number = pl.int_range(pl.len()).over("instrument")
    plain = compute(texts, frame, allow_future=True)
    for name, tree in trees.items():
        begun = plain.filter(instrument="A")[name].is_not_null().arg_true()
        if len(begun):  # logarithms and roots of what is below 0 have no values
            assert begun[0] >= first_row(tree), texts[name]
    for side in ("before", "after"):
        for reach in sorted({_reach(t, side) for t in trees.values()} - {math.inf}):
            named = [n for n, t in trees.items() if _reach(t, side) == reach]
            hidden = number < row - reach if side == "before" else number > row + reach
            changed = frame.with_columns(
                pl.when(hidden).then(pl.col(c) * 3 + 7).otherwise(pl.col(c)) for c in frame.columns[2:]
            )
            again = compute({n: texts[n] for n in named}, changed, allow_future=True)
            at = pl.col("session") == frame["session"][row]
            for name in named:
                was, is_ = (f.filter(at)[name].fill_null(math.nan).to_numpy() for f in (plain, again))
                np.testing.assert_allclose(is_, was, rtol=1e-5, err_msg=texts[name])


def _reach(tree: Node, side: str) -> float:
    return lookback(tree) if side == "before" else lookahead(tree)
