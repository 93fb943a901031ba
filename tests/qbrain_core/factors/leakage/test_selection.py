from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from qbrain_core.factors.leakage.selection import check_selection

DAYS = [date(2024, 1, 1) + timedelta(n) for n in range(50)]


@pytest.fixture
def labels() -> pl.DataFrame:
    random = np.random.default_rng(2)
    frame = pl.DataFrame({"instrument": [f"N{n}" for n in range(6)]}).join(pl.DataFrame({"session": DAYS}), how="cross")
    values = pl.Series(random.normal(0, 0.02, frame.height))
    return frame.with_columns(label=pl.when(pl.col("session") < DAYS[-2]).then(values))


def test_selection_by_missing_labels_of_what_is_learnt_passes(labels: pl.DataFrame) -> None:
    assert (
        check_selection(
            lambda y: y.filter(pl.col("label").is_not_null()).select("instrument", "session"), labels
        ).findings
        == ()
    )


@pytest.mark.parametrize(
    ("condition", "code"),
    [(pl.col("label").abs() < 0.04, "label_decides"), (pl.col("label").mean().over("instrument") > 0, "label_decides")],
)
def test_selection_by_values_of_labels_is_found(labels: pl.DataFrame, condition: pl.Expr, code: str) -> None:
    check = check_selection(lambda y: y.filter(condition).select("instrument", "session"), labels)
    assert [f.code for f in check.findings] == [code]


def test_selection_features_that_follow_labels_are_found(labels: pl.DataFrame) -> None:
    check = check_selection(lambda y: y.select("instrument", "session", x=pl.col("label").rank()), labels)
    assert [f.code for f in check.findings] == ["label_in_features"]


def test_selection_of_what_is_predicted_may_not_ask_for_labels(labels: pl.DataFrame) -> None:
    def rows(y: pl.DataFrame) -> pl.DataFrame:
        return y.filter(pl.col("label").is_not_null()).select(
            "instrument", "session", segment=pl.lit("test"), learns=False
        )

    assert [f.code for f in check_selection(rows, labels).findings] == ["missing_label_decides"]
