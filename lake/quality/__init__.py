"""What is wrong with data, said in data: checks, the findings they make, and repairs."""

from lake.quality.check import EXAMPLES, Check, Finding, Severity, Stage, finding
from lake.quality.deliveries import delivery_findings, unknown_columns
from lake.quality.delivery import Delivery, date_forms, last_delivery, symbol_forms
from lake.quality.records import findings_frame
from lake.quality.registry import CHECKS, SUBJECTS, check_named, checks_of, incoming_errors, incoming_warnings
from lake.quality.surroundings import Surroundings
from lake.quality.verdict import conflicting_duplicate, examine, take_repeats, warn

__all__ = [
    "CHECKS",
    "EXAMPLES",
    "SUBJECTS",
    "Check",
    "Delivery",
    "Finding",
    "Severity",
    "Stage",
    "Surroundings",
    "check_named",
    "checks_of",
    "conflicting_duplicate",
    "date_forms",
    "delivery_findings",
    "examine",
    "finding",
    "findings_frame",
    "incoming_errors",
    "incoming_warnings",
    "last_delivery",
    "symbol_forms",
    "take_repeats",
    "unknown_columns",
    "warn",
]
