"""Model families with their parameters, and the data processors a dataset may use, as data: no model is imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.specs.train import DatasetSpec, ProcessorSpec

__all__ = [
    "MODEL_FAMILIES",
    "PROCESSORS",
    "Field",
    "ModelFamily",
    "family",
    "validate_params",
    "validate_processors",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of a family: enough to draw an input for it and to check what comes back.

    Attributes
    ----------
    name : str
    type : {"int", "float"}
    default : int or float
    minimum, maximum : int or float
        Both included.
    help_en, help_zh : str
        A sentence for the form.
    """

    name: str
    type: Literal["int", "float"]
    default: int | float
    minimum: int | float
    maximum: int | float
    help_en: str
    help_zh: str


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """A kind of model that can be trained.

    Attributes
    ----------
    name : str
        What specs write.
    title : str
        What people read.
    fields : tuple of Field
    summary_en, summary_zh : str
        A sentence for the form.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    summary_en: str
    summary_zh: str

    @property
    def defaults(self) -> dict[str, int | float]:
        """Default of every field, by name."""
        return {f.name: f.default for f in self.fields}


# Defaults: Qlib's benchmark configuration of LightGBM on Alpha158 and CSI 300
# (examples/benchmarks/LightGBM/workflow_config_lightgbm_Alpha158.yaml); rounds and patience: LGBModel's own.
_LIGHTGBM = ModelFamily(
    "lightgbm", "LightGBM",
    (
        Field("learning_rate", "float", 0.2, 1e-4, 1.0, "Shrinkage of each tree.", "每棵树的收缩率（学习率）。"),
        Field("num_leaves", "int", 210, 2, 131072, "Most leaves of one tree.", "每棵树的最大叶子数。"),
        Field("max_depth", "int", 8, -1, 64, "Deepest tree; -1: no limit.", "树的最大深度；-1 表示不限。"),
        Field("num_boost_round", "int", 1000, 1, 100_000, "Most trees.", "最多迭代轮数（树的数量）。"),
        Field(
            "early_stopping_rounds", "int", 50, 1, 100_000,
            "Stop when the valid loss has not improved for so many rounds.", "验证集损失连续多少轮没有改善就停止。",
        ),
        Field("lambda_l1", "float", 205.6999, 0.0, 1e6, "L1 penalty on leaf values.", "叶子权重的 L1 正则。"),
        Field("lambda_l2", "float", 580.9768, 0.0, 1e6, "L2 penalty on leaf values.", "叶子权重的 L2 正则。"),
        Field(
            "colsample_bytree", "float", 0.8879, 0.01, 1.0,
            "Share of the features each tree may use.", "每棵树随机使用的特征比例。",
        ),
        Field(
            "subsample", "float", 0.8789, 0.01, 1.0,
            "Share of the rows drawn; has effect only with subsample_freq above 0.",
            "行采样比例；仅当 subsample_freq 大于 0 时生效。",
        ),
        Field("subsample_freq", "int", 0, 0, 1000, "Draw rows anew every so many trees.", "每隔多少棵树重新行采样。"),
        Field("min_child_samples", "int", 20, 1, 10_000_000, "Fewest rows in a leaf.", "叶子的最少样本数。"),
        Field("max_bin", "int", 255, 2, 65535, "Most bins of one feature.", "每个特征的最大分箱数。"),
    ),
    "Gradient-boosted trees; Qlib's LGBModel with the settings of its Alpha158 benchmark.",
    "梯度提升树；采用 Qlib 的 LGBModel 及其 Alpha158 基准参数。",
)  # fmt: skip

MODEL_FAMILIES: dict[str, ModelFamily] = {_LIGHTGBM.name: _LIGHTGBM}
"""Model families by name."""


def family(name: str) -> ModelFamily:
    """Look a family up.

    Parameters
    ----------
    name : str

    Returns
    -------
    ModelFamily

    Raises
    ------
    UnknownNameError
        If there is none of this name; the message lists the close ones.
    """
    if name not in MODEL_FAMILIES:
        raise UnknownNameError("model.family", name, MODEL_FAMILIES)
    return MODEL_FAMILIES[name]


def validate_params(name: str, params: Mapping[str, Any]) -> dict[str, int | float]:
    """Check the parameters of a family and fill in the defaults.

    Parameters
    ----------
    name : str
        Family.
    params : mapping
        Any of its fields.

    Returns
    -------
    dict
        Every field of the family.

    Raises
    ------
    UnknownNameError
        If the family or a parameter is not known.
    InvalidInputError
        If a value is of the wrong type or out of range.
    """
    chosen = family(name)
    values = chosen.defaults
    for key in params:
        if key not in values:
            raise UnknownNameError(f"model.params.{key}", key, values)
    for field in chosen.fields:
        if field.name in params:
            values[field.name] = _checked(field, params[field.name])
    return values


def _checked(field: Field, value: Any) -> int | float:
    path = f"model.params.{field.name}"
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not isinstance(value, int | float) or (field.type == "int" and not whole):
        raise InvalidInputError(path, value, f"it should be {'a whole' if field.type == 'int' else 'a'} number")
    if not field.minimum <= value <= field.maximum:  # also refuses NaN
        raise InvalidInputError(path, value, f"it should be from {field.minimum} to {field.maximum}")
    return int(value) if field.type == "int" else float(value)


PROCESSORS: dict[str, frozenset[str]] = {
    "CSRankNorm": frozenset({"fields_group"}),
    "CSZFillna": frozenset({"fields_group"}),
    "CSZScoreNorm": frozenset({"fields_group", "method"}),
    "DropnaLabel": frozenset({"fields_group"}),
    "DropnaProcessor": frozenset({"fields_group"}),
    "Fillna": frozenset({"fields_group", "fill_value"}),
    "MinMaxNorm": frozenset({"fields_group"}),
    "ProcessInf": frozenset(),
    "RobustZScoreNorm": frozenset({"fields_group", "clip_outlier"}),
    "TanhProcess": frozenset(),
    "ZScoreNorm": frozenset({"fields_group"}),
}
"""Qlib's processors a dataset may name, with their arguments.

