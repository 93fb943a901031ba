"""Every check there is, by name, and which of them apply where."""

from lake.quality.bars import BAR_ROW_CHECKS
from lake.quality.calendar import CALENDAR_CHECKS
from lake.quality.check import Check, Severity, Stage
from lake.quality.cross_source import CROSS_SOURCE_CHECKS
from lake.quality.deliveries import DAMAGE_CHECKS, DELIVERY_CHECKS, FILE_CHECKS
from lake.quality.fundamentals import FUNDAMENTAL_CHECKS
from lake.quality.intraday import INTRADAY_CHECKS
from lake.quality.membership import MEMBERSHIP_CHECKS
from lake.quality.moves import MOVE_CHECKS
from lake.quality.reference import REFERENCE_CHECKS
from qbrain_core.errors import UnknownNameError

__all__ = ["CHECKS", "SUBJECTS", "check_named", "checks_of", "incoming_errors", "incoming_warnings"]

SUBJECTS: dict[str, tuple[Check, ...]] = {
    "damage": DAMAGE_CHECKS,
    "bars": BAR_ROW_CHECKS,
    "moves": MOVE_CHECKS,
    "calendar": CALENDAR_CHECKS,
    "intraday": INTRADAY_CHECKS,
    "membership": MEMBERSHIP_CHECKS,
    "fundamentals": FUNDAMENTAL_CHECKS,
    "reference": REFERENCE_CHECKS,
    "deliveries": DELIVERY_CHECKS,
    "files": FILE_CHECKS,
    "cross_source": CROSS_SOURCE_CHECKS,
}
"""Checks by what they look at; within a subject errors stand in their order of precedence."""

CHECKS: dict[str, Check] = {check.name: check for checks in SUBJECTS.values() for check in checks}
"""Checks by name."""


def check_named(name: str) -> Check:
    """Look a check up.

    Parameters
    ----------
    name : str

    Returns
    -------
    Check

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    if name not in CHECKS:
        raise UnknownNameError("check", name, CHECKS)
    return CHECKS[name]


def checks_of(table: str, *, stage: Stage, severity: Severity | None = None) -> tuple[Check, ...]:
    """List the checks of a table.

    Parameters
    ----------
    table : str
    stage : Stage
    severity : Severity, optional

    Returns
    -------
    tuple of Check
        In order of precedence.
    """
    return tuple(
        check
        for check in CHECKS.values()
        if (not check.tables or table in check.tables) and stage in check.stages and severity in (None, check.severity)
    )


def incoming_errors(table: str) -> tuple[Check, ...]:
    """List the checks that keep a row out of a table.

    Parameters
    ----------
    table : str

    Returns
    -------
    tuple of Check
        In order of precedence; `conflicting_duplicate` is made by the key and comes after them.
    """
    return tuple(c for c in checks_of(table, stage="incoming", severity="error") if c.name != "conflicting_duplicate")


def incoming_warnings(table: str) -> tuple[Check, ...]:
    """List the checks that are told of and let pass.

    Parameters
    ----------
    table : str

    Returns
    -------
    tuple of Check
    """
    return checks_of(table, stage="incoming", severity="warning")
