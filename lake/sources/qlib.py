"""Read Qlib's own binary layout: a calendar, and one file of floats per instrument and field."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from qbrain_core.errors import InvalidInputError

__all__ = ["is_qlib", "read_qlib"]

_CALENDAR = "calendars/day.txt"
_FIELDS = ("open", "high", "low", "close", "volume", "factor", "amount")
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.xz")
_FLOAT32_NOISE = 3e-7  # relative, of the quotient of two float32


def is_qlib(path: Path) -> bool:
    """Tell whether a folder or tar is in Qlib's layout.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    if path.is_dir():
        return (path / _CALENDAR).is_file()
    if not path.name.lower().endswith(_TAR):
        return False
    try:
        with tarfile.open(path) as archive:
            return _CALENDAR in archive.getnames()
    except (OSError, EOFError, tarfile.TarError):
        return False  # whoever reads it will say what is wrong


def read_qlib(path: Path) -> pl.DataFrame:
    """Read the daily bars of a folder or tar in Qlib's layout.

    Parameters
    ----------
    path : Path
        `calendars/day.txt` and `features/<instrument>/<field>.day.bin`: little-endian float32, the first of them the
        calendar index of the second.

    Returns
    -------
    DataFrame, columns (instrument: str, session: date, open, high, low, close: f64, volume: f64, volume_as_stored: \
f64, factor: f64, [amount: f64])
        Sorted by both. Prices are divided and volumes multiplied by the factor, which gives them as they were traded;
        prices within float32's noise of a hundredth are that hundredth. `volume_as_stored` is for sources that
        never adjusted it. Sessions without a close have no row.

    Raises
    ------
    InvalidInputError
        If a file is not of that form.
    """
    names, read = _opened(path)
    days = pl.Series("session", read(_CALENDAR).decode().split()).str.to_date("%Y-%m-%d")
    folders = sorted({tuple(name.split("/")[:-1]) for name in names if name.endswith(".day.bin")})
    frames = []
    for folder in folders:
        values = {f: name for f in _FIELDS if (name := "/".join((*folder, f"{f}.day.bin"))) in names}
        if {"open", "high", "low", "close"} <= values.keys():
            frames.append(_bars(folder[-1].upper(), {f: read(name) for f, name in values.items()}, days, path))
    if not frames:
        raise InvalidInputError("path", str(path), "it holds no bars in Qlib's layout")
    return pl.concat(frames, how="diagonal")


def _opened(path: Path) -> tuple[set[str], Callable[[str], bytes]]:
    if path.is_dir():
        names = {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()}
        return names, lambda name: (path / name).read_bytes()
    with tarfile.open(path) as archive:
        held = {m.name: archive.extractfile(m).read() for m in archive.getmembers() if m.isfile()}  # type: ignore[union-attr]
    return set(held), held.__getitem__


def _bars(name: str, files: dict[str, bytes], days: pl.Series, path: Path) -> pl.DataFrame:
    columns = {}
    for field, data in files.items():
        values = np.frombuffer(data, "<f4")
        start = int(values[0]) if values.size else 0
        if not 0 <= start <= start + values.size - 1 <= days.len():
            raise InvalidInputError("path", str(path), f"{field} of {name} lies outside its calendar")
        whole = np.full(days.len(), np.nan)
        whole[start : start + values.size - 1] = values[1:]
        columns[field] = whole
    frame = pl.DataFrame(columns).fill_nan(None).with_columns(days, instrument=pl.lit(name))
    factor = pl.col("factor") if "factor" in columns else pl.lit(1.0)
    prices = [(_snapped(pl.col(c) / factor)).alias(c) for c in ("open", "high", "low", "close")]
    volume = [(pl.col("volume") * factor).alias("volume")] if "volume" in columns else []
    stored = [pl.col("volume").alias("volume_as_stored")] if "volume" in columns else []
    order = [c for c in ("instrument", "session", *_FIELDS, "volume_as_stored") if c in columns or c not in _FIELDS]
    return (
        frame.filter(pl.col("close").is_not_null())
        .with_columns(*prices, *volume, *stored)
        .select(c for c in order if c != "volume_as_stored" or stored)
    )


def _snapped(price: pl.Expr) -> pl.Expr:
    tick = price.round(2)
    return pl.when((price / tick - 1).abs() < _FLOAT32_NOISE).then(tick).otherwise(price)
