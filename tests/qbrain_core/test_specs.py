import json
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qbrain_core.errors import InvalidInputError
from qbrain_core.specs import (
    SPEC_KINDS,
    BacktestSpec,
    DatasetSpec,
    FactorsSpec,
    ModelRef,
    StrategySpec,
    TrainSpec,
    dump_spec,
    parse_spec,
    parse_specs,
    spec_hash,
)

SEGMENTS = {
    "train": {"start": "2016-01-01", "end": "2020-12-31"},
    "valid": {"start": "2021-01-01", "end": "2021-12-31"},
    "test": {"start": "2022-01-01", "end": "2022-12-31"},
}


def train(**changes: object) -> dict[str, object]:
    return {"kind": "train", "register_as": "m", "dataset": {"market": "US", "segments": SEGMENTS}} | changes


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"kind": "trian"}, f"kind is 'trian', but a spec is one of {', '.join(SPEC_KINDS)}"),
        ({"kind": "factors", "markt": "US"}, "markt is 'US', but there is no such field here; did you mean 'market'"),
        ({"kind": "factors", "market": "USA"}, "no such market is known; known: CN, US, HK, FX, CRYPTO, DEMO"),
        ({"kind": "factors"}, "market is None, but this field is required"),
        (train(seed="x"), "seed is 'x', but it should be a valid integer"),
        (train(seed=-1), "seed is -1, but it should be greater than or equal to 0"),
        (
            train(model={"famly": "lightgbm"}),
            "model.famly is 'lightgbm', but there is no such field here; did you mean",
        ),
        (train(register_as="no spaces"), "register_as is 'no spaces', but it should match pattern"),
        (
            {"kind": "backtest", "model": {"name": "m"}, "strategy": {"topk": 3, "n_drop": 5}},
            "n_drop 5 must not exceed topk 3",
        ),
        ({"kind": "backtest", "model": {"name": "m", "version": 1, "alias": "champion"}}, "give version or alias"),
        ({"kind": "ingest", "path": "x", "market": "US", "table": "universes"}, "universe must be named"),
    ],
)
def test_parse_spec_with_a_mistake_says_field_value_and_rule(document: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_spec(document)
    assert sentence in str(caught.value)


def test_parse_spec_with_overlapping_segments_names_both() -> None:
    overlapping = SEGMENTS | {"valid": {"start": "2020-06-01", "end": "2021-12-31"}}
    with pytest.raises(InvalidInputError, match="train ends 2020-12-31, valid starts 2020-06-01"):
        parse_spec(train(dataset={"market": "US", "segments": overlapping}))


@pytest.mark.parametrize("text", ["", "---\n---\n", "a: [1", "just text", "- 1\n- 2", "kind: [x]"])
def test_parse_specs_from_text_that_is_no_spec_is_one_sentence(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_specs(text)


def test_parse_specs_reads_a_stream_in_order() -> None:
    text = yaml.safe_dump_all([{"kind": "factors", "market": "US", "name": "a"}, train(after=["a"])])
    first, second = parse_specs(text)
    assert isinstance(first, FactorsSpec)
    assert isinstance(second, TrainSpec)
    assert second.after == ("a",)


def test_dump_spec_round_trips_through_json() -> None:
    spec = parse_spec(train())
    assert parse_spec(json.loads(json.dumps(dump_spec(spec)))) == spec


@given(
    topk=st.integers(1, 5000), share=st.floats(0, 1), stop=st.none() | st.floats(0.001, 0.999),
    cash=st.floats(1, 1e12), start=st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)),
)  # fmt: skip
def test_dump_spec_round_trips_for_any_backtest(
    topk: int, share: float, stop: float | None, cash: float, start: date | None
) -> None:
    strategy = StrategySpec(topk=topk, n_drop=int(topk * share), stop_loss=stop)
    spec = BacktestSpec(model=ModelRef(name="m"), strategy=strategy, cash=cash, start=start)
    again = parse_specs(yaml.safe_dump(dump_spec(spec)))[0]
    assert again == spec
    assert spec_hash(again) == spec_hash(spec)


def test_spec_hash_ignores_names_and_sees_content() -> None:
    spec = FactorsSpec(market="US")
    assert spec_hash(spec) == spec_hash(FactorsSpec(market="US", name="x", after=("y",), parent="z"))
    assert spec_hash(spec) != spec_hash(FactorsSpec(market="CN"))
    assert spec_hash(spec) != spec_hash(FactorsSpec(market="US", owner="someone"))


def test_default_learn_processors_are_qlibs() -> None:
    dataset = DatasetSpec.model_validate({"market": "US", "segments": SEGMENTS})
    assert [p.name for p in dataset.learn_processors] == ["DropnaLabel", "CSZScoreNorm"]
    assert dataset.infer_processors == ()
