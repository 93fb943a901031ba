from datetime import date

import polars as pl
import pytest

from qbrain_core.factors import expression_fields


def test_expression_fields_bars_get_qlibs_meaning() -> None:
    bars = pl.DataFrame(
        {
            "instrument": ["A.SH"] * 4,
            "session": [date(2024, 1, d) for d in (2, 3, 4, 5)],
            "open": [10.0, 10.0, 5.0, 5.0],
            "high": [11.0, 10.0, 6.0, 5.0],
            "low": [9.0, 10.0, 4.0, 5.0],
            "close": [10.0, 10.0, 5.5, 5.0],
            "volume": [100.0, 50.0, 400.0, 0.0],
            "amount": [1020.0, 500.0, 2000.0, 0.0],
            "factor": [1.0, 1.0, 2.0, 2.0],
            "halted": [False, True, False, False],
        }
    )
    fields = expression_fields(bars)
    assert fields["close"].to_list() == [10.0, None, 11.0, 10.0]
    assert fields["volume"].to_list() == [100.0, None, 200.0, 0.0]
    assert fields["vwap"].to_list() == pytest.approx([10.2, None, 10.0, None])
    assert fields["amount"].to_list() == [1020.0, None, 2000.0, 0.0]
    assert fields["factor"].to_list() == [1.0, 1.0, 2.0, 2.0]


def test_expression_fields_without_amount_invents_no_vwap() -> None:
    values = {name: [1.0] for name in ("open", "high", "low", "close", "volume", "factor")}
    bars = pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], **values, "halted": [False]})
    assert expression_fields(bars.with_columns(amount=pl.lit(None, pl.Float64)))["vwap"].to_list() == [None]
