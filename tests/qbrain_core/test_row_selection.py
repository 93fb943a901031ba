from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from qbrain_core import row_selection
from qbrain_core.row_selection import check_dataset_rows, dataset_rows
from qbrain_core.specs import DatasetSpec, ProcessorSpec, Segment

DAYS = [date(2024, 1, 1) + timedelta(n) for n in range(40)]
SPEC = DatasetSpec(
    market="DEMO",
    segments={"train": Segment(start=DAYS[0], end=DAYS[19]), "valid": Segment(start=DAYS[20], end=DAYS[29]),
              "test": Segment(start=DAYS[30], end=DAYS[39])},
    infer_processors=(ProcessorSpec(name="RobustZScoreNorm", params={"fields_group": "feature", "clip_outlier": True}),
                      ProcessorSpec(name="Fillna", params={"fields_group": "feature"})),
)  # fmt: skip


@pytest.fixture
def panel() -> tuple[pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(3)
    keys = pl.DataFrame({"instrument": [f"D{i}.DEMO" for i in range(6)]}).join(
        pl.DataFrame({"session": DAYS}), how="cross"
    )
    features = keys.with_columns(F=pl.Series(random.normal(0, 1, keys.height).astype(np.float32)))
    label = pl.Series(random.normal(0, 0.02, keys.height))
    return features, keys.with_columns(label=pl.when(pl.col("session") < DAYS[38]).then(label))


def test_dataset_rows_do_not_follow_from_labels(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    assert check_dataset_rows(*panel, SPEC).findings == ()


def test_dataset_rows_chosen_by_the_label_are_found(
    panel: tuple[pl.DataFrame, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = row_selection.build_dataset

    def careless(features: pl.DataFrame, labels: pl.DataFrame, *given: Any, **named: Any) -> Any:
        few = labels.filter(pl.col("label").abs() < 0.03)
        return build(
            features.join(few.select("instrument", "session"), on=["instrument", "session"]), labels, *given, **named
        )

    monkeypatch.setattr(row_selection, "build_dataset", careless)
    codes = {(f.code, f.params["segment"]) for f in check_dataset_rows(*panel, SPEC).findings}
    assert {("label_decides", "train/learn"), ("label_decides", "test/raw")} <= codes


def test_dataset_rows_are_listed_by_segment_and_use(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    rows = dataset_rows(row_selection.build_dataset(*panel, SPEC))
    counts = dict(rows.group_by("segment").len().rows())
    # two sessions are purged before the next segment; the last two have no label
    assert counts["train/raw"] == counts["train/learn"] == 18 * 6
    assert (counts["test/raw"], counts["test/learn"]) == (10 * 6, 8 * 6)
