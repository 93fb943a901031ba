import subprocess
import sys
from typing import Any

import pytest

from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.models import MODEL_FAMILIES, family, validate_params, validate_processors
from qbrain_core.specs import DatasetSpec, ProcessorSpec

# Qlib 0.9.7, examples/benchmarks/LightGBM/workflow_config_lightgbm_Alpha158.yaml
PUBLISHED = {
    "colsample_bytree": 0.8879, "learning_rate": 0.2, "subsample": 0.8789, "lambda_l1": 205.6999,
    "lambda_l2": 580.9768, "max_depth": 8, "num_leaves": 210,
}  # fmt: skip


def test_lightgbm_defaults_are_qlibs_benchmark() -> None:
    defaults = family("lightgbm").defaults
    assert {name: defaults[name] for name in PUBLISHED} == PUBLISHED
    assert validate_params("lightgbm", {}) == defaults


@pytest.mark.parametrize("name", MODEL_FAMILIES)
def test_every_field_has_both_helps_and_a_default_in_range(name: str) -> None:
    for field in family(name).fields:
        assert field.help_en
        assert field.help_zh
        assert field.minimum <= field.default <= field.maximum
        assert isinstance(field.default, int if field.type == "int" else float)


def test_unknown_family_names_the_close_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lightgbm'"):
        family("lightgmb")


def test_unknown_parameter_names_the_close_one() -> None:
    with pytest.raises(UnknownNameError, match=r"model\.params\.num_leafs .*did you mean 'num_leaves'"):
        validate_params("lightgbm", {"num_leafs": 31})


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_leaves", 1), ("num_leaves", 31.5), ("num_leaves", "31"), ("learning_rate", float("nan")),
     ("max_depth", True)],
)  # fmt: skip
def test_value_against_the_rule_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"model.params.{name}"):
        validate_params("lightgbm", {name: value})


def test_given_values_replace_defaults() -> None:
    found = validate_params("lightgbm", {"num_leaves": 31.0, "learning_rate": 1})
    assert (found["num_leaves"], found["learning_rate"]) == (31, 1.0)
    assert isinstance(found["num_leaves"], int)


def with_processors(spec: DatasetSpec, **places: tuple[ProcessorSpec, ...]) -> DatasetSpec:
    return spec.model_copy(update=places)


def test_processors_of_the_default_are_known(spec: DatasetSpec) -> None:
    validate_processors(spec)


@pytest.mark.parametrize(
    ("place", "processor", "message"),
    [
        ("learn_processors", ProcessorSpec(name="DropNaLabel"), "did you mean 'DropnaLabel'"),
        ("learn_processors", ProcessorSpec(name="Fillna", params={"value": 0}), "did you mean 'fill_value'"),
        ("infer_processors", ProcessorSpec(name="DropnaLabel"), "needs the label"),
        ("infer_processors", ProcessorSpec(name="Fillna"), "should be 'feature'"),
        (
            "infer_processors",
            ProcessorSpec(name="ZScoreNorm", params={"fields_group": "feature", "fit_end_time": "2030-01-01"}),
            "fit_end_time",
        ),
    ],
)
def test_processor_against_the_rule_is_refused(
    spec: DatasetSpec, place: str, processor: ProcessorSpec, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        validate_processors(with_processors(spec, **{place: (processor,)}))


def test_catalog_imports_no_model_library() -> None:
    code = "import sys, qbrain_core.models; assert not {'qlib', 'lightgbm', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
