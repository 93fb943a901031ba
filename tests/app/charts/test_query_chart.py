from datetime import date, datetime, timedelta

import polars as pl
import pytest

from app.charts.palette import Palette
from app.charts.query_chart import MAX_BARS, MAX_POINTS, MAX_SERIES, ChartChoice, fit, guess, query_chart

PALETTE = Palette.of(dark=False, up="red")
DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(10)]
TIMES = pl.DataFrame({"year": [2024] * 10, "session": DAYS, "close": [float(n) for n in range(10)]})
MANY = pl.DataFrame({"instrument": ["a", "b"]}).join(TIMES, how="cross")
NAMES = pl.DataFrame({"sector": ["x", "y", None], "n": [3, 1, 2]})


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (TIMES, ChartChoice("line", "session", ("close",))),
        (MANY, ChartChoice("line", "session", ("close",), "instrument")),
        (NAMES, ChartChoice("bar", "sector", ("n",))),
        (pl.DataFrame({"a": [1.0, 1.0], "b": [3.0, 4.0]}), ChartChoice("scatter", "a", ("b",))),
        (pl.DataFrame({"year": [1, 1], "b": [3.0, 4.0]}), ChartChoice("histogram", "b")),
        (pl.DataFrame({"name": ["a", "b"]}), None),
        (TIMES.clear(), None),
    ],
)
def test_guess_takes_what_the_columns_suggest(frame: pl.DataFrame, expected: ChartChoice | None) -> None:
    assert guess(frame) == expected


def test_line_is_drawn_in_order_of_time_without_missing_values() -> None:
    frame = TIMES.with_columns(pl.when(pl.col("close") == 4).then(None).otherwise("close").alias("close")).reverse()
    option, thinned = query_chart(frame, ChartChoice("line", "session", ("close",)), PALETTE)
    points = option["series"][0]["data"]
    assert not thinned
    assert len(points) == 9
    assert points[0] == ["2024-01-01", 0.0]
    assert [p[0] for p in points] == sorted(p[0] for p in points)
    assert option["xAxis"]["type"] == "time"


def test_one_series_is_drawn_for_each_value_and_the_smallest_are_left_out() -> None:
    option, thinned = query_chart(MANY, ChartChoice("line", "session", ("close",), "instrument"), PALETTE)
    assert [s["name"] for s in option["series"]] == ["a", "b"]
    assert not thinned
    crowd = pl.DataFrame({"by": [str(n) for n in range(30)] + ["29"], "x": 1.0, "y": 2.0})
    option, thinned = query_chart(crowd, ChartChoice("scatter", "x", ("y",), "by"), PALETTE)
    assert len(option["series"]) == MAX_SERIES
    assert "29" in [s["name"] for s in option["series"]]
    assert thinned


def test_long_results_are_thinned_and_said() -> None:
    long = pl.DataFrame({"x": range(50_000), "y": [1.0] * 50_000})
    option, thinned = query_chart(long, ChartChoice("line", "x", ("y",)), PALETTE)
    assert thinned
    assert MAX_POINTS / 2 < len(option["series"][0]["data"]) <= MAX_POINTS
    option, thinned = query_chart(long, ChartChoice("bar", "x", ("y",)), PALETTE)
    assert thinned
    assert len(option["series"][0]["data"]) == MAX_BARS


def test_bars_of_times_and_names_stand_on_categories() -> None:
    for frame, x, y in ((TIMES, "session", "close"), (NAMES, "sector", "n")):
        option, _ = query_chart(frame, ChartChoice("bar", x, (y,)), PALETTE)
        assert option["xAxis"]["type"] == "category"
    moments = pl.DataFrame({"at": [datetime(2024, 1, 1, 9, 30)], "y": [1]})
    option, _ = query_chart(moments, ChartChoice("line", "at", ("y",)), PALETTE)
    assert option["series"][0]["data"] == [["2024-01-01 09:30:00", 1.0]]


def test_histogram_counts_every_finite_value() -> None:
    values = pl.DataFrame({"x": [1.0, 1.0, 2.0, None, float("nan"), float("inf")]})
    option, _ = query_chart(values, ChartChoice("histogram", "x"), PALETTE)
    assert sum(count for _, count in option["series"][0]["data"]) == 3
    same, _ = query_chart(values.with_columns(x=2.0), ChartChoice("histogram", "x"), PALETTE)
    assert sum(count for _, count in same["series"][0]["data"]) == 6


def test_fit_keeps_what_the_frame_has() -> None:
    assert fit(ChartChoice("line", "session", ("close", "gone"), "gone"), TIMES) == ChartChoice(
        "line", "session", ("close",)
    )
    assert fit(ChartChoice("line", "gone", ("close",)), TIMES) is None
    assert fit(ChartChoice("line", "session", ("session",)), TIMES) is None
    assert fit(ChartChoice("histogram", "session"), TIMES) is None
