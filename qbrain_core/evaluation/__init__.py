"""Judge scores by how well they ordered the returns that followed."""

from qbrain_core.evaluation.coefficients import (
    MIN_CROSS_SECTION,
    IcSummary,
    forward_returns,
    ic,
    ic_summary,
    rank_ic,
)

__all__ = ["MIN_CROSS_SECTION", "IcSummary", "forward_returns", "ic", "ic_summary", "rank_ic"]
