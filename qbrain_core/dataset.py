"""Turn frames of features and labels into the dataset Qlib's models are trained on."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from qlib.data.dataset import DatasetH
from qlib.data.dataset.handler import DataHandlerLP
from qlib.data.dataset.loader import DataLoader

from qbrain_core.errors import InsufficientDataError, InvalidInputError
from qbrain_core.factors.expression import lookahead, parse
from qbrain_core.membership import member_mask
from qbrain_core.models.catalog import validate_processors
from qbrain_core.models.compat import repair_processors
from qbrain_core.reporting import NULL_REPORTER, Reporter
from qbrain_core.specs.train import DatasetSpec, ProcessorSpec, Segment

__all__ = ["LABEL", "DatasetH", "build_dataset", "purged_segments"]

LABEL = "LABEL0"
"""Name of the one label column, as Qlib calls it."""

_KEYS = ("instrument", "session")
_FITTED = frozenset({"MinMaxNorm", "RobustZScoreNorm", "ZScoreNorm"})


class _FrameLoader(DataLoader):  # type: ignore[misc]
    """Hands the handler a frame that is already in memory."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def load(self, instruments: Any = None, start_time: Any = None, end_time: Any = None) -> pd.DataFrame:
        return self.frame


class _Handler(DataHandlerLP):  # type: ignore[misc]
    """Qlib's handler without its deep copies of the whole frame before every group of processors.

    pandas 3 copies on write, so a shallow copy protects the raw values as well.
    """

    @staticmethod
    def _is_proc_readonly(proc_l: list[Any]) -> bool:
        return True

    @staticmethod
    def _run_proc_l(df: pd.DataFrame, proc_l: list[Any], with_fit: bool, check_for_infer: bool) -> pd.DataFrame:
        processed: pd.DataFrame = DataHandlerLP._run_proc_l(df.copy(deep=False), proc_l, with_fit, check_for_infer)
        return processed


def purged_segments(
    sessions: Sequence[date], segments: Mapping[str, Segment], *, purge: int, embargo: int = 0
) -> dict[str, Segment]:
    """Shorten segments so that no label reaches into the next one.

    Parameters
    ----------
    sessions : sequence of date
        The market's sessions, ascending.
    segments : mapping of str to Segment
        In order of time and not overlapping.
    purge : int
        Sessions a label looks ahead: a segment ends so many sessions before the next one starts.
    embargo : int
        Sessions left out after the end of one segment, at the start of the next.

    Returns
    -------
    dict of str to Segment
        Same names; ends that are not sessions are moved to the nearest session inside.

    Raises
    ------
    InsufficientDataError
        If nothing of a segment is left.

    References
    ----------
    López de Prado, *Advances in Financial Machine Learning*, 2018, ch. 7.
    """
    days = np.array(sessions, dtype="datetime64[D]")
    names = list(segments)
    first = {n: int(np.searchsorted(days, np.datetime64(segments[n].start, "D"), side="left")) for n in names}
    last = {n: int(np.searchsorted(days, np.datetime64(segments[n].end, "D"), side="right")) - 1 for n in names}
    result = {}
    for position, name in enumerate(names):
        begin, end = first[name], last[name]
        if position > 0:
            begin = max(begin, last[names[position - 1]] + 1 + embargo)
        if position + 1 < len(names):
            end = min(end, first[names[position + 1]] - purge - 1)
        if begin > end:
            asked = segments[name]
            raise InsufficientDataError(
                f"segment {name} ({asked.start} to {asked.end}) has no session left in the data "
                f"with {purge} purged and {embargo} under embargo"
            )
        result[name] = Segment(start=days[begin].astype(object), end=days[end].astype(object))
    return result


