"""Leakage: proof that a factor knows nothing of the future, and what is found where it does."""

from qbrain_core.factors.leakage.checks import check_callable, check_expressions
from qbrain_core.factors.leakage.cuts import choose_cuts
from qbrain_core.factors.leakage.foresight import check_foresight
from qbrain_core.factors.leakage.probe import probe
from qbrain_core.factors.leakage.report import CHECKS, FINDINGS, Check, Finding, LeakageReport, Outcome
from qbrain_core.factors.leakage.startup import check_startup
from qbrain_core.factors.leakage.static import check_knowledge, check_static

__all__ = [
    "CHECKS", "FINDINGS", "Check", "Finding", "LeakageReport", "Outcome", "check_callable", "check_expressions",
    "check_foresight", "check_knowledge", "check_startup", "check_static", "choose_cuts", "probe",
]  # fmt: skip
