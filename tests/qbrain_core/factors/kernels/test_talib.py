"""Against the library itself, run on each instrument's rows that have all inputs."""

from datetime import date

import numpy as np
import polars as pl
import pytest
import talib
from talib import abstract

from qbrain_core.errors import InvalidInputError
from qbrain_core.factors import compute
from qbrain_core.factors.kernels import FAMILIES, Stack
from qbrain_core.factors.kernels.talib import FUNCTIONS

SETTINGS: dict[str, tuple[float, ...]] = {
    "RSI": (6,), "MACD": (5, 20, 4), "BBANDS": (10, 1.5, 2.5, 1), "STOCH": (9, 3, 1, 3, 2), "ADX": (7,), "ATR": (5,),
    "SAR": (0.05, 0.5), "T3": (4, 0.5), "MAMA": (0.4, 0.1), "MAVP": (3, 9, 1), "FRACTAL": (4, 3), "DPO": (9,),
    "CDLMORNINGSTAR": (0.6,), "ULTOSC": (3, 9, 20), "KDJ": (6, 3, 0, 3, 0), "PERCENTILE": (12, 25.0),
}  # fmt: skip
FIELDS = ("open", "high", "low", "close", "volume")


def _inputs(function: str) -> list[str]:
    names = list(FUNCTIONS[function][0].names[: FUNCTIONS[function][0].slots.count("a series of numbers")])
    plain = iter(("close", "vwap"))
    return [name if name in FIELDS else "periods" if name == "periods" else next(plain) for name in names]


def _theirs(frame: pl.DataFrame, function: str, settings: tuple[float, ...]) -> list[np.ndarray]:
    inputs = _inputs(function)
    results = []
    for (_,), part in frame.group_by("instrument", maintain_order=True):
        columns = part.select(pl.col(inputs).cast(pl.Float32).cast(pl.Float64)).to_numpy()
        valid = np.isfinite(columns).all(axis=1)
        defaults = abstract.Function(function).info["parameters"].values()
        cast = [type(default)(value) for default, value in zip(defaults, settings, strict=bool(settings))]
        made = getattr(talib, function)(*(np.ascontiguousarray(columns[valid, i]) for i in range(len(inputs))), *cast)
        made = made if isinstance(made, tuple) else (made,)
        spread = np.full((len(made), len(part)), np.nan)
        spread[:, valid] = made
        results.append(spread)
    return list(np.concatenate(results, axis=1))


@pytest.fixture(scope="module")
def fields(synthetic_fields: pl.DataFrame) -> pl.DataFrame:
    """With a row for every session between the first and the last, and periods for MAVP."""
    spans = synthetic_fields.group_by("instrument").agg(first=pl.col("session").min(), last=pl.col("session").max())
    days = spans.select("instrument", session=pl.date_ranges("first", "last")).explode("session")
    frame = days.join(synthetic_fields, on=["instrument", "session"], how="left").sort("instrument", "session")
    return frame.with_columns(periods=(pl.col("close") * 7 % 20).floor() + 2)


def _texts(settings: dict[str, tuple[float, ...]]) -> dict[str, str]:
    return {
        operator.name: f"{operator.name}({', '.join([f'${i}' for i in _inputs(function)] + [str(v) for v in given])})"
        for function, given in settings.items()
        for operator in FUNCTIONS[function]
    }


@pytest.mark.parametrize("varied", [False, True], ids=["defaults", "settings"])
def test_talib_every_function_equals_talib(fields: pl.DataFrame, varied: bool) -> None:
    assert set(FUNCTIONS) == set(talib.get_functions())
    settings = SETTINGS if varied else dict.fromkeys(FUNCTIONS, ())
    texts = _texts(settings)
    ours = compute(texts, fields)
    different = []
    for function, given in settings.items():
        for operator, expected in zip(FUNCTIONS[function], _theirs(fields, function, given), strict=True):
            result = ours[operator.name].fill_null(np.nan).to_numpy()
            if not np.array_equal(result, expected.astype(np.float32), equal_nan=True):
                different.append(operator.name)
    assert not different
    assert len(texts) >= 25
    some = [n for n in texts if not n.startswith("TA_CDL") and ours[n].drop_nulls().n_unique() > 1]
    assert len(some) > 0.9 * sum(not n.startswith("TA_CDL") for n in texts)


def test_talib_outputs_of_one_function_come_of_one_pass() -> None:
    members = [FAMILIES[f"TA_MACD_{name}"] for name in ("MACD", "MACDSIGNAL", "MACDHIST")]
    assert members[0] is members[1] is members[2]
    x = np.random.default_rng(1).normal(size=80).cumsum() + 100
    line, signal = members[0].compute(
        Stack(np.array([80])), x, 12.0, 26.0, 9.0, wanted=("TA_MACD_MACD", "TA_MACD_MACDSIGNAL")
    )
    np.testing.assert_array_equal(line, talib.MACD(x)[0])
    np.testing.assert_array_equal(signal, talib.MACD(x)[1])


@pytest.mark.parametrize("cut", [date(2020, 3, 3), date(2020, 5, 29)])
def test_talib_later_rows_change_nothing_with_settings(fields: pl.DataFrame, cut: date) -> None:
    past = pl.col("session") <= cut
    whole = compute(_texts(SETTINGS), fields).filter(past)
    assert whole.equals(compute(_texts(SETTINGS), fields.filter(past)))


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_talib_every_function_takes_short_histories(rows: int) -> None:
    frame = pl.DataFrame(
        {"instrument": ["A"] * rows, "session": [date(2024, 1, d + 1) for d in range(rows)]}
        | {name: np.linspace(3, 4, rows) for name in (*FIELDS, "vwap", "periods")}
    )
    texts = {o.name: f"{o.name}({', '.join(f'${i}' for i in _inputs(f))})" for f, os in FUNCTIONS.items() for o in os}
    assert compute(texts, frame).height == rows


def test_talib_instrument_without_values_is_null() -> None:
    frame = pl.DataFrame({"instrument": ["A"], "session": [date(2024, 1, 2)], "close": [None]})
    assert compute({"R": "TA_RSI($close, 3)"}, frame)["R"].to_list() == [None]


def test_talib_parameter_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="does not take 1"):
        FAMILIES["TA_RSI"].compute(Stack(np.array([3])), np.ones(3), 1.0, wanted=("TA_RSI",))
