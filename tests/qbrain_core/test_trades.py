from datetime import date

import polars as pl
import pytest

from qbrain_core.trades import round_trips

D1, D2, D3 = date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)
COLUMNS = ["order_id", "session", "instrument", "side", "reason", "value", "fees"]


def test_round_trips_pair_each_purchase_with_its_sale() -> None:
    fills = pl.DataFrame(
        [
            (1, D1, "A.SH", "buy", "enter", 1000.0, 5.0),
            (2, D1, "B.SH", "buy", "enter", 500.0, 5.0),
            (3, D2, "A.SH", "sell", "stop", 900.0, 6.0),
            (5, D2, "A.SH", "buy", "enter", 800.0, 5.0),
            (9, D3, "A.SH", "sell", "drop", 1000.0, 6.0),
        ],
        schema=COLUMNS, orient="row",
    )  # fmt: skip
    assert round_trips(fills).rows() == [
        ("A.SH", D1, D2, "stop", 1000.0, -111.0, pytest.approx(-111 / 1005)),
        ("A.SH", D2, D3, "drop", 800.0, 189.0, pytest.approx(189 / 805)),
    ]


def test_round_trips_of_no_fills_are_none() -> None:
    empty = pl.DataFrame(
        schema={"order_id": pl.Int64, "session": pl.Date, "instrument": pl.String, "side": pl.String,
                "reason": pl.String, "value": pl.Float64, "fees": pl.Float64}
    )  # fmt: skip
    assert round_trips(empty).is_empty()
