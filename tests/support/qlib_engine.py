"""Compute expressions with Qlib's own engine over a long Parquet frame, in a process of its own.

    python qlib_engine.py BARS.parquet EXPRESSIONS.json OUT.parquet

BARS has (instrument, session, one column per field), EXPRESSIONS maps names to expressions, OUT gets the frame
(instrument, session, one float32 column per name). Prints the seconds the engine took. Qlib's `.bin` storage is
bypassed: its provider interfaces are served from the frame, each instrument re-indexed to the calendar as Qlib's dump
does.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import qlib
from qlib.data import D
from qlib.data.data import CalendarProvider, FeatureProvider, LocalInstrumentProvider


class Frame:
    """The panel behind the providers: per instrument, its first calendar index and one float32 array per field."""

    def __init__(self, path: str) -> None:
        bars = pl.read_parquet(path).sort("instrument", "session")
        self.fields = [c for c in bars.columns if c not in ("instrument", "session")]
        calendar = bars["session"].unique().sort()
        self.calendar = [pd.Timestamp(day) for day in calendar]
        number = {day: i for i, day in enumerate(calendar)}
        self.data: dict[str, tuple[int, dict[str, np.ndarray]]] = {}
        for (instrument,), part in bars.group_by("instrument", maintain_order=True):
            place = np.array([number[day] for day in part["session"]])
            columns = {}
            for field in self.fields:
                columns[field] = np.full(place[-1] - place[0] + 1, np.nan, np.float32)
                columns[field][place - place[0]] = part[field].cast(pl.Float32).to_numpy()
            self.data[str(instrument)] = (int(place[0]), columns)


class FrameCalendar(CalendarProvider):
    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def load_calendar(self, freq, future):
        return self.frame.calendar


class FrameInstruments(LocalInstrumentProvider):
    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def _load_instruments(self, market, freq):
        days = self.frame.calendar
        return {
            name: [(days[first], days[first + len(columns[self.frame.fields[0]]) - 1])]
            for name, (first, columns) in self.frame.data.items()
        }


class FrameFeatures(FeatureProvider):
    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def feature(self, instrument, field, start_index, end_index, freq):
        first, columns = self.frame.data[instrument]
        values = columns[str(field)[1:]]
        a, b = max(start_index, first), min(end_index, first + len(values) - 1)
        return pd.Series(values[a - first : b - first + 1], index=pd.RangeIndex(a, b + 1))


def main(bars: str, expressions: str, out: str) -> None:
    frame = Frame(bars)
    named = json.loads(Path(expressions).read_text())
    provider = {"kwargs": {"frame": frame}}
    qlib.init(
        provider_uri=str(Path(bars).parent),
        calendar_provider={"class": FrameCalendar, **provider},
        instrument_provider={"class": FrameInstruments, **provider},
        feature_provider={"class": FrameFeatures, **provider},
        kernels=1,
        skip_if_reg=False,
        logging_level=40,
    )
    began = time.perf_counter()
    result = D.features(D.instruments("all"), list(named.values()), freq="day")
    seconds = time.perf_counter() - began
    result.columns = list(named)
    frame_out = pl.from_pandas(result.reset_index(), nan_to_null=True)
    frame_out.select(
        "instrument", session=pl.col("datetime").cast(pl.Date), **{n: pl.col(n).cast(pl.Float32) for n in named}
    ).sort("instrument", "session").write_parquet(out)
    print(f"{seconds:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
