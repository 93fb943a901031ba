import threading
import time
from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from qbrain_core.factors import alpha158, compute, compute_blocks, stages
from qbrain_core.reporting import NullReporter

KEY = ["instrument", "session"]
ACROSS = {
    "RANK": "CSRank($close)",
    "NESTED": "Mean(CSRank($close/Ref($close, 1)), 5) - Mean($close, 3)/$close",
    "TWICE": "CSZScore(Corr(CSRank($close), CSRank($volume), 10))",
    "OTHER": "Corr($close, ChangeInstrument('X0', $close), 10)",
    "OWN": "Mean($close, 5)",
    "FIELD": "$open",
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_BLOCK_ROWS", 200)


@pytest.mark.usefixtures("small")
def test_run_cross_section_sees_the_rows_of_its_session(synthetic_fields: pl.DataFrame) -> None:
    close = pl.col("close").cast(pl.Float32)
    truth = synthetic_fields.sort(KEY).with_columns(rank=close.rank().over("session") / close.count().over("session"))
    result = compute(ACROSS, synthetic_fields)
    np.testing.assert_allclose(result["RANK"].to_numpy(), truth["rank"].cast(pl.Float32).to_numpy())
    assert result["RANK"].null_count() == synthetic_fields["close"].null_count() > 0


def test_run_window_over_cross_section_counts_missing_sessions_as_rows(synthetic_fields: pl.DataFrame) -> None:
    rank = compute({"RANK": "CSRank($close)"}, synthetic_fields)
    days = rank["session"].unique().sort().to_frame()
    one = days.join(rank.filter(instrument="X1"), on="session", how="left").sort("session")
    held = one.filter(pl.col("instrument").is_not_null())["session"]
    one = one.filter(pl.col("session") >= held.min())
    mean = one.with_columns(mean=pl.col("RANK").cast(pl.Float64).rolling_mean(5, min_samples=1))
    result = compute({"MEAN": "Mean(CSRank($close), 5)"}, synthetic_fields).filter(instrument="X1")
    expected = result.join(mean.select("session", "mean"), on="session", maintain_order="left")
    assert len(held) < one.height, "the instrument lacks a session"
    np.testing.assert_allclose(result["MEAN"].to_numpy(), expected["mean"].to_numpy(), rtol=1e-6)


def test_run_blocks_and_threads_change_nothing(synthetic_fields: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ACROSS | alpha158()
    whole = compute(texts, synthetic_fields)
    monkeypatch.setattr(stages, "_BLOCK_ROWS", 150)
    assert_frame_equal(whole, compute(texts, synthetic_fields, threads=3), check_exact=True)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("texts", [{"A": "Mean($close, 5)"}, ACROSS], ids=["one stage", "three stages"])
def test_compute_blocks_together_are_the_whole(synthetic_fields: pl.DataFrame, texts: dict[str, str]) -> None:
    start, end = date(2020, 3, 1), date(2020, 4, 30)
    whole = compute(texts, synthetic_fields, start=start, end=end)
    frames = list(compute_blocks(texts, synthetic_fields, start=start, end=end))
    assert len(frames) > 3
    assert all(frame["instrument"].n_unique() == 1 for frame in frames)
    assert_frame_equal(pl.concat(frames), whole, check_exact=True)


def test_compute_blocks_begins_no_more_than_it_holds(
    synthetic_fields: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    monkeypatch.setattr(stages, "_BLOCK_ROWS", 1)
    original = stages._evaluate
    monkeypatch.setattr(stages, "_evaluate", lambda *given: begun.append(given) or original(*given))
    frames = compute_blocks({"A": "$close"}, synthetic_fields, threads=2)
    assert not begun
    next(frames)
    time.sleep(0.2)
    assert len(begun) <= 3, "one given, two begun"
    assert len(list(frames)) == 5


def _threads() -> int:
    return sum("ThreadPoolExecutor" in thread.name for thread in threading.enumerate())


@pytest.mark.usefixtures("small")
def test_compute_blocks_closed_early_leaves_no_thread(synthetic_fields: pl.DataFrame) -> None:
    before = _threads()
    frames = compute_blocks(ACROSS, synthetic_fields, threads=2)
    assert isinstance(frames, Iterator)
    next(frames)
    assert _threads() > before
    frames.close()  # type: ignore[attr-defined]
    assert _threads() == before


def test_compute_blocks_wrong_expression_is_refused_at_once(synthetic_fields: pl.DataFrame) -> None:
    with pytest.raises(LookupError, match="did you mean 'close'"):
        compute_blocks({"A": "$clsoe"}, synthetic_fields)


def test_run_cross_section_without_rows_gives_no_rows(synthetic_fields: pl.DataFrame) -> None:
    result = compute(ACROSS, synthetic_fields.clear())
    assert result.columns == [*KEY, *ACROSS]
    assert result.is_empty()


@pytest.mark.usefixtures("small")
def test_run_tells_progress_over_all_stages(synthetic_fields: pl.DataFrame) -> None:
    told: list[float] = []

    class Listener(NullReporter):
        def stage(self, name: str, *, fraction: float | None = None, detail: str = "") -> None:
            if name == "compute":
                told.append(fraction or 0.0)

    compute(ACROSS, synthetic_fields, reporter=Listener())
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 2 * 6
