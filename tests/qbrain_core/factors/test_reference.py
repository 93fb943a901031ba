from datetime import date, timedelta

import polars as pl
import pytest

from qbrain_core.factors import compute
from qbrain_core.factors.expression import format, parse
from qbrain_core.factors.reference import outward


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mean(ChangeInstrument('I', $close), 5)", "ChangeInstrument('I', Mean($close, 5))"),
        ("Mask($close, 'I')/Ref(Mask($close, 'I'), 1)", "ChangeInstrument('I', $close / Ref($close, 1))"),
        ("2*ChangeInstrument('I', $close)", "ChangeInstrument('I', 2 * $close)"),
        ("Mean($close - ChangeInstrument('I', $close), 5)", "Mean($close - ChangeInstrument('I', $close), 5)"),
        ("ChangeInstrument('J', $low)/ChangeInstrument('I', $low)",
         "ChangeInstrument('J', $low) / ChangeInstrument('I', $low)"),
        ("ChangeInstrument('J', Mean(ChangeInstrument('I', $low), 3))", "ChangeInstrument('I', Mean($low, 3))"),
        ("Mean(Mask($low, 'I') > 3, 5)", "ChangeInstrument('I', Mean($low > 3, 5))"),
        ("If(Mask($low, 'I') > 3, $low, 0)", "If(ChangeInstrument('I', $low) > 3, $low, 0)"),
        ("CSRank(ChangeInstrument('I', $low))", "CSRank(ChangeInstrument('I', $low))"),
        ("P(Mean($$roe, 4)) + $close", "P(Mean($$roe, 4)) + $close"),
    ],
)  # fmt: skip
def test_outward_moves_reference_as_far_out_as_it_can_stand(text: str, expected: str) -> None:
    assert format(outward(parse(text))) == expected


def test_reference_windows_run_over_its_own_rows() -> None:
    days = [date(2024, 1, 1) + timedelta(n) for n in range(4)]
    index = pl.DataFrame({"instrument": "I", "session": days, "close": [1.0, 2.0, 3.0, 10.0]})
    late = pl.DataFrame({"instrument": "A", "session": days[2:], "close": [7.0, 7.0]})
    result = compute({"M": "Mean(ChangeInstrument('I', $close), 3)"}, pl.concat([index, late]))
    assert result.filter(instrument="A")["M"].to_list() == [2.0, 5.0]
