from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from qbrain_core.specs import DatasetSpec, Segment

FIRST = date(2024, 1, 1)


@pytest.fixture
def panel() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Thirty instruments over 60 sessions; the label follows feature F0, with noise."""
    rng = np.random.default_rng(5)
    keys = pl.DataFrame({"instrument": [f"D{i:02}.DEMO" for i in range(30)]}).join(
        pl.DataFrame({"session": [FIRST + timedelta(i) for i in range(60)]}), how="cross"
    )
    values = rng.standard_normal((keys.height, 4)).astype(np.float32)
    labels = keys.with_columns(label=pl.Series(0.01 * values[:, 0] + 0.01 * rng.standard_normal(keys.height)))
    return keys.with_columns(**{f"F{j}": pl.Series(values[:, j]) for j in range(4)}), labels


@pytest.fixture
def spec() -> DatasetSpec:
    bounds = {"train": (0, 34), "valid": (35, 46), "test": (47, 59)}
    return DatasetSpec(
        market="DEMO",
        segments={n: Segment(start=FIRST + timedelta(a), end=FIRST + timedelta(b)) for n, (a, b) in bounds.items()},
    )
