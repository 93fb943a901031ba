from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from qbrain_core.factors import compute
from qbrain_core.factors.leakage import Outcome, check_startup


@pytest.fixture
def bars() -> pl.DataFrame:
    random = np.random.default_rng(4)
    days = [date(2023, 1, 2) + timedelta(n) for n in range(300)]
    close = 10 * np.exp(np.cumsum(random.normal(0, 0.02, (300, 5)), axis=0))
    return pl.concat(pl.DataFrame({"instrument": f"N{n}", "session": days, "close": close[:, n]}) for n in range(5))


def found(text: str, bars: pl.DataFrame, **said: float) -> list[tuple[str, Outcome, dict[str, int]]]:
    check = check_startup(lambda rows: compute({"x": text}, rows), bars, lookbacks=said or None)
    return [(f.code, f.severity, f.params) for f in check.findings]


def test_startup_full_window_does_not_matter(bars: pl.DataFrame) -> None:
    assert found("Mean($close, 20)/$close", bars, x=19) == []


def test_startup_more_than_was_said_fails(bars: pl.DataFrame) -> None:
    ((code, severity, params),) = found("Mean($close, 20)/$close", bars, x=18)
    assert (code, severity, params) == ("start_matters", Outcome.FAIL, {"sessions": 19, "lookback": 18})
    ((code, severity, _),) = found("Mean($close, 0)/$close", bars, x=30)
    assert (code, severity) == ("start_matters", Outcome.FAIL)


def test_startup_decaying_average_settles(bars: pl.DataFrame) -> None:
    ((code, severity, params),) = found("EMA($close, 10)/$close", bars, x=float("inf"))
    assert (code, severity) == ("start_settles", Outcome.PASS)
    # 1e-4 of a weight that falls by 9/11 a session is reached after 46
    assert 20 < params["sessions"] < 60


def test_startup_sum_of_all_never_settles(bars: pl.DataFrame) -> None:
    ((code, severity, params),) = found("Sum($close, 0)", bars)
    assert (code, severity) == ("start_lasts", Outcome.WARN)
    assert params["sessions"] > 150
