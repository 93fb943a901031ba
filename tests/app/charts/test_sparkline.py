import polars as pl
import pytest

from app.charts.lines import lines
from app.charts.palette import Palette
from app.charts.sparkline import sparkline

PALETTE = Palette.of(dark=True, up="green")


@pytest.mark.parametrize(
    ("closes", "colour"), [([1.0, 2.0], PALETTE.up), ([2.0, 1.0], PALETTE.down), ([2.0], PALETTE.up), ([], PALETTE.up)]
)
def test_sparkline_is_coloured_from_first_to_last(closes, colour):
    frame = pl.DataFrame({"session": ["2025-01-01", "2025-01-02"][: len(closes)], "close": closes})
    frame = frame.cast({"session": pl.String, "close": pl.Float64})
    assert sparkline(frame, value="close", label="x", palette=PALETTE)["series"][0]["color"] == colour


def test_lines_draws_each_named_column_once():
    frame = pl.DataFrame({"session": ["2025-01-01"], "a": [1.0], "b": [2.0], "c": [3.0]})
    option = lines(frame, names={"a": "A", "b": "B"}, palette=PALETTE)
    assert [s["name"] for s in option["series"]] == ["A", "B"]
    assert option["dataset"]["source"].columns == ["session", "a", "b"]
