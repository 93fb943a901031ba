import json
from datetime import date, timedelta

import polars as pl
import pytest

from app.charts.candles import Line, Pane, candles, candles_height
from app.charts.palette import Palette

LABELS = {"session": "Session", "open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}


@pytest.fixture
def frame():
    n = 40
    return pl.DataFrame(
        {
            "session": [str(date(2025, 1, 1) + timedelta(days=i)) for i in range(n)],
            "open": [10.0 + i % 3 for i in range(n)],
            "high": [13.0] * n,
            "low": [9.0] * n,
            "close": [11.0] * n,
            "volume": [100.0 + i for i in range(n)],
            "ma5": [None] * 4 + [11.0] * (n - 4),
            "macd_hist": [(-1.0) ** i for i in range(n)],
        }
    )


def _option(frame, **changes):
    given = {
        "labels": LABELS,
        "overlays": [Line("ma5", "MA5")],
        "panes": [Pane("MACD", bars="macd_hist")],
        "first_shown": frame["session"][5],
        "digits": 2,
        "logarithmic": False,
        "palette": Palette.of(dark=False, up="red"),
    }
    return candles(frame, **(given | changes))


def test_candles_dimensions_are_open_close_low_high(frame):
    option = _option(frame)
    assert option["series"][0]["encode"]["y"] == ["open", "close", "low", "high"]


def test_candles_every_pane_follows_the_zoom(frame):
    option = _option(frame, panes=[Pane("MACD", bars="macd_hist"), Pane("MA", (Line("ma5", "MA5"),))])
    n = len(option["grid"])
    assert n == 4 == len(option["xAxis"]) == len(option["yAxis"])
    assert all(zoom["xAxisIndex"] == list(range(n)) for zoom in option["dataZoom"])
    assert option["axisPointer"]["link"] == [{"xAxisIndex": "all"}]
    assert option["dataZoom"][0]["startValue"] == frame["session"][5]


def test_candles_bars_are_coloured_by_the_column_of_their_direction(frame):
    option = _option(frame)
    source = option["dataset"]["source"]
    rose = (frame["close"] >= frame["open"]).cast(pl.Int8).to_list()
    assert source["volume_rose"].to_list() == rose
    assert 0 < sum(rose) < frame.height
    drawn = {option["series"][m["seriesIndex"]]["name"]: source.columns[m["dimension"]] for m in option["visualMap"]}
    assert drawn == {"Volume": "volume_rose", "macd_hist": "macd_hist_rose"}


@pytest.mark.parametrize(("up", "first"), [("red", "#D9363E"), ("green", "#0F9D6B")])
def test_candles_rise_has_the_readers_colour(frame, up, first):
    style = _option(frame, palette=Palette.of(dark=False, up=up))["series"][0]["itemStyle"]
    assert style["color"] == first
    assert style["color"] != style["color0"]


def test_candles_option_is_json_apart_from_its_frame(frame):
    option = _option(frame, markers=[("2025-01-03", 13.0, "D")])
    option["dataset"] = {}
    json.dumps(option)


def test_candles_height_grows_by_pane():
    assert candles_height(2) - candles_height(1) == candles_height(1) - candles_height(0) > 0