The ones that learn from the data are always fitted on the train segment, so `fit_start_time` and `fit_end_time` are not
arguments here.
"""

_LEARN_ONLY = frozenset({"DropnaLabel"})


def validate_processors(spec: DatasetSpec) -> None:
    """Check the processors a dataset names.

    Parameters
    ----------
    spec : DatasetSpec

    Raises
    ------
    UnknownNameError
        If a processor or one of its arguments is not known.
    InvalidInputError
        If `infer_processors` holds one that needs the label or is not confined to the features.
    """
    for place in ("infer_processors", "learn_processors"):
        chosen: tuple[ProcessorSpec, ...] = getattr(spec, place)
        for position, processor in enumerate(chosen):
            path = f"dataset.{place}.{position}"
            if processor.name not in PROCESSORS:
                raise UnknownNameError(f"{path}.name", processor.name, PROCESSORS)
            for argument in processor.params:
                if argument not in PROCESSORS[processor.name]:
                    raise UnknownNameError(f"{path}.params", argument, PROCESSORS[processor.name])
            if place == "infer_processors":
                _check_needs_no_label(path, processor)


def _check_needs_no_label(path: str, processor: ProcessorSpec) -> None:
    if processor.name in _LEARN_ONLY:
        raise InvalidInputError(f"{path}.name", processor.name, "it needs the label, which scoring does not have")
    group = processor.params.get("fields_group")
    if "fields_group" in PROCESSORS[processor.name] and group != "feature":
        raise InvalidInputError(
            f"{path}.params.fields_group", group, "before scoring there are only features: it should be 'feature'"
        )
