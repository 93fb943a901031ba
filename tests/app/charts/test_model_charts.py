"""Charts of trainings and models."""

from datetime import date

import polars as pl
import pytest

from app.charts.ic import ic_series
from app.charts.importance import importance
from app.charts.palette import Palette
from app.charts.segments import segments
from app.charts.training_curve import training_curve

PALETTE = Palette.of(dark=True, up="green")


def say(text: str, **values: object) -> str:
    return text.format(**values) if values else text


def test_training_curve_counts_from_one_and_marks_the_best():
    history = pl.DataFrame(
        {"step": [0, 1, 2], "train.l2": [3.0, 2.0, 1.0], "valid.l2": [3.0, 2.5, 2.6], "train.mae": [1.0] * 3}
    )
    option = training_curve(history, PALETTE, say, metric="l2", best=1)
    assert option["dataset"]["source"].columns == ["step", "train.l2", "valid.l2"]
    assert option["dataset"]["source"]["step"].to_list() == [1, 2, 3]
    assert [s["name"] for s in option["series"]] == ["Train", "Valid"]
    assert option["series"][-1]["markLine"]["data"] == [{"xAxis": 2}]


def test_training_curve_before_the_first_round_is_drawn_empty():
    option = training_curve(pl.DataFrame({"step": []}, schema={"step": pl.Int64}), PALETTE, say, metric="l2", best=None)
    assert option["series"] == []


def test_ic_series_sums_and_leaves_gaps_out():
    frame = pl.DataFrame({"session": [date(2024, 1, 3), date(2024, 1, 2), date(2024, 1, 4)], "ic": [0.1, 0.2, None]})
    source = ic_series(frame, PALETTE, say, window=2)["dataset"]["source"]
    assert source["session"].to_list() == [date(2024, 1, 2), date(2024, 1, 3)]
    assert source["sum"].to_list() == pytest.approx([0.2, 0.3])
    assert source["mean"].to_list() == pytest.approx([None, 0.15])


def test_importance_shows_the_largest_as_shares():
    frame = pl.DataFrame({"feature": ["a", "b", "c"], "importance": [1.0, 6.0, 3.0]})
    source = importance(frame, PALETTE, say, top=2)["dataset"]["source"]
    assert source["feature"].to_list() == ["b", "c"]
    assert source["share"].to_list() == pytest.approx([60, 30])


def test_segments_spans_the_data_and_cuts_at_the_gaps():
    spans = {"train": (date(2020, 1, 1), date(2021, 1, 1)), "valid": (date(2021, 2, 1), date(2021, 6, 1))}
    gap, held = (date(2020, 12, 30), date(2021, 1, 1)), (date(2019, 1, 1), date(2022, 1, 1))
    option = segments(spans, PALETTE, say, gaps=[gap], data=held)
    assert (option["xAxis"]["min"], option["xAxis"]["max"]) == ("2019-01-01", "2022-01-01")
    bands, cuts = option["series"][1]["markArea"]["data"], option["series"][2]
    assert [band[0]["name"] for band in bands] == ["Train", "Valid"]
    assert cuts["markLine"]["data"] == [{"xAxis": "2020-12-31"}]
