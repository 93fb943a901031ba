"""Typed reads: what pages, tasks and notebooks ask the lake for, as frames and arrays in a stated order."""

from lake.reads.company import CompanyReads
from lake.reads.evaluations import EvaluationReads
from lake.reads.factor_inputs import FactorInputReads
from lake.reads.intraday import IntradayReads
from lake.reads.market import MarketReads
from lake.reads.panels import PanelReads
from lake.reads.qlib_frames import QlibReads
from lake.reads.results import ResultReads
from lake.reads.sections import SectionReads
from lake.reads.streams import StreamReads

__all__ = ["TypedReads"]


class TypedReads(
    MarketReads,
    IntradayReads,
    SectionReads,
    PanelReads,
    QlibReads,
    CompanyReads,
    ResultReads,
    EvaluationReads,
    StreamReads,
    FactorInputReads,
):
    """Every typed read."""
