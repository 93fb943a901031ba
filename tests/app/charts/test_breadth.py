import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from app.charts.breadth import breadth
from app.charts.palette import Palette

PALETTE = Palette.of(dark=False, up="red")


def _counts(values):
    option = breadth(pl.Series(values, dtype=pl.Float64), label="Stocks", palette=PALETTE)
    names = option["xAxis"]["data"]
    return dict(zip(names, (bar["value"] for bar in option["series"][0]["data"]), strict=True))


@given(st.lists(st.floats(-0.99, 5.0, allow_nan=False) | st.none(), max_size=200))
def test_breadth_counts_every_move_once(values):
    assert sum(_counts(values).values()) == sum(v is not None for v in values)


def test_breadth_places_moves_on_their_side():
    counts = _counts([0.1, 0.02, 0.0, -0.02, -0.5, None])
    assert counts["> 7"] == counts["1…3"] == counts["0"] == counts["−3…−1"] == counts["< −7"] == 1
    assert sum(counts.values()) == 5
