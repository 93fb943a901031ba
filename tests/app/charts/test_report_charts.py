"""Charts of the backtest report, judged by what they hand to ECharts."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from app.charts.annual import annual
from app.charts.equity import equity
from app.charts.exposure import exposure
from app.charts.histogram import histogram
from app.charts.monthly_heatmap import monthly_heatmap
from app.charts.palette import Palette
from app.charts.rejections import rejections
from app.charts.rolling import rolling

PALETTE = Palette.of(dark=False, up="red")
DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(4)]


def say(text: str, **values: object) -> str:
    return text.format(**values) if values else text


def curves(*, benchmark: bool = True) -> pl.DataFrame:
    known = [1.0, 1.01, 0.99, 1.02] if benchmark else [None] * 4
    depth = [0.0, 0.0, -0.02, 0.0] if benchmark else [None] * 4
    return pl.DataFrame(
        {
            "session": DAYS, "net": [1.0, 1.2, 0.9, 1.5], "gross": [1.0, 1.21, 0.92, 1.55], "benchmark": known,
            "drawdown": [0.0, 0.0, -0.25, 0.0], "benchmark_drawdown": depth,
        },
        schema_overrides={"benchmark": pl.Float64, "benchmark_drawdown": pl.Float64},
    )  # fmt: skip


def test_equity_plots_percent_below_and_growth_above():
    option = equity(curves(), PALETTE, say)
    source = option["dataset"]["source"]
    assert source["drawdown"].min() == pytest.approx(-25)
    assert source["net"].to_list() == [1.0, 1.2, 0.9, 1.5]
    below = [s for s in option["series"] if s.get("xAxisIndex") == 1]
    assert {s["encode"]["y"] for s in below} == {"drawdown", "benchmark_drawdown"}
    assert option["axisPointer"]["link"] == [{"xAxisIndex": "all"}]


def test_equity_without_a_benchmark_leaves_it_out():
    option = equity(curves(benchmark=False), PALETTE, say)
    assert {s["encode"]["y"] for s in option["series"]} == {"net", "gross", "drawdown"}
    assert option["legend"]["data"] == ["Net", "Gross"]


def test_equity_on_a_log_scale_marks_round_numbers_in_reach():
    axis = equity(curves(), PALETTE, say, log=True)["yAxis"][0]
    assert axis["type"] == "log"
    assert axis["axisLabel"]["customValues"] == [0.9, 1.0, 1.1, 1.25, 1.5]
    assert axis["min"] < 0.9 < 1.55 < axis["max"]


@pytest.mark.parametrize("largest", [1.02, 3.0, 40.0, 2500.0])
def test_equity_on_a_log_scale_has_few_ticks_at_any_range(largest):
    frame = curves().with_columns(net=pl.Series([1.0, 1.01, 1.0, largest]))
    ticks = equity(frame, PALETTE, say, log=True)["yAxis"][0]["axisLabel"]["customValues"]
    assert 1 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))


def test_monthly_heatmap_places_every_month_and_the_year_last():
    returns = pl.DataFrame(
        {"year": [2023, 2023, 2024, 2024], "month": [0, 12, 0, 1], "return": [0.02, 0.02, -0.05, -0.05]}
    )
    option = monthly_heatmap(returns, PALETTE, say)
    assert option["yAxis"]["data"] == ["2024", "2023"]
    months, years = option["series"]
    assert [c["value"][:2] for c in months["data"]] == [[11, 1], [0, 0]]
    assert [c["value"] for c in years["data"]] == [[12, 1, 2.0], [12, 0, -5.0]]
    assert years["data"][1]["label"]["formatter"] == "-5.0"


def test_annual_without_a_benchmark_draws_one_bar_a_year():
    years = pl.DataFrame(
        {"year": [2024], "return": [0.1], "benchmark": [None]}, schema_overrides={"benchmark": pl.Float64}
    )
    option = annual(years, PALETTE, say)
    assert len(option["series"]) == 1
    assert option["dataset"]["source"]["return"].to_list() == pytest.approx([10.0])


def test_histogram_counts_every_return_once_and_clips_the_tails():
    sample = np.random.default_rng(5).normal(0, 0.01, 400)
    sample[0] = 0.9
    option = histogram(pl.Series([*sample, None, float("nan")]), PALETTE, say)
    assert sum(bar["value"][1] for bar in option["series"][0]["data"]) == 400
    assert option["xAxis"]["max"] < 10


def test_histogram_of_nothing_is_empty_but_drawn():
    option = histogram(pl.Series([], dtype=pl.Float64), PALETTE, say)
    assert sum(bar["value"][1] for bar in option["series"][0]["data"]) == 0


def test_rolling_in_percent_multiplies_by_a_hundred():
    frame = pl.DataFrame({"session": DAYS, "x": [None, 0.1, 0.2, 0.3]})
    option = rolling(frame, PALETTE, series={"x": "X"}, name="X", unit="%")
    assert option["dataset"]["source"]["x"].to_list() == pytest.approx([None, 10, 20, 30])
    assert option["tooltip"]["valueFormatter"] == "%.2f%%"


def test_exposure_draws_cash_as_percent():
    frame = pl.DataFrame({"session": DAYS, "cash_share": [1.0, 0.05, 0.05, 0.05], "n_positions": [0, 30, 30, 29]})
    source = exposure(frame, PALETTE, say)["dataset"]["source"]
    assert source["cash_share"].to_list() == pytest.approx([100, 5, 5, 5])


def test_rejections_put_the_most_frequent_reason_first():
    counts = pl.DataFrame({"reason": ["halt", "lot"], "buy": [1, 8], "sell": [2, 0]})
    source = rejections(counts, PALETTE, say)["dataset"]["source"]
    assert source["reason"].to_list() == ["lot", "halt"]
