from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from lake import Lake
from lake.evaluation_inputs import factor_values, read_inputs
from qbrain_core.errors import InvalidInputError
from qbrain_core.specs import EvaluateSpec

DAYS = [date(2024, 1, 2) + timedelta(days=i) for i in range(12)]
NAMES = ["A.US", "B.US", "C.US"]


@pytest.fixture
def fill(lake: Lake) -> Callable[..., Lake]:
    """Give a function that writes a market of three stocks, and rows of further tables."""

    def fill(*, amount: float | None = 1e6, sector: str | None = None, **tables: pl.DataFrame) -> Lake:
        bars = pl.DataFrame({"instrument": [n for n in NAMES for _ in DAYS], "session": DAYS * 3}).with_columns(
            *(pl.Series(c, np.arange(1.0, 37)) for c in ("open", "high", "low", "close")),
            volume=1e3, factor=1.0, halted=False, price_basis=pl.lit("raw"), amount=pl.lit(amount, pl.Float64),
        )  # fmt: skip
        listed = pl.DataFrame({"instrument": NAMES, "ticker": ["A", "B", "C"]}).with_columns(
            kind=pl.lit("stock"), currency=pl.lit("USD"), lot=1, sector=pl.lit(sector, pl.String)
        )
        with lake.commit("fill", 1) as transaction:
            for name, frame in {"bars": bars, "instruments": listed, **tables}.items():
                transaction.upsert(name, frame)
        return lake

    return fill


def _spec(**changes: Any) -> EvaluateSpec:
    return EvaluateSpec(**{"market": "US", "expressions": {"x": "$close"}, **changes})


def _codes(inputs) -> set[str]:
    return {said["code"] for said in inputs.conventions}


def test_sectors_dated_are_those_of_the_day(fill) -> None:
    spells = pl.DataFrame(
        {"scheme": "gics", "level": [1, 1, 2], "instrument": ["A.US", "A.US", "A.US"],
         "industry": ["Energy", "Banks", "Loans"], "start": [DAYS[0], DAYS[5], DAYS[0]], "end": [DAYS[4], None, None]},
        schema_overrides={"level": pl.Int32},
    )  # fmt: skip
    inputs = read_inputs(fill(sector="Static", industries=spells), _spec())
    codes, names = inputs.sectors
    assert names == ("Banks", "Energy")
    assert codes[:, 0].tolist() == [1] * 5 + [0] * 7
    assert (codes[:, 1:] == -1).all()
    assert {"code": "sector_dated", "params": {"scheme": "gics"}} in inputs.conventions


def test_sectors_without_history_are_todays_and_said_to_be(fill) -> None:
    inputs = read_inputs(fill(sector="Tech"), _spec())
    assert inputs.sectors[1] == ("Tech",)
    assert "sector_static" in _codes(inputs)


def test_size_is_the_market_value_else_the_traded_amount(fill) -> None:
    values = pl.DataFrame({"instrument": NAMES, "session": [DAYS[3]] * 3, "market_cap": [5.0, 6.0, None]})
    inputs = read_inputs(fill(valuation=values), _spec())
    assert inputs.size[3] == pytest.approx([5, 6, np.nan], nan_ok=True)
    assert {"size_market_cap", "locked_unknown", "halted"} <= _codes(inputs)


def test_size_stands_in_only_where_something_was_traded(fill) -> None:
    inputs = read_inputs(fill(), _spec())
    assert (inputs.size == 1e6).all()
    assert "size_amount" in _codes(inputs)


@pytest.mark.parametrize(("taken_out", "reason"), [("sector", "no sectors"), ("size", "neither market values")])
def test_what_the_lake_does_not_know_cannot_be_taken_out(fill, taken_out: str, reason: str) -> None:
    lake = fill(amount=None)
    assert (read_inputs(lake, _spec()).sectors, read_inputs(lake, _spec()).size) == (None, None)
    with pytest.raises(InvalidInputError, match=reason):
        read_inputs(lake, _spec(preprocess={"neutralise": [taken_out]}))


def test_costs_left_empty_are_the_markets(fill) -> None:
    lake = fill()
    assert read_inputs(lake, _spec()).rules.cost_bps == 1 + 5  # US: commission 1 bps, no duty
    assert read_inputs(lake, _spec(cost_bps=0)).rules.cost_bps == 0


def test_values_across_instruments_see_the_whole_market(fill) -> None:
    pair = pl.DataFrame(
        {"universe": ["pair"] * 2, "instrument": NAMES[1:], "start": [DAYS[0]] * 2, "end": [None] * 2},
        schema_overrides={"end": pl.Date},
    )
    spec = _spec(universe="pair", expressions={"rank": "CSRank($close)", "close": "Ref($close, 1)"}, start=DAYS[4])
    lake = fill(universes=pair)
    inputs = read_inputs(lake, spec)
    found = dict(factor_values(lake, spec, ["rank", "close"], inputs, table=None))
    assert inputs.yardstick.layout.instruments == ("B.US", "C.US")
    assert found["rank"][0] == pytest.approx([2 / 3, 1])
    assert found["close"][0] == pytest.approx([16, 28])  # what lies before the first signal feeds windows
