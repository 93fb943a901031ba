from datetime import date

import numpy as np
import polars as pl
import pytest

from qbrain_core.errors import InvalidInputError
from qbrain_core.layout import Layout

DAYS = [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 8)]
FRAME = pl.DataFrame(
    {"instrument": ["B", "A", "B"], "session": [DAYS[2], DAYS[0], DAYS[0]], "x": [3.0, 1.0, None]},
    schema_overrides={"x": pl.Float32},
)


def test_dense_rows_land_in_their_cells_and_come_back() -> None:
    layout = Layout.of(FRAME, sessions=DAYS)
    dense = layout.dense(FRAME, "x")
    assert np.array_equal(dense, [[1, np.nan], [np.nan, np.nan], [np.nan, 3]], equal_nan=True)
    assert layout.long(dense, "x").rows() == [(DAYS[0], "A", 1.0), (DAYS[2], "B", 3.0)]


def test_dense_rows_outside_are_left_out() -> None:
    layout = Layout((DAYS[0], DAYS[2]), ("A",))
    extra = pl.DataFrame(
        {"instrument": ["A", "A", "C"], "session": [date(2023, 1, 1), DAYS[1], DAYS[0]], "x": [9.0] * 3}
    )
    frame = pl.concat([FRAME.cast({"x": pl.Float64}), extra])
    assert layout.cells(frame).tolist() == [-1, 0, -1, -1, -1, -1]
    assert layout.dense(frame, "x").ravel().tolist() == pytest.approx([1, np.nan], nan_ok=True)


def test_dense_repeated_row_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="one row per instrument and session"):
        Layout.of(FRAME).dense(pl.concat([FRAME, FRAME]), "x")


def test_layout_of_an_empty_frame_has_no_cells() -> None:
    layout = Layout.of(FRAME.clear())
    assert layout.shape == (0, 0)
    assert layout.dense(FRAME, "x").shape == (0, 0)
