from collections.abc import Callable, Mapping

import polars as pl
from qlib.contrib.data.loader import Alpha360DL

from qbrain_core.factors import alpha360
from qbrain_core.factors.expression import lookback, parse, reads_future


def test_alpha360_names_and_expressions_are_qlibs() -> None:
    texts, names = Alpha360DL.get_feature_config()
    assert list(alpha360()) == names
    assert [parse(t) for t in alpha360().values()] == [parse(t) for t in texts]


def test_alpha360_looks_59_sessions_back_and_never_ahead() -> None:
    trees = [parse(text) for text in alpha360().values()]
    assert len(trees) == 360
    assert max(lookback(tree) for tree in trees) == 59
    assert not any(reads_future(tree) for tree in trees)


def test_alpha360_with_halts_and_gaps_equals_qlib(
    synthetic_fields: pl.DataFrame, assert_parity: Callable[[Mapping[str, str], pl.DataFrame], None]
) -> None:
    assert_parity(alpha360(), synthetic_fields)
