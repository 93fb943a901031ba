import numpy as np
import polars as pl
import pytest

from qbrain_core import indicators
from qbrain_core.errors import InvalidInputError

# RSI worked example of StockCharts' ChartSchool (QQQQ closes, 14 sessions)
RSI_CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931,
    46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439,
]  # fmt: skip
RSI_VALUES = [70.53, 66.32, 66.55, 69.41, 66.36, 57.97]


@pytest.fixture
def bars() -> pl.DataFrame:
    random = np.random.default_rng(4)
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.02, 200)))
    high, low = close * (1 + random.random(200) / 50), close * (1 - random.random(200) / 50)
    return pl.DataFrame({"high": high, "low": low, "close": close, "volume": random.integers(1, 9, 200)})


def test_rsi_published_example() -> None:
    values = indicators.rsi(pl.DataFrame({"close": RSI_CLOSES}))["rsi14"]
    assert values.null_count() == 14
    assert values[14:].to_list() == pytest.approx(RSI_VALUES, abs=0.06)


def test_ma_equals_polars(bars: pl.DataFrame) -> None:
    frame = indicators.ma(bars, windows=(5, 20))
    assert frame.columns == ["ma5", "ma20"]
    for window in (5, 20):
        expected = bars["close"].rolling_mean(window)
        assert frame[f"ma{window}"].null_count() == window - 1
        np.testing.assert_allclose(frame[f"ma{window}"].to_numpy(), expected.to_numpy())


def test_boll_is_mean_and_two_population_deviations(bars: pl.DataFrame) -> None:
    frame = indicators.boll(bars)
    close = bars["close"]
    mean, std = close.rolling_mean(20), close.rolling_std(20, ddof=0)
    np.testing.assert_allclose(frame["boll_upper"].to_numpy(), (mean + 2 * std).to_numpy(), rtol=1e-6)
    np.testing.assert_allclose(frame["boll_lower"].to_numpy(), (mean - 2 * std).to_numpy(), rtol=1e-6)


def test_ema_and_macd_late_values_forget_the_seed(bars: pl.DataFrame) -> None:
    decayed = [bars["close"].ewm_mean(span=n, adjust=False) for n in (12, 26)]
    ema = indicators.ema(bars)
    assert ema["ema12"][-1] == pytest.approx(decayed[0][-1], rel=1e-6)
    macd = indicators.macd(bars)
    dif = decayed[0] - decayed[1]
    assert macd["macd_dif"][-1] == pytest.approx(dif[-1], abs=1e-4)
    assert macd["macd_dea"][-1] == pytest.approx(dif.ewm_mean(span=9, adjust=False)[-1], abs=1e-4)
    np.testing.assert_allclose(macd["macd_hist"].to_numpy(), (macd["macd_dif"] - macd["macd_dea"]).to_numpy())


def test_kdj_smooths_by_a_third(bars: pl.DataFrame) -> None:
    lowest, highest = bars["low"].rolling_min(9), bars["high"].rolling_max(9)
    raw = (100 * (bars["close"] - lowest) / (highest - lowest)).drop_nulls()
    k = raw.ewm_mean(alpha=1 / 3, adjust=False)
    d = k.ewm_mean(alpha=1 / 3, adjust=False)
    frame = indicators.kdj(bars)
    assert frame["kdj_k"][-1] == pytest.approx(k[-1], rel=1e-6)
    assert frame["kdj_d"][-1] == pytest.approx(d[-1], rel=1e-6)
    assert frame["kdj_j"][-1] == pytest.approx(3 * k[-1] - 2 * d[-1], rel=1e-6)


def test_atr_constant_range_is_that_range() -> None:
    bars = pl.DataFrame({"high": [11.0] * 30, "low": [9.0] * 30, "close": [10.0] * 30})
    assert indicators.atr(bars)["atr14"].drop_nulls().unique().to_list() == [2.0]


def test_obv_adds_volume_by_direction() -> None:
    bars = pl.DataFrame({"close": [1.0, 2.0, 1.5, 1.5], "volume": [10, 20, 5, 7]})
    assert indicators.obv(bars)["obv"].to_list() == [10.0, 30.0, 25.0, 25.0]


@pytest.mark.parametrize("name", ["ma", "ema", "boll", "macd", "rsi", "kdj", "atr", "obv"])
def test_indicator_halted_rows_are_passed_over(bars: pl.DataFrame, name: str) -> None:
    function = getattr(indicators, name)
    halted = pl.concat([bars.head(100), bars.clear().clear(3), bars.tail(100)])
    with_halt, without = function(halted), function(bars)
    assert all(with_halt[100:103].null_count().row(0)[i] == 3 for i in range(with_halt.width))
    assert with_halt.filter(pl.int_range(pl.len()).is_between(100, 102).not_()).equals(without)


@pytest.mark.parametrize("name", ["ma", "ema", "boll", "macd", "rsi", "kdj", "atr", "obv"])
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_indicator_short_history_is_null_not_an_error(bars: pl.DataFrame, name: str, rows: int) -> None:
    assert getattr(indicators, name)(bars.head(rows)).height == rows


@pytest.mark.parametrize(
    "call", [lambda b: indicators.ma(b, windows=(1,)), lambda b: indicators.macd(b, fast=26, slow=12)]
)
def test_indicator_impossible_window_is_refused(bars: pl.DataFrame, call) -> None:
    with pytest.raises(InvalidInputError):
        call(bars)
