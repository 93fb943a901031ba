from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qlib.data.dataset import DatasetH
from qlib.data.dataset.handler import DataHandlerLP
from qlib.data.dataset.loader import StaticDataLoader

from qbrain_core.dataset import build_dataset, purged_segments
from qbrain_core.errors import InsufficientDataError, InvalidInputError, UnknownNameError
from qbrain_core.specs import DatasetSpec, ProcessorSpec, Segment

FIRST = date(2024, 1, 1)
N_SESSIONS, N_INSTRUMENTS = 40, 8


def day(number: int) -> date:
    return FIRST + timedelta(number)


def segments(*bounds: int) -> dict[str, Segment]:
    names = ("train", "valid", "test")
    return {n: Segment(start=day(a), end=day(b)) for n, a, b in zip(names, bounds[::2], bounds[1::2], strict=True)}


def make_spec(**changes: Any) -> DatasetSpec:
    return DatasetSpec(**({"market": "DEMO", "segments": segments(0, 19, 20, 29, 30, 39)} | changes))


@pytest.fixture
def panel() -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(3)
    keys = pl.DataFrame({"instrument": [f"D{i}.DEMO" for i in range(N_INSTRUMENTS)]}).join(
        pl.DataFrame({"session": [day(i) for i in range(N_SESSIONS)]}), how="cross"
    )
    values = rng.standard_normal((keys.height, 3)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    features = keys.with_columns(**{f"F{j}": pl.Series(values[:, j]).fill_nan(None) for j in range(3)})
    label = pl.Series(rng.standard_normal(keys.height) * 0.02)
    labels = keys.with_columns(label=pl.when(pl.col("session") < day(38)).then(label))  # the last two know no future
    return features, labels


def by_qlib(features: pl.DataFrame, labels: pl.DataFrame, spec: DatasetSpec) -> DataHandlerLP:
    # the same rows through Qlib's own handler
    merged = features.join(labels, on=["instrument", "session"]).sort("session", "instrument").to_pandas()
    merged["datetime"] = pd.to_datetime(merged.pop("session"))
    frame = merged.set_index(["datetime", "instrument"])
    names = [("label", "LABEL0") if c == "label" else ("feature", c) for c in frame.columns]
    frame.columns = pd.MultiIndex.from_tuples(names)
    fit = {"fit_start_time": "2024-01-01", "fit_end_time": str(day(17))}

    def configured(chosen: tuple[ProcessorSpec, ...]) -> list[dict[str, Any]]:
        return [{"class": p.name, "kwargs": p.params | (fit if p.name == "RobustZScoreNorm" else {})} for p in chosen]

    return DataHandlerLP(
        data_loader=StaticDataLoader(frame),
        infer_processors=configured(spec.infer_processors),
        learn_processors=configured(spec.learn_processors),
    )


ROBUST = ProcessorSpec(name="RobustZScoreNorm", params={"fields_group": "feature", "clip_outlier": True})
FILL = ProcessorSpec(name="Fillna", params={"fields_group": "feature"})


@pytest.mark.parametrize("infer", [(), (ROBUST, FILL)])
@pytest.mark.parametrize("key", [DataHandlerLP.DK_R, DataHandlerLP.DK_I, DataHandlerLP.DK_L])
def test_build_dataset_gives_what_qlib_gives(
    panel: tuple[pl.DataFrame, pl.DataFrame], infer: tuple[ProcessorSpec, ...], key: str
) -> None:
    spec = make_spec(infer_processors=infer)
    ours = build_dataset(*panel, spec).handler.fetch(col_set=DataHandlerLP.CS_RAW, data_key=key)
    theirs = by_qlib(*panel, spec).fetch(col_set=DataHandlerLP.CS_RAW, data_key=key)
    assert list(ours.columns) == list(theirs.columns)
    assert list(ours.index) == list(theirs.index)
    np.testing.assert_allclose(ours.to_numpy(np.float64), theirs.to_numpy(np.float64), rtol=1e-6)


def test_build_dataset_normalised_labels_leave_raw_ones_alone(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    dataset = build_dataset(*panel, make_spec())
    raw = dataset.prepare("train", col_set="label", data_key=DataHandlerLP.DK_R)
    learned = dataset.prepare("train", col_set="label", data_key=DataHandlerLP.DK_L)
    assert float(np.nanmax(np.abs(raw.to_numpy()))) < 0.2
    assert float(learned.to_numpy().std()) == pytest.approx(1.0, abs=0.1)


def test_build_dataset_row_order_does_not_matter(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    features, labels = panel
    shuffled = build_dataset(features.sample(fraction=1, shuffle=True, seed=1), labels.reverse(), make_spec())
    ordered = build_dataset(features, labels, make_spec())
    pd.testing.assert_frame_equal(shuffled.prepare("train"), ordered.prepare("train"))


def test_build_dataset_keeps_members_only(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    spells = pl.DataFrame({"instrument": ["D1.DEMO", "D2.DEMO"], "start": [day(0), day(5)], "end": [day(30), None]})
    dataset = build_dataset(*panel, make_spec(), spells=spells)
    kept = dataset.handler.fetch(col_set="label", data_key=DataHandlerLP.DK_R).index.to_frame(index=False)
    spans = kept.groupby("instrument")["datetime"].agg(["min", "max", "size"])
    assert spans.index.to_list() == ["D1.DEMO", "D2.DEMO"]
    assert spans["size"].to_list() == [31, 35]
    assert spans.loc["D2.DEMO", "min"] == pd.Timestamp(day(5))


def test_build_dataset_infinite_label_counts_as_missing(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    features, labels = panel
    spoilt = labels.with_columns(pl.when(pl.col("session") == day(3)).then(np.inf).otherwise("label").alias("label"))
    learned = build_dataset(features, spoilt, make_spec()).prepare("train", data_key=DataHandlerLP.DK_L)
    assert pd.Timestamp(day(3)) not in learned.index.get_level_values("datetime")
    assert np.isfinite(learned["LABEL0"]).all()


def test_build_dataset_purges_the_labels_horizon(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    found = build_dataset(*panel, make_spec()).segments
    assert [s[1].date() for s in found.values()] == [day(17), day(27), day(39)]
    found = build_dataset(*panel, make_spec(purge_sessions=0, embargo_sessions=3)).segments
    assert [(s[0].date(), s[1].date()) for s in found.values()] == [
        (day(0), day(19)), (day(23), day(29)), (day(33), day(39)),
    ]  # fmt: skip


def test_build_dataset_future_cannot_change_the_train_rows(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    features, labels = panel
    spec = make_spec(infer_processors=(ROBUST, FILL))
    rng = np.random.default_rng(9)

    def spoil(frame: pl.DataFrame) -> pl.DataFrame:
        later = pl.col("session") > day(17)
        names = frame.columns[2:]
        return frame.with_columns(
            pl.when(later).then(pl.Series(rng.standard_normal(frame.height))).otherwise(n).alias(n) for n in names
        )

    before = build_dataset(features, labels, spec).prepare("train", data_key=DataHandlerLP.DK_L)
    after = build_dataset(spoil(features), spoil(labels), spec).prepare("train", data_key=DataHandlerLP.DK_L)
    pd.testing.assert_frame_equal(before, after)


def test_build_dataset_empty_segment_is_named(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    features, labels = panel
    with pytest.raises(InsufficientDataError, match=r"segment test .* no session left"):
        build_dataset(features, labels, make_spec(segments=segments(0, 19, 20, 29, 50, 60)))
    nobody = pl.DataFrame({"instrument": ["D1.DEMO"], "start": [day(25)], "end": [day(39)]})
    with pytest.raises(InsufficientDataError, match=r"segment train .* no row of the universe"):
        build_dataset(features, labels, make_spec(), spells=nobody)
    with pytest.raises(InsufficientDataError, match=r"segment valid .* no label"):
        build_dataset(features, labels.filter(pl.col("session") < day(20)), make_spec())


def test_build_dataset_bad_processors_are_refused(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'CSZScoreNorm'"):
        build_dataset(*panel, make_spec(learn_processors=(ProcessorSpec(name="CSZscoreNorm"),)))
    method = ProcessorSpec(name="CSZScoreNorm", params={"fields_group": "label", "method": "other"})
    with pytest.raises(InvalidInputError, match="zscore or robust"):
        build_dataset(*panel, make_spec(learn_processors=(method,)))


def test_build_dataset_is_qlibs_own_class(panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    dataset = build_dataset(*panel, make_spec())
    assert type(dataset) is DatasetH
    assert isinstance(dataset.handler, DataHandlerLP)


@given(
    st.lists(st.integers(0, 60), min_size=6, max_size=6, unique=True).map(sorted),
    st.integers(0, 6),
    st.integers(0, 6),
    st.sets(st.integers(0, 60), min_size=20),
)
def test_purged_segments_no_label_reaches_the_next(
    bounds: list[int], purge: int, embargo: int, numbers: set[int]
) -> None:
    sessions = [day(n) for n in sorted(numbers)]
    asked = segments(*bounds)
    try:
        kept = purged_segments(sessions, asked, purge=purge, embargo=embargo)
    except InsufficientDataError:
        return
    spans = [(sessions.index(s.start), sessions.index(s.end)) for s in kept.values()]
    for (_, end), (start, _) in pairwise(spans):
        assert end + purge < start
    for name, segment in kept.items():
        assert asked[name].start <= segment.start <= segment.end <= asked[name].end


def test_purged_segments_gap_between_segments_counts() -> None:
    sessions = [day(n) for n in range(40)]
    kept = purged_segments(sessions, segments(0, 9, 15, 19, 20, 29), purge=3)
    assert kept["train"].end == day(9)
    assert kept["valid"].end == day(16)
    assert kept["test"].end == day(29)
