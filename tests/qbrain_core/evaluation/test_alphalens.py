"""The frame against alphalens's own formulas (alphalens-reloaded 0.5.1), written out in pandas."""

import io

import numpy as np
import pandas as pd
import pytest

from qbrain_core.errors import InsufficientDataError, InvalidInputError
from qbrain_core.evaluation.alphalens import alphalens_frame
from qbrain_core.evaluation.yardstick import make_yardstick


@pytest.fixture
def yardstick(sample):
    return make_yardstick(sample.bars, sessions=sample.sessions, keep_locked=True)


def test_frame_has_the_shape_alphalens_asks_for(sample, yardstick) -> None:
    sector = np.broadcast_to(np.arange(40) % 3 - 1, sample.factor.shape)
    frame = alphalens_frame(sample.factor, yardstick, periods=(5, 1), sectors=(sector, ("Banks", "Steel")))
    assert frame.index.names == ["date", "asset"]
    assert isinstance(frame.index.levels[0], pd.DatetimeIndex)
    assert list(frame) == ["1D", "5D", "factor", "factor_quantile", "group"]
    assert not frame.isna().any().any()
    assert frame.index.is_monotonic_increasing
    assert frame.index.is_unique
    assert frame["group"].astype(str).groupby(level="asset").first().head(3).tolist() == ["none", "Banks", "Steel"]
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    assert pd.read_parquet(buffer).equals(frame)


def test_forward_returns_are_alphalenss_one_session_later(sample, yardstick) -> None:
    # alphalens.utils.compute_forward_returns: prices.pct_change(period).shift(-period), rows of a missing price dropped
    frame = alphalens_frame(sample.factor, yardstick, periods=(1, 5))
    prices = sample.bars.with_columns(close=sample.bars["close"] * sample.bars["factor"]).to_pandas()
    wide = prices.pivot(index="session", columns="instrument", values="close")
    halted = prices.pivot(index="session", columns="instrument", values="halted")
    wide = wide.mask(halted.isna() | halted.fillna(True).astype(bool)).ffill()
    wide.index = pd.DatetimeIndex(wide.index)
    for period in (1, 5):
        expected = wide.pct_change(period).shift(-period).shift(-1).stack()
        assert frame[f"{period}D"].to_numpy() == pytest.approx(expected.reindex(frame.index).to_numpy())


def test_quantiles_are_alphalenss(sample, yardstick) -> None:
    # alphalens.utils.quantize_factor: groupby(date).transform(pd.qcut, quantiles, labels=False) + 1
    frame = alphalens_frame(sample.factor, yardstick, quantiles=4)
    expected = frame.groupby(level="date")["factor"].transform(lambda x: pd.qcut(x, 4, labels=False) + 1)
    assert (frame["factor_quantile"] == expected).all()


def test_frame_of_nothing_is_refused(sample, yardstick) -> None:
    with pytest.raises(InvalidInputError, match="periods"):
        alphalens_frame(sample.factor, yardstick, periods=())
    with pytest.raises(InsufficientDataError, match="returns over 500 sessions"):
        alphalens_frame(sample.factor, yardstick, periods=(500,))
