from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from qbrain_core.errors import InvalidInputError, JobCancelledError, UnknownNameError
from qbrain_core.factors import alpha158, compute, stages
from qbrain_core.factors.expression import FactorSyntaxError
from qbrain_core.factors.kernels import FAMILIES, Family
from qbrain_core.reporting import NullReporter
from qbrain_core.specs.train import DEFAULT_LABEL

Parity = Callable[[Mapping[str, str], pl.DataFrame], None]


@pytest.mark.real
def test_alpha158_chinese_stocks_with_halts_equals_qlib(cn_fields: pl.DataFrame, assert_parity: Parity) -> None:
    assert cn_fields["close"].null_count() > 400
    assert_parity({**alpha158(), "LABEL0": DEFAULT_LABEL}, cn_fields)


@pytest.mark.real
def test_alpha158_us_stocks_with_gap_equals_qlib(us_fields: pl.DataFrame, assert_parity: Parity) -> None:
    # VWAP0 has no value in either: the source has no amount
    assert_parity({**alpha158(), "LABEL0": DEFAULT_LABEL}, us_fields)


def test_compute_future_shuffled_leaves_past_unchanged(synthetic_fields: pl.DataFrame) -> None:
    cut = date(2020, 4, 20)
    texts = alpha158() | {"EMA": "EMA($close, 9)", "KURT": "Kurt($close, 9)", "SKEW": "Skew($close, 9)"}
    past = pl.col("session") <= cut
    future = synthetic_fields.filter(~past)
    shuffled = future.select("instrument", "session", pl.exclude("instrument", "session").shuffle(seed=3) * 1000)
    before = compute(texts, synthetic_fields).filter(past)
    after = compute(texts, pl.concat([synthetic_fields.filter(past), shuffled])).filter(past)
    assert_frame_equal(before, after, check_exact=True)


def test_compute_rows_in_any_order_returned_sorted(synthetic_fields: pl.DataFrame) -> None:
    texts = {"A": "Mean($close, 5)", "B": "$open"}
    result = compute(texts, synthetic_fields.sample(fraction=1, shuffle=True, seed=5))
    assert_frame_equal(result, compute(texts, synthetic_fields), check_exact=True)
    key = ["instrument", "session"]
    assert_frame_equal(result.select(key), synthetic_fields.select(key).sort(key))
    assert result.schema["A"] == pl.Float32


def test_compute_small_blocks_give_same_values(synthetic_fields: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compute(alpha158(), synthetic_fields)
    monkeypatch.setattr(stages, "_BLOCK_ROWS", 200)
    assert_frame_equal(whole, compute(alpha158(), synthetic_fields), check_exact=True)


def test_compute_span_given_still_uses_earlier_rows(synthetic_fields: pl.DataFrame) -> None:
    start, end = date(2020, 3, 1), date(2020, 3, 31)
    texts = {"MA": "Mean($close, 30)"}
    part = compute(texts, synthetic_fields, start=start, end=end)
    assert_frame_equal(part, compute(texts, synthetic_fields).filter(pl.col("session").is_between(start, end)))
    assert part.height


def test_compute_missing_session_counts_as_empty_row() -> None:
    days = [date(2024, 1, d) for d in (1, 2, 3, 4)]
    whole = pl.DataFrame({"instrument": ["A"] * 4, "session": days, "close": [1.0, 2.0, 3.0, 4.0]})
    gap = pl.DataFrame({"instrument": ["B"] * 3, "session": [days[0], days[2], days[3]], "close": [1.0, 3.0, 4.0]})
    result = compute({"R": "Ref($close, 1)", "S": "Sum($close, 2)"}, pl.concat([whole, gap]))
    assert result.filter(instrument="B")["R"].to_list() == [None, None, 3.0]
    assert result.filter(instrument="B")["S"].to_list() == [1.0, 3.0, 7.0]


def test_compute_shared_parts_evaluated_once(synthetic_fields: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = FAMILIES["Mean"]
    counted = Family(lambda *given, **wanted: calls.append(wanted) or original.compute(*given, **wanted))
    for name in [name for name, family in FAMILIES.items() if family is original]:
        monkeypatch.setitem(FAMILIES, name, counted)
    same = {
        "A": "Mean($close, 5)/$close",
        "B": "Mean( $close,5.0) - $open",
        "C": "Mean($close, 5)",
        "D": "Mean($close, 5)",
        "E": "Std($close, 5)",
    }
    result = compute(same, synthetic_fields)
    assert calls == [{"wanted": ("Mean", "Std")}], "one pass gives both"
    assert result["C"].equals(result["D"])


def test_compute_no_value_is_null_and_zero_division_infinite() -> None:
    frame = pl.DataFrame({"instrument": ["A"] * 2, "session": [date(2024, 1, 1), date(2024, 1, 2)], "x": [0.0, np.nan]})
    assert compute({"N": "1/$x"}, frame)["N"].to_list() == [np.inf, None]


def test_compute_no_rows_gives_no_rows(synthetic_fields: pl.DataFrame) -> None:
    result = compute({"A": "$close"}, synthetic_fields.clear())
    assert result.columns == ["instrument", "session", "A"]
    assert result.is_empty()


@pytest.mark.parametrize(
    ("texts", "error", "words"),
    [
        ({}, InvalidInputError, "at least one"),
        ({"session": "$close"}, InvalidInputError, "name other than"),
        ({"A": "Ref($close, -1)"}, InvalidInputError, "looks ahead"),
        ({"A": "Mean(Delta($close, -1), 3)"}, InvalidInputError, "looks ahead"),
        ({"A": "$clsoe"}, UnknownNameError, "did you mean 'close'"),
        ({"A": "$session"}, UnknownNameError, "session"),
        ({"A": "Mean($close"}, FactorSyntaxError, r"expressions\['A'\] is"),
    ],
)
def test_compute_wrong_expression_is_refused(
    synthetic_fields: pl.DataFrame, texts: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        compute(texts, synthetic_fields)


def test_compute_repeated_row_is_refused(synthetic_fields: pl.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match="one row per instrument and session"):
        compute({"A": "$close"}, pl.concat([synthetic_fields, synthetic_fields.head(1)]))


def test_compute_field_without_numbers_is_refused(synthetic_fields: pl.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match=r"bars\.market"):
        compute({"A": "$market + 1"}, synthetic_fields.with_columns(market=pl.lit("US")))


def test_compute_missing_key_is_refused(synthetic_fields: pl.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match="must be there"):
        compute({"A": "$close"}, synthetic_fields.drop("session"))


class _Stop(NullReporter):
    def __init__(self) -> None:
        self.fractions: list[float] = []

    def stage(self, name: str, *, fraction: float | None = None, detail: str = "") -> None:
        self.fractions.append(fraction or 0.0)

    def check(self) -> None:
        if len(self.fractions) == 2:
            raise JobCancelledError("stop")


def test_compute_cancelled_stops_between_blocks(
    synthetic_fields: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "_BLOCK_ROWS", 200)
    reporter = _Stop()
    with pytest.raises(JobCancelledError):
        compute({"A": "$close"}, synthetic_fields, reporter=reporter)
    assert 0 < reporter.fractions[-1] < 1
