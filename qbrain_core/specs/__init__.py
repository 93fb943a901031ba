"""What a job is asked to do: one validated, immutable model per kind, and the parser that makes them."""

from qbrain_core.specs.backtest import BacktestSpec, ExecutionSpec, StrategySpec
from qbrain_core.specs.check import CheckSpec
from qbrain_core.specs.clean import CleanSpec
from qbrain_core.specs.downsample import DownsampleSpec
from qbrain_core.specs.evaluate import EvaluateSpec, PreprocessSpec
from qbrain_core.specs.factor_block import FactorBlockSpec
from qbrain_core.specs.factors import FactorsSpec
from qbrain_core.specs.ingest import AdjustmentSource, BarTime, IngestSpec
from qbrain_core.specs.job import JobSpec, Visibility
from qbrain_core.specs.parse import SPEC_KINDS, Spec, dump_spec, parse_spec, parse_specs, spec_hash
from qbrain_core.specs.predict import ModelRef, PredictSpec
from qbrain_core.specs.train import DatasetSpec, ModelSpec, ProcessorSpec, Segment, TrainSpec
from qbrain_core.specs.upkeep import UPKEEP_STEPS, UpkeepSpec

__all__ = [
    "SPEC_KINDS",
    "UPKEEP_STEPS",
    "AdjustmentSource",
    "BacktestSpec",
    "BarTime",
    "CheckSpec",
    "CleanSpec",
    "DatasetSpec",
    "DownsampleSpec",
    "EvaluateSpec",
    "ExecutionSpec",
    "FactorBlockSpec",
    "FactorsSpec",
    "IngestSpec",
    "JobSpec",
    "ModelRef",
    "ModelSpec",
    "PredictSpec",
    "PreprocessSpec",
    "ProcessorSpec",
    "Segment",
    "Spec",
    "StrategySpec",
    "TrainSpec",
    "UpkeepSpec",
    "Visibility",
    "dump_spec",
    "parse_spec",
    "parse_specs",
    "spec_hash",
]
