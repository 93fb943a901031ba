"""Keep what fitted processors learned, and apply them again to new features."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import qlib.data.dataset.processor as qlib_processors

from qbrain_core.models.compat import repair_processors

__all__ = ["apply_processors", "dump_processors"]

_LEARNED = {
    "MinMaxNorm": ("min_val", "max_val"),
    "RobustZScoreNorm": ("mean_train", "std_train"),
    "ZScoreNorm": ("mean_train", "std_train"),
}
_PERIOD = ("fit_start_time", "fit_end_time")


def dump_processors(processors: Sequence[Any], specs: Sequence[Any]) -> list[dict[str, Any]]:
    """Write fitted processors as JSON values.

    Parameters
    ----------
    processors : sequence of qlib Processor
        Fitted.
    specs : sequence of ProcessorSpec
        What they were made from, in the same order.

    Returns
    -------
    list of dict
        `name`, `params`, and in `state` the arrays each has learned.
    """
    return [
        {
            "name": spec.name,
            "params": dict(spec.params),
            "state": {
                name: np.asarray(getattr(fitted, name), dtype=np.float64).tolist()
                for name in _LEARNED.get(spec.name, ())
            },
        }
        for fitted, spec in zip(processors, specs, strict=True)
    ]


def apply_processors(features: pl.DataFrame, saved: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Apply saved processors to features as the training did.

    Parameters
    ----------
    features : DataFrame, columns (instrument: str, session: date, one column per feature)
        Whole sessions: a cross-sectional processor looks at all instruments of each.
    saved : sequence of mapping
        From `dump_processors`.

    Returns
    -------
    DataFrame
        Same columns; sorted by session, instrument; less the rows a processor drops.
    """
    repair_processors()
    names = [c for c in features.columns if c not in ("instrument", "session")]
    ordered = features.sort("session", "instrument")
    index = pd.MultiIndex.from_arrays(
        [ordered.get_column("session").to_numpy().astype("datetime64[ns]"), ordered.get_column("instrument").to_list()],
        names=["datetime", "instrument"],
    )
    frame = pd.DataFrame(
        ordered.select(pl.col(names).cast(pl.Float32)).to_numpy(), index=index,
        columns=pd.MultiIndex.from_product([["feature"], names]),
    )  # fmt: skip
    for entry in saved:
        frame = _restored(entry, frame)(frame)
    return pl.DataFrame(
        {
            "instrument": frame.index.get_level_values("instrument").to_list(),
            "session": frame.index.get_level_values("datetime").to_numpy().astype("datetime64[D]"),
            **{name: frame[("feature", name)].to_numpy() for name in names},
        }
    )


def _restored(entry: Mapping[str, Any], frame: pd.DataFrame) -> Any:
    learned = _LEARNED.get(entry["name"], ())
    arguments = dict(entry["params"])
    if learned:
        arguments |= dict.fromkeys(_PERIOD)
    processor = getattr(qlib_processors, entry["name"])(**arguments)
    for name in learned:
        setattr(processor, name, np.asarray(entry["state"][name]))
    if learned:
        processor.cols = qlib_processors.get_group_columns(frame, processor.fields_group)
    return processor
