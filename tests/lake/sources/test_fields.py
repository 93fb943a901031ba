"""Which column of a file brings which field."""

import pytest

from lake.sources.fields import match_columns
from qbrain_core.errors import InvalidInputError, UnknownNameError

OHLC = ["open", "high", "low", "close"]


def test_own_names_and_aliases_are_found_whatever_their_case() -> None:
    matched = match_columns("bars", {}, ["Date", "Name", "Open", "High", "Low", "Close", "Adj Close", "Volume"])
    assert matched == {
        "instrument": "Name", "session": "Date", "open": "Open", "high": "High", "low": "Low", "close": "Close",
        "adj_close": "Adj Close", "volume": "Volume",
    }  # fmt: skip


def test_the_mapping_wins_and_no_column_serves_twice_unasked() -> None:
    matched = match_columns("instruments", {"instrument": "ts_code"}, ["ts_code", "symbol", "name"])
    assert matched == {"instrument": "ts_code", "name": "name"}
    own = match_columns("bars", {}, ["instrument", "symbol", "session", "date", *OHLC])
    assert (own["instrument"], own["session"]) == ("instrument", "session")


def test_constants_are_kept() -> None:
    assert match_columns("bars", {"instrument": "=TSLA"}, ["date", *OHLC])["instrument"] == "=TSLA"


@pytest.mark.parametrize(
    ("mapping", "error", "words"),
    [
        ({"instrumnt": "date"}, UnknownNameError, "did you mean 'instrument'"),
        ({"session": "dat"}, UnknownNameError, "did you mean 'date'"),
        ({}, InvalidInputError, "bars need instrument; the file has date, open"),
    ],
)
def test_mistakes_are_named(mapping: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        match_columns("bars", mapping, ["date", *OHLC])
