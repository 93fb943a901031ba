"""The operators made of TA-Lib's description, against the library itself."""

import numpy as np
import pytest
import talib

from qbrain_core.factors.operators import TALIB, Operator, Slot, talib_keeps_scale, talib_rows, talib_title

ROWS = 300


@pytest.fixture(scope="module")
def series() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    close = 20 * np.exp(np.cumsum(random.normal(0, 0.02, ROWS)))
    open_ = close * np.exp(random.normal(0, 0.01, ROWS))
    return {
        "open": open_,
        "high": np.maximum(open_, close) * 1.01,
        "low": np.minimum(open_, close) * 0.99,
        "close": close,
        "volume": np.exp(random.normal(12, 1, ROWS)),
        "periods": np.full(ROWS, 5.0),
    }


def _run(operator: Operator, columns: dict[str, np.ndarray]) -> np.ndarray:
    function, output = operator.talib or ("", 0)
    wanted = len(operator.slots) - len(operator.defaults)
    given = [columns[name].copy() for name in operator.names[:wanted]]
    whole = [slot is Slot.WHOLE for slot in operator.slots[wanted:]]
    settings = {
        n: int(d) if w else d for n, d, w in zip(operator.names[wanted:], operator.defaults, whole, strict=True)
    }
    made = getattr(talib, function)(*given, **settings)
    return np.asarray(made[output] if isinstance(made, tuple) else made, float)


def test_table_has_an_operator_for_each_output() -> None:
    assert {o.talib[0] for o in TALIB if o.talib} == set(talib.get_functions())
    names = {o.name for o in TALIB}
    assert {"TA_RSI", "TA_MACD_MACD", "TA_MACD_MACDSIGNAL", "TA_MACD_MACDHIST", "TA_CDLDOJI"} <= names
    assert len(names) == len(TALIB)


def test_functions_start_where_the_table_says_and_see_no_later_row(series: dict[str, np.ndarray]) -> None:
    for operator in TALIB:
        whole = _run(operator, series)
        rows = talib_rows(operator.talib[0], operator.defaults)  # type: ignore[index]
        if operator.name not in ("TA_ACOS", "TA_ASIN"):  # have no value for prices above 1
            first = np.flatnonzero(whole == whole)[0]
            assert first == rows or not whole[:rows].any(), operator.name  # whole-number outputs begin with zeros
        for cut in (150, 233):
            before = _run(operator, {name: column[:cut] for name, column in series.items()})
            np.testing.assert_array_equal(whole[:cut], before, operator.name)


def test_functions_said_to_remember_nothing_look_at_their_row_alone(series: dict[str, np.ndarray]) -> None:
    forgetful = [o for o in TALIB if not o.remembers]
    assert {"TA_SQRT", "TA_AVGPRICE", "TA_BOP"} <= {o.name for o in forgetful}
    assert not {"TA_SMA", "TA_OBV", "TA_CUMSUM", "TA_CDLDOJI", "TA_TRANGE"} & {o.name for o in forgetful}
    for operator in forgetful:
        late = _run(operator, {name: column[200:] for name, column in series.items()})
        np.testing.assert_array_equal(_run(operator, series)[200:], late, operator.name)


@pytest.mark.parametrize(
    ("function", "settings", "rows"),
    [
        ("RSI", (14.0,), 14),
        ("RSI", (1.0,), -1),
        ("SMA", (5.0,), 4),
        ("BBANDS", (5.0, 2.0, 2.0, 99.0), -1),
        ("SIN", (), 0),
    ],
)
def test_rows_before_the_first_value_known_settings(function: str, settings: tuple[float, ...], rows: int) -> None:
    assert talib_rows(function, settings) == rows


def test_descriptions_are_the_librarys() -> None:
    assert talib_title("RSI") == "Relative Strength Index"
    assert talib_keeps_scale("SMA")
    assert not talib_keeps_scale("RSI")
