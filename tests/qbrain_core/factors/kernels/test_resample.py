"""Against pandas: on each row stands what `resample` gives when the data end there."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from qbrain_core.factors.kernels import KERNELS, Stack
from qbrain_core.factors.kernels.resample import FUNCTIONS, SPANS
from qbrain_core.factors.operators import SPELLS, STATISTICS

PANDAS = {"D": "D", "W": "W", "M": "ME", "Q": "QE", "Y": "YE"}
DAYS = [
    day for n in range(130) if (day := date(2021, 10, 25) + timedelta(n)).weekday() < 5 and not 60 < n < 71
]  # two turns of a quarter, one of a year, one long holiday


@pytest.fixture(scope="module")
def stacked() -> tuple[Stack, np.ndarray]:
    random = np.random.default_rng(4)
    stack = Stack(np.array([len(DAYS), len(DAYS) - 20]))
    stack.calendar = np.array(DAYS, "datetime64[D]").astype(np.int32)
    stack.opening = np.array([0, 20])
    x = random.normal(1, 0.5, stack.rows)
    x[random.random(stack.rows) < 0.2] = np.nan
    x[10:17] = np.nan
    return stack, x


def _resampled(series: pd.Series, span: str, function: str) -> pd.Series:
    spans = series.resample(PANDAS[span])
    return getattr(spans, function)(min_count=1) if function in ("sum", "prod") else getattr(spans, function)()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("span", SPANS)
def test_resample_row_equals_pandas_on_rows_up_to_it(
    stacked: tuple[Stack, np.ndarray], span: str, function: str
) -> None:
    stack, x = stacked
    result = KERNELS["TResample"](stack, x, span, function)
    for start, opening in ((0, 0), (len(DAYS), 20)):
        own = pd.Series(x[start : start + len(DAYS) - opening], index=pd.to_datetime(DAYS[opening:]))
        for rows in {1, 3, 12, 18, 29, 43, len(own) - 7, len(own)}:
            expected = _resampled(own[:rows], span, function).iloc[-1]
            np.testing.assert_allclose(result[start + rows - 1], expected, rtol=1e-12, err_msg=f"{rows} rows")


def test_resample_last_row_of_each_month_equals_pandas(stacked: tuple[Stack, np.ndarray]) -> None:
    stack, x = stacked
    own = pd.Series(KERNELS["TResample"](stack, x, "M", "max")[: len(DAYS)], index=pd.to_datetime(DAYS))
    ends = own[~own.index.to_period("M").duplicated(keep="last")]
    expected = pd.Series(x[: len(DAYS)], index=own.index).resample("ME").max()
    np.testing.assert_array_equal(ends, expected)


def test_resample_infinity_counts_as_no_value() -> None:
    stack = Stack(np.array([2]))
    stack.calendar, stack.opening = np.array([19000, 19001], np.int32), np.array([0])
    assert KERNELS["TResample"](stack, np.array([2.0, np.inf]), "M", "last").tolist() == [2.0, 2.0]


def test_resample_knows_what_the_language_names() -> None:
    assert set(FUNCTIONS) == set(STATISTICS)
    assert set(SPANS) == set(SPELLS)