def build_dataset(
    features: pl.DataFrame,
    labels: pl.DataFrame,
    spec: DatasetSpec,
    *,
    spells: pl.DataFrame | None = None,
    reporter: Reporter = NULL_REPORTER,
) -> DatasetH:
    """Build the dataset a spec asks for.

    Holds about three copies of the features at its highest point, the caller's included.

    Parameters
    ----------
    features : DataFrame, columns (instrument: str, session: date, one f32 column per factor)
        In any order; null or NaN where a factor has no value. Every other column is a feature.
    labels : DataFrame, columns (instrument: str, session: date, label: float)
        What is to be predicted; rows without features are ignored. Null, NaN and infinite labels count as missing.
    spec : DatasetSpec
    spells : DataFrame, columns (instrument: str, start: date, end: date or null), optional
        Rows are kept only while an instrument is a member; empty: all are.
    reporter : Reporter

    Returns
    -------
    DatasetH
        Segments `train`, `valid`, `test` as purged, column groups `feature` and `label` (`LABEL0`), index (datetime,
        instrument), sorted. Raw labels are in the data key `raw`.

    Raises
    ------
    UnknownNameError, InvalidInputError
        If a processor is not known or its arguments are not valid.
    InsufficientDataError
        If a segment has no row, or no labelled one.
    """
    validate_processors(spec)
    purge = spec.purge_sessions if spec.purge_sessions is not None else lookahead(parse(spec.label))
    sessions = features.get_column("session").unique().sort().to_list()
    segments = purged_segments(sessions, spec.segments, purge=purge, embargo=spec.embargo_sessions)  # type: ignore[arg-type]
    keys = _rows(features, labels, segments, spells)
    _check_filled(keys, segments)
    reporter.check()
    frame = _to_pandas(features, keys)
    del features
    reporter.check()
    repair_processors()
    train = segments["train"]
    handler = _Handler(
        data_loader=_FrameLoader(frame),
        infer_processors=_configured(spec.infer_processors, train, "infer_processors"),
        learn_processors=_configured(spec.learn_processors, train, "learn_processors"),
    )
    return DatasetH(handler, {n: (pd.Timestamp(s.start), pd.Timestamp(s.end)) for n, s in segments.items()})


def _rows(
    features: pl.DataFrame, labels: pl.DataFrame, segments: Mapping[str, Segment], spells: pl.DataFrame | None
) -> pl.DataFrame:
    # which row of `features` goes where: keys, the label, and `row`, in the order of the dataset
    start, end = min(s.start for s in segments.values()), max(s.end for s in segments.values())
    keys = features.select(*_KEYS).with_row_index("row").filter(pl.col("session").is_between(start, end))
    if spells is not None:
        keys = keys.filter(member_mask(keys, spells))
    keys = keys.join(labels.select(*_KEYS, pl.col("label").cast(pl.Float64)), on=_KEYS, how="left", validate="1:1")
    return keys.with_columns(pl.when(pl.col("label").is_finite()).then("label")).sort("session", "instrument")


def _check_filled(keys: pl.DataFrame, segments: Mapping[str, Segment]) -> None:
    for name, segment in segments.items():
        rows = keys.filter(pl.col("session").is_between(segment.start, segment.end))
        if rows.is_empty():
            raise InsufficientDataError(f"segment {name} ({segment.start} to {segment.end}) has no row of the universe")
        if name != "test" and rows.get_column("label").null_count() == rows.height:
            raise InsufficientDataError(f"segment {name} ({segment.start} to {segment.end}) has no label")


def _to_pandas(features: pl.DataFrame, keys: pl.DataFrame) -> pd.DataFrame:
    names = [c for c in features.columns if c not in _KEYS]
    order = keys.get_column("row")
    # one column at a time into one block: sorting the polars frame would double it first
    block = np.empty((len(names), keys.height), dtype=np.float32)
    for position, name in enumerate(names):
        block[position] = features.get_column(name).cast(pl.Float32).gather(order).to_numpy()
    sessions, instruments = (keys.get_column(name).unique().sort() for name in ("session", "instrument"))
    levels: list[Any] = [
        pd.DatetimeIndex(sessions.to_numpy().astype("datetime64[ns]")),
        pd.Index(instruments.to_list()),
    ]
    codes: list[Any] = [keys.get_column(name).rank("dense").to_numpy() - 1 for name in ("session", "instrument")]
    # from codes, because building it from values takes ten times as long
    index = pd.MultiIndex(levels=levels, codes=codes, names=["datetime", "instrument"], verify_integrity=False)
    columns = pd.MultiIndex.from_product([["feature"], names])
    inputs = pd.DataFrame(block.T, index=index, columns=columns, copy=False)
    label = pd.DataFrame({("label", LABEL): keys.get_column("label").to_numpy()}, index=index)
    return pd.concat([inputs, label], axis=1)


def _configured(processors: tuple[ProcessorSpec, ...], train: Segment, place: str) -> list[dict[str, Any]]:
    result = []
    for processor in processors:
        arguments = dict(processor.params)
        if processor.name in _FITTED:
            arguments |= {"fit_start_time": str(train.start), "fit_end_time": str(train.end)}
        if processor.name == "CSZScoreNorm" and arguments.get("method", "zscore") not in ("zscore", "robust"):
            raise InvalidInputError(f"dataset.{place}.method", arguments["method"], "it should be zscore or robust")
        result.append({"class": processor.name, "kwargs": arguments})
    return result
