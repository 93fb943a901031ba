"""What holds for every operator of the table: the future changes nothing, nor do blocks, neighbours or odd frames."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from qbrain_core.factors import compute, parse, stages
from qbrain_core.factors.expression import FactorSyntaxError
from qbrain_core.factors.operators import OPERATORS, STATISTICS, Kind, Operator, Slot

SERIES = (
    "$close",
    "$gappy",
    "$open",
    "$volume",
    "$high",
    "$low",
    "Log($volume)",
    "$close/Ref($close, 1)-1",
    "$high-$low",
)
CONDITIONS = ("$close > Ref($close, 1)", "$volume > Mean($volume, 10)", "Not($open >= $close)", "$close == $close")
PARTICULAR = {
    "Eq": "Max($close, 5) == $close", "Ne": "Ne(Max($close, 5), $close)", "Sign": "Sign($close - $open)",
    "TA_ASIN": "TA_ASIN($low/$high)", "TA_IMI": "TA_IMI($open, $close)",
}  # fmt: skip
# operators whose value is the same everywhere unless their arguments suit each other
PERIODS = ("$$roe", "Mean($$roe, 3)", "$$sales/Ref($$sales, 2)", "If($$roe > 1, $$sales, 0)")


def _argument(operator: Operator, slot: Slot, random: np.random.Generator, depth: int) -> str:
    def among(*texts: str) -> str:
        return str(random.choice(texts))

    window = among("0", "1", "2", "5", "13", "40") if operator.least_window == 1 else among("0", "5", "21")
    match slot:
        case Slot.SERIES | Slot.NUMBER | Slot.REGRESSOR:
            if slot is Slot.REGRESSOR and random.random() < 0.5:
                return "$industry"
            return _expression(random, Kind.NUMBER, depth)
        case Slot.CONDITION:
            return _expression(random, Kind.CONDITION, depth)
        case Slot.OPERAND:
            return _expression(random, Kind.NUMBER, depth)
        case Slot.PERIODS:
            return among(*PERIODS)
        case Slot.WINDOW:
            return window
        case Slot.SHIFT:
            return among("0", "1", "7", "30")
        case Slot.SPAN:
            return among(window, "0.3")
        case Slot.FRACTION:
            return among("0", "0.3", "1")
        case Slot.POSITIVE:
            return among("0.5", "2.5")
        case Slot.PERIOD:
            return among("201904", "202001")
        case Slot.INSTRUMENT:
            return among("'X1'", "'X4'", "'nobody'")
        case Slot.SPELL:
            return among("'W'", "'M'", "'Q'")
        case Slot.STATISTIC:
            return among("'first'", "'last'", "'std'", "'median'")
    raise AssertionError(f"no example of {slot!r}")


def _call(operator: Operator, random: np.random.Generator, depth: int) -> str:
    settings = len(operator.defaults) if operator.talib else 0
    slots = operator.slots[: len(operator.slots) - settings]
    arguments = [_argument(operator, slot, random, depth) for slot in slots]
    if operator.repeats:
        arguments += ["$industry", "Log($volume)"][: random.integers(0, 3)]
    return f"{operator.name}({', '.join(arguments)})"


def _expression(random: np.random.Generator, kind: Kind, depth: int) -> str:
    if depth == 0:
        return str(random.choice(CONDITIONS if kind is Kind.CONDITION else SERIES))
    fitting = [o for o in OPERATORS.values() if o.gives is kind and (o.talib is None or random.random() < 0.02)]
    return _call(fitting[random.integers(len(fitting))], random, depth - 1)


def _every_operator(seed: int) -> dict[str, str]:
    random = np.random.default_rng(seed)
    texts = {o.name: _call(o, random, 0) for o in OPERATORS.values()} | PARTICULAR
    spans = {f"{s}_{spell}": f"TResample($gappy, '{spell}', '{s}')" for s in STATISTICS for spell in ("W", "M")}
    return texts | spans


def _composed(seed: int, count: int) -> dict[str, str]:
    random = np.random.default_rng(seed)
    texts: dict[str, str] = {}
    while len(texts) < count:
        text = _expression(random, Kind.NUMBER, int(random.integers(2, 4)))
        try:
            parse(text)
        except FactorSyntaxError:  # a group or a condition where none may stand
            continue
        texts[f"N{len(texts)}"] = text
    return texts


@pytest.fixture(scope="module")
def fields(synthetic_fields: pl.DataFrame) -> pl.DataFrame:
    days = synthetic_fields["session"].cast(pl.Int32) // 50
    industry = synthetic_fields["instrument"].str.slice(1).cast(pl.Int64) % 2 + days
    missing = np.repeat(np.random.default_rng(7).random(synthetic_fields.height // 3 + 1) < 0.5, 3)
    gappy = pl.when(~pl.Series(missing[: synthetic_fields.height])).then("close").alias("gappy")
    return synthetic_fields.with_columns(gappy, industry.cast(pl.Float64).alias("industry"))


@pytest.fixture(scope="module")
def statements() -> pl.DataFrame:
    random = np.random.default_rng(6)
    rows = [
        (f"X{name}", period, date(2020, int(month), int(day)), field, value)
        for name in range(5)
        for field in ("roe", "sales")
        for period in (201902, 201903, 201904, 202001, 202002)
        for month, day, value in zip(
            random.integers(1, 7, 2), random.integers(1, 28, 2), random.normal(1, 1, 2), strict=True
        )
    ]
    return pl.DataFrame(rows, ["instrument", "period", "known_at", "field", "value"], orient="row")


def _different(one: pl.DataFrame, other: pl.DataFrame, texts: Mapping[str, str]) -> dict[str, str]:
    assert_frame_equal(one.select("instrument", "session"), other.select("instrument", "session"))
    return {name: text for name, text in texts.items() if not one[name].equals(other[name])}


def _check_future(texts: Mapping[str, str], fields: pl.DataFrame, statements: pl.DataFrame, *cuts: date) -> None:
    whole = compute(texts, fields, statements=statements)
    random = np.random.default_rng(9)
    for cut in cuts:
        past = pl.col("session") <= cut
        known = statements.filter(pl.col("known_at") <= cut)
        alone = compute(texts, fields.filter(past), statements=known)
        assert not _different(alone, whole.filter(past), texts), f"cut at {cut}"
    keys = ("instrument", "session")
    past = pl.col("session") <= date(2020, 4, 20)
    later = fields.filter(~past).sample(fraction=0.8, seed=1)
    shocked = later.select(*keys, (pl.exclude(keys) * pl.Series(random.uniform(-9, 9, later.height))))
    other = compute(texts, pl.concat([fields.filter(past), shocked]), statements=statements)
    assert not _different(other.filter(past), whole.filter(past), texts), "other values later"


def test_every_operator_later_rows_change_nothing(fields: pl.DataFrame, statements: pl.DataFrame) -> None:
    _check_future(_every_operator(1), fields, statements, date(2020, 2, 17), date(2020, 6, 26))


def test_composed_operators_later_rows_change_nothing(fields: pl.DataFrame, statements: pl.DataFrame) -> None:
    _check_future(_composed(1, 60), fields, statements, date(2020, 4, 20))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 22))
def test_many_composed_operators_later_rows_change_nothing(
    fields: pl.DataFrame, statements: pl.DataFrame, seed: int
) -> None:
    cuts = date(2020, 1, 1), date(2020, 2, 3), date(2020, 4, 20), date(2020, 6, 27)
    _check_future(_every_operator(seed) | _composed(seed, 200), fields, statements, *cuts)


def test_every_operator_has_values(fields: pl.DataFrame, statements: pl.DataFrame) -> None:
    idle = {name for name in OPERATORS if not name.startswith("TA_CDL")}
    for seed in range(12):
        texts = {n: t.replace("'nobody'", "'X1'") for n, t in _every_operator(seed).items() if n in idle}
        result = compute(texts, fields, statements=statements)
        idle = {name for name in idle if result[name].drop_nulls().n_unique() < 2}
        if not idle:
            break
    assert not idle


def test_every_operator_small_blocks_and_threads_give_same_values(
    fields: pl.DataFrame, statements: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = _every_operator(3) | _composed(3, 30)
    whole = compute(texts, fields, statements=statements)
    monkeypatch.setattr(stages, "_BLOCK_ROWS", 150)
    shuffled = fields.sample(fraction=1, shuffle=True, seed=2)
    assert not _different(compute(texts, shuffled, statements=statements, threads=3), whole, texts)


@pytest.mark.parametrize("odd", ["one row", "no row", "no value", "infinite"])
def test_every_operator_takes_odd_frames(fields: pl.DataFrame, statements: pl.DataFrame, odd: str) -> None:
    numbers = pl.exclude("instrument", "session")
    frame = {
        "one row": fields.head(1),
        "no row": fields.clear(),
        "no value": fields.with_columns(numbers * None),
        "infinite": fields.with_columns(numbers * np.inf),
    }[odd]
    result = compute(_every_operator(5), frame, statements=statements)
    assert result.height == frame.height
