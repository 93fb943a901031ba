import numpy as np
import pandas as pd
import pytest

from qbrain_core.factors.kernels import KERNELS, Stack


@pytest.mark.parametrize("window", [1, 2, 7, 300])
def test_product_equals_pandas(window: int) -> None:
    random = np.random.default_rng(window)
    x = np.exp(random.normal(0, 0.1, 120)) * random.choice([-1, 1], 120)
    x[random.random(120) < 0.2] = np.nan
    x[40:45] = np.nan
    x[[50, 90]] = 0.0, np.inf
    expected = [
        part.rolling(window, min_periods=1).apply(np.nanprod, raw=True)
        for part in (pd.Series(x[:70]), pd.Series(x[70:]).replace(np.inf, np.nan))
    ]
    result = KERNELS["Prod"](Stack(np.array([70, 50])), x, float(window))
    np.testing.assert_allclose(result, pd.concat(expected), rtol=1e-12)


def test_product_of_all_so_far() -> None:
    result = KERNELS["Prod"](Stack(np.array([4])), np.array([np.nan, 2.0, 0.0, 3.0]), 0.0)
    np.testing.assert_array_equal(result, [np.nan, 2.0, 0.0, 0.0])


def test_product_forgets_a_zero_that_has_left_the_window() -> None:
    x = np.array([2.0, 0.0, 3.0, 5.0, 7.0])
    assert KERNELS["Prod"](Stack(np.array([5])), x, 2.0).tolist() == [2.0, 0.0, 0.0, 15.0, 35.0]
