"""Charts of factors and their evaluations."""

from datetime import date

import polars as pl
import pytest

from app.charts.bins import bins
from app.charts.factor_lines import factor_lines
from app.charts.named_bars import named_bars
from app.charts.palette import Palette
from app.charts.qq import qq
from app.charts.quantile_growth import quantile_growth

PALETTE = Palette.of(dark=False, up="red")


def say(text: str, **values: object) -> str:
    return text.format(**values) if values else text


def test_factor_lines_draws_values_above_prices_that_start_at_a_hundred():
    frame = pl.DataFrame(
        {
            "instrument": ["A", "A", "B", "B"],
            "session": [date(2024, 1, 2), date(2024, 1, 3)] * 2,
            "value": [1.0, float("inf"), None, 2.0],
            "price": [10.0, 11.0, 4.0, 2.0],
        }
    )
    series = factor_lines(frame, {"A": "a", "B": "b"}, PALETTE, say)["series"]
    assert [s["name"] for s in series] == ["a", "a", "b", "b"]
    assert [point[1] for point in series[0]["data"]] == [1.0, None]
    assert [point[1] for point in series[1]["data"]] == [100.0, 110.0]
    assert [point[1] for point in series[3]["data"]] == [100.0, 50.0]
    assert series[0]["color"] == series[1]["color"] != series[2]["color"]


def test_bins_writes_shares_as_percent_and_counts_as_they_are():
    frame = pl.DataFrame({"low": [-1.0, 0.0], "high": [0.0, 1.0], "share": [0.25, 0.75], "count": [1, 3]})
    shares = bins(frame, "share", PALETTE, name="Share")
    assert shares["series"][0]["data"] == [[-0.5, 25.0], [0.5, 75.0]]
    assert (shares["xAxis"]["min"], shares["xAxis"]["max"]) == (-1.0, 1.0)
    counts = bins(frame, "count", PALETTE, name="Count", mean=0.1)
    assert counts["series"][0]["data"] == [[-0.5, 1], [0.5, 3]]
    assert counts["series"][0]["markLine"]["data"] == [{"xAxis": 0.1}]


def test_bins_of_nothing_is_drawn_empty():
    schema = {"low": pl.Float64, "high": pl.Float64, "share": pl.Float64}
    assert bins(pl.DataFrame(schema=schema), "share", PALETTE, name="Share")["series"][0]["data"] == []


def test_qq_draws_the_points_and_the_line_they_would_lie_on():
    frame = pl.DataFrame({"theoretical": [-2.0, 0.0, 1.5], "observed": [-3.0, 0.1, None]})
    line, points = qq(frame, PALETTE, say)["series"]
    assert line["data"] == [[-2.0, -2.0], [2.0, 2.0]]
    assert points["data"] == [[-2.0, -3.0], [0.0, 0.1]]


def test_named_bars_draws_one_error_to_either_side():
    frame = pl.DataFrame({"item": ["1", "2"], "excess": [-2.0, 3.0], "error": [0.5, None]})
    option = named_bars(frame, {"excess": "Excess"}, PALETTE, error="error", signed=True)
    bar, *whiskers = option["series"]
    assert [b["value"] for b in bar["data"]] == [-2.0, 3.0]
    assert bar["data"][0]["itemStyle"]["color"].startswith(PALETTE.down)
    assert bar["data"][1]["itemStyle"]["color"].startswith(PALETTE.up)
    assert [w["data"] for w in whiskers] == [[["1", -2.5], ["1", -1.5]]]


@pytest.mark.parametrize(("lying", "category"), [(True, "yAxis"), (False, "xAxis")])
def test_named_bars_lie_or_stand(lying, category):
    frame = pl.DataFrame({"item": ["a", "b"], "x": [0.1, None], "y": [0.2, 0.3]})
    option = named_bars(frame, {"x": "X", "y": "Y"}, PALETTE, lying=lying)
    assert option[category]["data"] == ["a", "b"]
    assert [s["data"] for s in option["series"]] == [[0.1, None], [0.2, 0.3]]


def test_quantile_growth_goes_from_the_colour_of_a_fall_to_that_of_a_rise():
    frame = pl.DataFrame(
        {
            "session": [date(2024, 1, 2)], "quantile_1": [-0.1], "quantile_2": [0.0], "quantile_3": [0.1],
            "universe_return": [0.05],
        }
    )  # fmt: skip
    names = {"quantile_1": "Q1", "quantile_2": "Q2", "quantile_3": "Q3", "universe_return": "Universe"}
    option = quantile_growth(frame, names, PALETTE, name="Return")
    assert [s["color"] for s in option["series"]] == [PALETTE.down, PALETTE.muted, PALETTE.up, PALETTE.text]
    assert option["dataset"]["source"]["quantile_1"].to_list() == [-10.0]
