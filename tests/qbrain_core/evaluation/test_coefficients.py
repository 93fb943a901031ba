from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from qbrain_core.errors import InsufficientDataError, InvalidInputError
from qbrain_core.evaluation import forward_returns, ic, ic_summary, rank_ic

DAY = date(2024, 1, 2)


def _scores(n_sessions: int = 4, n_instruments: int = 30, seed: int = 1) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = n_sessions * n_instruments
    score = random.normal(size=rows).round(1)  # rounded: there are ties
    return pl.DataFrame(
        {
            "session": [DAY + timedelta(days=i) for i in range(n_sessions) for _ in range(n_instruments)],
            "instrument": [f"X{i}" for i in range(n_instruments)] * n_sessions,
            "score": score,
            "forward_return": 0.3 * score + random.normal(size=rows),
        }
    )


@pytest.mark.parametrize(("ours", "theirs"), [(ic, stats.pearsonr), (rank_ic, stats.spearmanr)])
def test_ic_each_session_equals_scipy(ours, theirs) -> None:
    scores = _scores()
    expected = [
        theirs(part["score"], part["forward_return"])[0] for part in scores.partition_by("session", maintain_order=True)
    ]
    result = ours(scores.sample(fraction=1, shuffle=True, seed=2))
    assert result["session"].is_sorted()
    assert result["ic"].to_list() == pytest.approx(expected)


@pytest.mark.parametrize("broken", [None, np.nan, np.inf])
def test_ic_row_without_value_is_dropped(broken: float | None) -> None:
    scores = _scores(1)
    extra = pl.DataFrame({"session": [DAY], "instrument": ["Z"], "score": [broken], "forward_return": [9.0]})
    extra = extra.cast({"score": pl.Float64, "session": scores.schema["session"]})
    assert rank_ic(pl.concat([scores, extra])).equals(rank_ic(scores))


def test_ic_constant_side_is_null_and_does_not_count() -> None:
    scores = _scores(2).with_columns(
        score=pl.when(pl.col("session") == DAY).then(0.1).otherwise(pl.col("score"))
    )  # fmt: skip
    result = ic(scores)
    assert result["ic"].is_null().to_list() == [True, False]
    assert ic_summary(result)["n"] == 1


def test_ic_thin_session_is_left_out_and_none_left_raises() -> None:
    scores = pl.concat(
        [_scores(1), _scores(1, 4).with_columns(session=pl.lit(date(2025, 1, 1)))], how="vertical_relaxed"
    )
    assert ic(scores).height == 1
    with pytest.raises(InsufficientDataError, match="no session has 5"):
        ic(_scores(3, 4))


def test_ic_summary_known_series() -> None:
    summary = ic_summary(pl.DataFrame({"ic": [0.1, None, 0.3, 0.2]}))
    assert summary == pytest.approx({"mean": 0.2, "std": 0.1, "icir": 2.0, "n": 3})


def test_ic_summary_one_session_has_no_spread() -> None:
    assert ic_summary(pl.DataFrame({"ic": [0.1]})) == {"mean": 0.1, "std": None, "icir": None, "n": 1}


def test_ic_summary_no_coefficient_raises() -> None:
    with pytest.raises(InsufficientDataError, match="none of 1 sessions"):
        ic_summary(pl.DataFrame({"ic": [None]}, schema={"ic": pl.Float64}))


def test_forward_returns_default_buys_next_close() -> None:
    days = [DAY + timedelta(days=i) for i in range(4)]
    prices = pl.DataFrame({"instrument": ["A"] * 4, "session": days, "close": [1.0, 2.0, 3.0, 6.0]})
    assert forward_returns(prices)["forward_return"].to_list() == [0.5, 1.0, None, None]
    assert forward_returns(prices, horizon=2, delay=0)["forward_return"].to_list() == [2.0, 2.0, None, None]


@pytest.mark.parametrize("wrong", [{"horizon": 0}, {"delay": -1}])
def test_forward_returns_wrong_span_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        forward_returns(pl.DataFrame(), **wrong)
